// multipart/form-data (RFC 7578): what forms and `curl -F` send.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gsv3d {

struct FormPart {
  std::string name, file_name;  ///< as the client says them; file_name is empty for fields
  std::string content;
};

/// At most this many parts are read.
inline constexpr size_t most_form_parts = 64;

/// `content_type`: the request's, with its boundary. Throws Problem 400 for bodies that are not what it says.
std::vector<FormPart> parse_multipart(const std::string& content_type, std::string_view body);

}  // namespace gsv3d
