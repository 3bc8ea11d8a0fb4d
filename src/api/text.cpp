// Words to the picture that takes a photo's place.
#include "api/handles.h"
#include "pipeline/text_pictures.h"

using namespace gsv3d;
using namespace gsv3d::api;

gsv3d_status gsv3d_text_model_load(const char* folder, const gsv3d_model_options* options, gsv3d_text_model** model) {
  return guarded([&] {
    given(model, "model");
    const ModelPlace place = model_place(folder, options);
    *model = new gsv3d_text_model{load_text_model(place.folder, place.options)};
  });
}

void gsv3d_text_model_free(gsv3d_text_model* model) {
  delete model;
}

void gsv3d_text_options_init(gsv3d_text_options* options, size_t size) {
  const TextOptions defaults;
  hand_out(options, size,
           {0, defaults.seed, defaults.candidates, nullptr, nullptr, defaults.use_template, defaults.matting, nullptr,
            defaults.strength, nullptr, nullptr, nullptr});
}

gsv3d_status gsv3d_text_picture(const gsv3d_text_model* model, const char* text, const gsv3d_text_options* options,
                                gsv3d_picture** picture) {
  return guarded([&] {
    given(model, "model"), given(text, "text"), given(picture, "picture");
    const auto wanted = over_defaults(options, gsv3d_text_options_init);
    TextOptions how;
    how.seed = wanted.seed, how.candidates = wanted.candidates, how.strength = wanted.strength;
    how.use_template = wanted.use_template != 0, how.matting = wanted.matting != 0;
    if (wanted.negative) how.negative = wanted.negative;
    how.sampling = sampling_of(wanted.sampling);
    if (wanted.sketch) how.sketch = wanted.sketch->image;
    const PictureEmbedder embed = wanted.judge ? picture_embedder(wanted.judge->model, model->model) : PictureEmbedder();
    const TextPictures made = make_pictures(model->model, text, how, embed, [&](int64_t done, int64_t total) {
      report_progress(wanted.progress, wanted.user, "picture", done, total);
    });
    *picture = new gsv3d_picture{made.taken()};
  });
}
