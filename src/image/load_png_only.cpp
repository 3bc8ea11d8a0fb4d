// Reading pictures in builds without libvips: what decode_png and decode_bitmap can.
#ifndef GSV3D_WITH_IMAGE_FILES

#include "image/load_image.h"

namespace gsv3d {

std::string readable_formats() {
  return can_read_bitmaps()
             ? "this build has no libvips and reads 8-bit PNG, BMP and binary PPM only (GSV3D_WITH_IMAGE_FILES=OFF)"
             : "this build has no libvips and reads 8-bit PNG only (GSV3D_WITH_IMAGE_FILES=OFF)";
}

Image decode_picture(const std::string& bytes, const std::string& name, Orientation) {
  if (can_read_bitmaps() && is_bitmap(bytes)) return decode_bitmap(bytes, name);
  if (!bytes.starts_with("\x89PNG")) fail_unknown_format(bytes, name);
  Image image = decode_png(bytes, name);
  check_picture_size(image.width, image.height, name);
  return image;
}

}  // namespace gsv3d

#endif
