#ifdef GSV3D_WITH_IMAGE_FILES

#include "image/vips_library.h"

#include <vips/vips.h>

#include <algorithm>
#include <cstdlib>

#include "core/error.h"
#include "core/log.h"
#include "core/own_file.h"

namespace gsv3d {

namespace {

/// Packages that bring libvips bring its modules (HEIC), too: lib/gsv3d/vips of the prefix (cmake/BundleLibraries.cmake).
void use_own_modules() {
  const std::filesystem::path folder = own_file().parent_path();
  std::error_code ignored;
  for (const char* way : {"../lib/gsv3d/vips", "gsv3d/vips"})
    if (const std::filesystem::path place = folder / way; std::filesystem::is_directory(place, ignored))
      (void)::setenv("VIPSHOME", place.c_str(), 0);
}

}  // namespace

void start_vips() {
  static const bool started = [] {
    // Small oddities of files (an unknown tag, a profile that is slightly off) are no concern of the user's terminal.
    const auto quiet = [](const gchar*, GLogLevelFlags, const gchar* message, gpointer) {
      spdlog::debug("libvips: {}", message);
    };
    g_log_set_handler("VIPS", static_cast<GLogLevelFlags>(G_LOG_LEVEL_WARNING | G_LOG_LEVEL_INFO | G_LOG_LEVEL_DEBUG), quiet,
                      nullptr);
    use_own_modules();
    if (VIPS_INIT("gsv3d") != 0) fail("libvips does not start");
    // Readers that libvips itself does not trust with hostile files (ImageMagick and the like) stay out.
    vips_block_untrusted_set(TRUE);
    vips_cache_set_max(0);
    return true;
  }();
  (void)started;
}

std::string vips_reason() {
  std::string text = vips_error_buffer();
  vips_error_clear();
  text.erase(std::min(text.find('\n'), text.size()));
  return text.empty() ? "it ends early or is damaged" : text;
}

}  // namespace gsv3d

#endif
