// gsv3d text: words in, a picture of what they say, and from it all that gsv3d generate makes of a photo.
#include <chrono>

#include "commands.h"
#include "core/device.h"
#include "core/error.h"
#include "core/progress.h"
#include "generation.h"
#include "pipeline/text_pictures.h"
#include "setting_options.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

struct TextArguments {
  std::vector<std::string> texts;
  GenerationArguments generation;
  TextOptions options;
  fs::path text_model, sketch;
  std::string negative;
  bool has_negative = false, no_template = false, picture_only = false;
};

TextPictures pictures_of(const std::string& text, const std::string& name, const TextModel& model, const TextOptions& options,
                         const PictureEmbedder& embed) {
  std::optional<Progress> bar;
  return make_pictures(model, text, options, embed, [&](int64_t done, int64_t total) {
    if (total <= 1) return;
    if (!bar) bar.emplace(name + ": picture", total);
    bar->update(done);
  });
}

/// picture.png, candidates.png and result.json, without an object.
Json write_pictures(const GenerationInput& input, const GenerationArguments& arguments) {
  OutputFolder folder(arguments.output, input.name);
  for (const auto& [file, picture] : input.beside) save_png(folder.staging() / file, picture);
  write_json_file(
      folder.staging() / "result.json",
      {{"program", {{"name", "gsv3d"}, {"version", GSV3D_VERSION}}}, {"seed", arguments.options.seed}, {"text", input.text}});
  folder.commit(result_file_names());
  if (!arguments.run.quiet && !arguments.json) {
    fmt::print("{}\n", (folder.path() / "picture.png").string());
    std::fflush(stdout);
  }
  return {{"folder", folder.path().string()}};
}

Json make_one(const std::string& words, const std::string& name, const TextModel& text_model, const std::optional<Model>& model,
              const TextArguments& arguments) {
  const auto start = std::chrono::steady_clock::now();
  const PictureEmbedder embed = model ? picture_embedder(*model, text_model) : PictureEmbedder();
  const TextPictures pictures = pictures_of(words, name, text_model, arguments.options, embed);
  GenerationInput made{name, "picture.png", pictures.taken()};
  made.text = text_pictures_json(pictures, words, arguments.options, text_model);
  made.text["seconds"] = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  made.beside["picture.png"] = made.photo;
  if (pictures.candidates.size() > 1) made.beside["candidates.png"] = candidate_sheet(pictures);
  return model ? generate_object(made, *model, arguments.generation) : write_pictures(made, arguments.generation);
}

void run_text(TextArguments& arguments) {
  GenerationArguments& generation = arguments.generation;
  generation.prepare();
  TextOptions& options = arguments.options;
  options.seed = generation.options.seed;
  options.matting = generation.options.matting, options.matting_options = generation.options.matting_options;
  options.use_template = !arguments.no_template;
  if (arguments.has_negative) options.negative = arguments.negative;
  if (!arguments.sketch.empty()) options.sketch = load_image(arguments.sketch);
  const fs::path folder = arguments.text_model.empty() ? generation.run.model_folder() : arguments.text_model;
  const at::Device device = generation.run.chosen_device();
  const std::string& dtype = generation.run.dtype;
  const TextModel text_model =
      load_text_model(folder, {device, dtype == "auto" ? default_dtype(read_model_config(folder), device) : parse_dtype(dtype),
                               true, generation.offload});
  for (const std::string& text : arguments.texts) check_text(text_model, text, options);  // before any work
  std::optional<Model> model;
  if (!arguments.picture_only) model.emplace(generation.load());
  std::vector<BatchPhoto> inputs;
  add_texts(inputs, arguments.texts);
  generate_all(inputs, generation,
               [&](const BatchPhoto& input) { return make_one(*input.text, input.name, text_model, model, arguments); });
}

}  // namespace

void add_text_command(CLI::App& app) {
  auto* command = app.add_subcommand("text", "Make a 3D object from words: a picture of them first, then as generate does");
  auto arguments = std::make_shared<TextArguments>();
  TextArguments& a = *arguments;
  command->add_option("text", a.texts, "what is to be seen, for example \"a red armchair\"; several texts, several objects")
      ->required();
  command->add_option("--text-model", a.text_model,
                      "model folder of the networks that make the picture (gsv3d import --sd; default: that of --model)");
  command->add_option_function<std::string>(
      "--negative", [&a](const std::string& text) { a.negative = text, a.has_negative = true; },
      "what is not to be seen (default: as the model asks)");
  command->add_option("--candidates", a.options.candidates, "make so many pictures, and go on with the best")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  command->add_flag("--no-template", a.no_template, "the words alone, without those that ask for one whole object on white");
  auto* sketch =
      command->add_option("--sketch", a.sketch, "begin with this drawing instead of noise alone")->check(CLI::ExistingFile);
  command->add_option("--strength", a.options.strength, "how far the picture may leave the sketch, above 0 to 1")
      ->check(number_between(0.01, 1))
      ->needs(sketch)
      ->capture_default_str();
  command->add_flag("--picture-only", a.picture_only, "stop after the picture");
  add_setting_options(*command, described_settings(PictureSamplerConfig()), a.options.sampling);
  a.generation.add_to(*command, "text");
  command->footer(
      "Results in OUTPUT/NAME/, NAME being the words: picture.png, candidates.png, and what gsv3d generate makes of a photo.\n\n"
      "Examples:\n"
      "  gsv3d text \"a red armchair\"\n"
      "  gsv3d text \"wooden table\" --candidates 4 --seed 7 -o results\n"
      "  gsv3d text \"a brass teapot\" --text-model models/sd_turbo --model models/sv3d_p");
  command->callback([arguments] { run_text(*arguments); });
}

}  // namespace gsv3d
