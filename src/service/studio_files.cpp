#include "service/studio_files.h"

#include "core/fingerprint.h"

// The assembler copies the files: nothing to generate, and the compiler sees no megabyte of numbers.
#define GSV3D_CARRY(name, file)                               \
  asm(".section .rodata\n.global gsv3d_studio_" name          \
      "_begin\n"                                              \
      ".global gsv3d_studio_" name "_end\ngsv3d_studio_" name \
      "_begin:\n"                                             \
      ".incbin \"" GSV3D_STUDIO "/" file                      \
      "\"\n"                                                  \
      "gsv3d_studio_" name "_end:\n.byte 0\n.text\n")
GSV3D_CARRY("page", "index.html");
GSV3D_CARRY("script", "studio.js.gz");
GSV3D_CARRY("style", "studio.css.gz");
GSV3D_CARRY("view", "view.js.gz");

extern "C" const char gsv3d_studio_page_begin[], gsv3d_studio_page_end[], gsv3d_studio_script_begin[], gsv3d_studio_script_end[],
    gsv3d_studio_style_begin[], gsv3d_studio_style_end[], gsv3d_studio_view_begin[], gsv3d_studio_view_end[];

namespace gsv3d {
namespace {

StudioFile file_of(const char* begin, const char* end, const char* media_type, bool gzipped) {
  const std::string_view bytes(begin, static_cast<size_t>(end - begin));
  return {bytes, media_type, gzipped, "\"" + fingerprint_text(fingerprint(bytes)) + "\""};
}

}  // namespace

std::optional<StudioFile> studio_file(std::string_view name) {
  constexpr const char* script = "text/javascript; charset=utf-8";
  if (name == "index.html") return file_of(gsv3d_studio_page_begin, gsv3d_studio_page_end, "text/html; charset=utf-8", false);
  if (name == "studio.js") return file_of(gsv3d_studio_script_begin, gsv3d_studio_script_end, script, true);
  if (name == "view.js") return file_of(gsv3d_studio_view_begin, gsv3d_studio_view_end, script, true);
  if (name == "studio.css") return file_of(gsv3d_studio_style_begin, gsv3d_studio_style_end, "text/css; charset=utf-8", true);
  return {};
}

}  // namespace gsv3d
