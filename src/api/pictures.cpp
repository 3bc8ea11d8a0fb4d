#include "api/handles.h"

using namespace gsv3d;
using namespace gsv3d::api;

gsv3d_status gsv3d_picture_create(const uint8_t* rgba, int64_t width, int64_t height, gsv3d_picture** picture) {
  return guarded([&] {
    given(rgba, "rgba"), given(picture, "picture");
    if (width < 1 || height < 1 || width > kMaxPixels / height)
      throw UsageError(fmt::format("a picture of {} x {} pixels: it must have 1 to {}", width, height, kMaxPixels));
    Image image{width, height, {rgba, rgba + 4 * width * height}, false};
    image.has_alpha = has_transparency(image);
    *picture = new gsv3d_picture{std::move(image)};
  });
}

gsv3d_status gsv3d_picture_read(const char* path, gsv3d_picture** picture) {
  return guarded([&] {
    given(picture, "picture");
    *picture = new gsv3d_picture{load_image(given(path, "path"))};
  });
}

gsv3d_status gsv3d_picture_write_png(const gsv3d_picture* picture, const char* path) {
  return guarded([&] { save_png(given(path, "path"), given(picture, "picture")->image); });
}

int64_t gsv3d_picture_width(const gsv3d_picture* picture) {
  return picture ? picture->image.width : 0;
}

int64_t gsv3d_picture_height(const gsv3d_picture* picture) {
  return picture ? picture->image.height : 0;
}

const uint8_t* gsv3d_picture_rgba(const gsv3d_picture* picture) {
  return picture ? picture->image.pixels.data() : nullptr;
}

void gsv3d_picture_free(gsv3d_picture* picture) {
  delete picture;
}
