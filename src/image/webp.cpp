#include "image/webp.h"

#include "core/error.h"

#ifdef GSV3D_HAS_WEBP
#include <webp/decode.h>
#include <webp/encode.h>
#endif

namespace gsv3d {

#ifdef GSV3D_HAS_WEBP

std::string encode_webp(const Image& image, int64_t quality) {
  uint8_t* bytes = nullptr;
  const size_t size = WebPEncodeRGBA(image.pixels.data(), static_cast<int>(image.width), static_cast<int>(image.height),
                                     static_cast<int>(4 * image.width), static_cast<float>(quality), &bytes);
  require(size > 0, "a texture of {} x {} pixels cannot be written as WebP", image.width, image.height);
  std::string result(reinterpret_cast<const char*>(bytes), size);
  WebPFree(bytes);
  return result;
}

Image decode_webp(std::string_view bytes, const std::string& where) {
  const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
  int width = 0, height = 0;
  require(WebPGetInfo(data, bytes.size(), &width, &height) != 0 && width <= 4096 && height <= 4096, "{}: a texture is damaged",
          where);
  Image image{width, height, std::vector<uint8_t>(static_cast<size_t>(width) * static_cast<size_t>(height) * 4), false};
  require(WebPDecodeRGBAInto(data, bytes.size(), image.pixels.data(), image.pixels.size(), 4 * width) != nullptr,
          "{}: a texture is damaged", where);
  image.has_alpha = has_transparency(image);
  return image;
}

#else

std::string encode_webp(const Image&, int64_t) {
  fail("textures cannot be packed: this build lacks libwebp");
}
Image decode_webp(std::string_view, const std::string& where) {
  fail("{}: its textures cannot be read: this build lacks libwebp", where);
}

#endif

}  // namespace gsv3d
