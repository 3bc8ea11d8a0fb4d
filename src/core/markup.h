// Text inside of HTML and XML.
#pragma once

#include <string>
#include <string_view>

namespace gsv3d {

/// The text with & < > " as entities: it may stand in an element, or in an attribute between double quotes.
std::string escaped(std::string_view text);

}  // namespace gsv3d
