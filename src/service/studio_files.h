// The files of the page in the browser, as web/ builds them: carried inside the program.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gsv3d {

struct StudioFile {
  std::string_view bytes;  ///< scripts and styles: gzipped
  const char* media_type;
  bool gzipped;
  std::string tag;  ///< ETag, made of the bytes
};

/// "index.html", "studio.js", "studio.css" and "view.js"; nothing for other names.
std::optional<StudioFile> studio_file(std::string_view name);

}  // namespace gsv3d
