// Reading pictures with libvips: every format that people's cameras and programs write.
#ifdef GSV3D_WITH_IMAGE_FILES

#include <vips/vips.h>

#include "core/error.h"
#include "core/log.h"
#include "image/load_image.h"
#include "image/vips_library.h"

namespace gsv3d {
namespace {

struct Unref {
  void operator()(VipsImage* image) const { g_object_unref(image); }
};
using Picture = std::unique_ptr<VipsImage, Unref>;

/// Only these readers are used: libvips has many more, whose formats nobody photographs in or which are unsafe with hostile
/// files.
bool is_reader_of_photos(std::string_view loader) {
  constexpr std::string_view known[] = {"Jpeg", "Png", "Webp", "Heif", "Tiff", "Nsgif"};
  return std::any_of(std::begin(known), std::end(known),
                     [&](std::string_view format) { return loader.find(format) != std::string_view::npos; });
}

/// Runs one libvips operation that makes `picture` into a new one.
template <class Operation>
void apply(Picture& picture, const std::string& name, Operation operation) {
  VipsImage* out = nullptr;
  if (operation(picture.get(), &out) != 0) fail("{}: the picture cannot be decoded: {}", name, vips_reason());
  picture.reset(out);
}

Picture open(const std::string& bytes, const std::string& name) {
  const char* loader = vips_foreign_find_load_buffer(bytes.data(), bytes.size());
  if (!loader || !is_reader_of_photos(loader)) {
    vips_error_clear();
    fail_unknown_format(bytes, name);
  }
  Picture picture(vips_image_new_from_buffer(bytes.data(), bytes.size(), "", "fail_on", VIPS_FAIL_ON_TRUNCATED, nullptr));
  if (!picture) fail("{}: the picture cannot be read: {}", name, vips_reason());
  return picture;
}

/// To 8-bit sRGB by the embedded colour profile where there is one. Profiles in users' files are often broken: then the colours
/// are taken as they are.
void convert_colours(Picture& picture, const std::string& name) {
  VipsImage* out = nullptr;
  if (vips_image_get_typeof(picture.get(), VIPS_META_ICC_NAME) != 0) {
    // 16-bit pictures stay so until the conversion below: here their alpha would be cut off instead of scaled.
    const int depth = vips_image_get_format(picture.get()) == VIPS_FORMAT_USHORT ? 16 : 8;
    if (vips_icc_transform(picture.get(), &out, "srgb", "embedded", TRUE, "depth", depth, nullptr) == 0) {
      picture.reset(out);
    } else {
      spdlog::warn("{}: its colour profile cannot be used ({}); colours are taken as sRGB", name, vips_reason());
    }
  }
  if (vips_image_get_interpretation(picture.get()) != VIPS_INTERPRETATION_sRGB) {
    apply(picture, name,
          [](VipsImage* in, VipsImage** result) { return vips_colourspace(in, result, VIPS_INTERPRETATION_sRGB, nullptr); });
  }
  if (vips_image_get_format(picture.get()) != VIPS_FORMAT_UCHAR) {
    apply(picture, name, [](VipsImage* in, VipsImage** result) { return vips_cast_uchar(in, result, nullptr); });
  }
}

}  // namespace

std::string readable_formats() {
  return can_read_bitmaps() ? "JPEG, PNG, WebP, HEIC, AVIF, TIFF, GIF, BMP and binary PPM are read"
                            : "JPEG, PNG, WebP, HEIC, AVIF, TIFF and GIF are read";
}

Image decode_picture(const std::string& bytes, const std::string& name, Orientation orientation) {
  if (can_read_bitmaps() && is_bitmap(bytes)) return decode_bitmap(bytes, name);
  start_vips();
  Picture picture = open(bytes, name);
  check_picture_size(vips_image_get_width(picture.get()), vips_image_get_height(picture.get()), name);
  if (orientation == Orientation::upright)
    apply(picture, name, [](VipsImage* in, VipsImage** out) { return vips_autorot(in, out, nullptr); });
  convert_colours(picture, name);

  const int64_t width = vips_image_get_width(picture.get()), height = vips_image_get_height(picture.get());
  const int64_t bands = vips_image_get_bands(picture.get());
  require(bands >= 3, "{}: a picture with {} channels cannot be read", name, bands);
  size_t size = 0;
  const std::unique_ptr<void, void (*)(void*)> memory(vips_image_write_to_memory(picture.get(), &size), &g_free);
  if (!memory) fail("{}: the picture is truncated or damaged: {}", name, vips_reason());
  require(size == static_cast<size_t>(width * height * bands), "{}: the picture cannot be decoded", name);

  Image image{width, height, std::vector<uint8_t>(4 * width * height, 255), false};
  const auto* source = static_cast<const uint8_t*>(memory.get());
  const int64_t kept = std::min<int64_t>(bands, 4);
  for (int64_t i = 0; i < width * height; ++i) std::copy_n(source + bands * i, kept, image.pixels.data() + 4 * i);
  return image;
}

}  // namespace gsv3d

#endif
