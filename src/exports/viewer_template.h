// The viewer's page without an object, as web/ builds it: carried inside the program.
#pragma once

#include <string_view>

namespace gsv3d {

/// web/dist/viewer.html as it was when the program was built.
std::string_view viewer_template();

}  // namespace gsv3d
