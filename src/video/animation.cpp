#include "video/animation.h"

#include "core/atomic_file.h"
#include "core/error.h"

#ifdef GSV3D_WITH_IMAGE_FILES
#include <vips/vips.h>

#include "image/vips_library.h"
#endif

namespace gsv3d {

#ifdef GSV3D_WITH_IMAGE_FILES
namespace {

constexpr size_t kMostBytes = size_t{1} << 30;

/// All frames below each other, which is how libvips holds animations.
std::vector<uint8_t> stack_frames(const std::vector<Image>& frames, const std::string& name) {
  const size_t size = frames[0].pixels.size();
  require(size > 0 && frames.size() <= kMostBytes / size,
          "cannot write {}: {} frames of {} x {} pixels are too many for an animation", name, frames.size(), frames[0].width,
          frames[0].height);
  std::vector<uint8_t> pixels;
  pixels.reserve(size * frames.size());
  for (const Image& frame : frames) {
    require(frame.width == frames[0].width && frame.height == frames[0].height, "cannot write {}: its frames differ in size",
            name);
    pixels.insert(pixels.end(), frame.pixels.begin(), frame.pixels.end());
  }
  return pixels;
}

}  // namespace

void write_animation(const std::filesystem::path& path, const std::vector<Image>& frames, const AnimationOptions& options) {
  const std::string name = path.string();
  require(!frames.empty(), "cannot write {}: it has no frames", name);
  require(options.frames_per_second > 0 && options.frames_per_second <= 100, "cannot write {}: {} frames per second", name,
          options.frames_per_second);
  const bool gif = path.extension() == ".gif";
  require(gif || path.extension() == ".webp", "cannot write {}: animations are .gif or .webp", name);
  start_vips();
  const std::vector<uint8_t> pixels = stack_frames(frames, name);
  const auto count = static_cast<int>(frames.size());
  VipsImage* strip = vips_image_new_from_memory(pixels.data(), pixels.size(), static_cast<int>(frames[0].width),
                                                static_cast<int>(frames[0].height) * count, 4, VIPS_FORMAT_UCHAR);
  require(strip != nullptr, "cannot write {}: {}", name, vips_reason());
  const std::unique_ptr<VipsImage, void (*)(VipsImage*)> owned(strip, [](VipsImage* image) { g_object_unref(image); });
  const std::vector<int> delays(count, std::max(10, static_cast<int>(std::lround(1000 / options.frames_per_second))));
  vips_image_set_int(strip, "page-height", static_cast<int>(frames[0].height));
  vips_image_set_int(strip, "loop", 0);
  vips_image_set_array_int(strip, "delay", delays.data(), count);
  strip->Type = VIPS_INTERPRETATION_sRGB;
  void* bytes = nullptr;
  size_t size = 0;
  const int status = gif ? vips_gifsave_buffer(strip, &bytes, &size, nullptr)
                         : vips_webpsave_buffer(strip, &bytes, &size, "Q", options.quality, "alpha_q", 100, nullptr);
  const std::unique_ptr<void, void (*)(void*)> memory(bytes, &g_free);
  require(status == 0, "cannot write {}: {}", name, vips_reason());
  write_file(path, {static_cast<const char*>(bytes), size});
}

#else

void write_animation(const std::filesystem::path& path, const std::vector<Image>&, const AnimationOptions&) {
  fail("cannot write {}: this build has no libvips (GSV3D_WITH_IMAGE_FILES=OFF)", path.string());
}

#endif

}  // namespace gsv3d
