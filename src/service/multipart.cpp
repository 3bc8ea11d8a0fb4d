#include "service/multipart.h"

#include <algorithm>
#include <cctype>

#include "service/http_message.h"

namespace gsv3d {
namespace {

std::string lower(std::string text) {
  for (char& letter : text) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return text;
}

/// The parameter of a header: name=value or name="value" with \" and \\; empty when there is none.
std::string parameter(std::string_view header, const std::string& wanted) {
  size_t at = header.find(';');
  while (at != std::string_view::npos && at < header.size()) {
    ++at;
    while (at < header.size() && header[at] == ' ') ++at;
    const size_t equals = header.find('=', at);
    if (equals == std::string_view::npos) return "";
    const std::string name = lower(std::string(header.substr(at, equals - at)));
    std::string value;
    at = equals + 1;
    if (at < header.size() && header[at] == '"') {
      for (++at; at < header.size() && header[at] != '"'; ++at) {
        if (header[at] == '\\' && at + 1 < header.size()) ++at;
        value += header[at];
      }
      at = header.find(';', at);
    } else {
      const size_t end = std::min(header.find(';', at), header.size());
      value = header.substr(at, end - at);
      at = end;
    }
    if (name == wanted) return value;
  }
  return "";
}

FormPart part_of(std::string_view text) {
  const size_t blank = text.find("\r\n\r\n");
  if (blank == std::string_view::npos) throw Problem(400, "multipart: a part has no end of its headers");
  FormPart part;
  part.content = text.substr(blank + 4);
  std::string_view headers = text.substr(0, blank);
  while (!headers.empty()) {
    const size_t end = std::min(headers.find("\r\n"), headers.size());
    const std::string_view line = headers.substr(0, end);
    if (lower(std::string(line.substr(0, 20))).starts_with("content-disposition:")) {
      part.name = parameter(line, "name");
      part.file_name = parameter(line, "filename");
    }
    headers.remove_prefix(std::min(end + 2, headers.size()));
  }
  if (part.name.empty()) throw Problem(400, "multipart: a part has no name");
  return part;
}

}  // namespace

std::vector<FormPart> parse_multipart(const std::string& content_type, std::string_view body) {
  const std::string boundary = parameter(content_type, "boundary");
  if (boundary.empty() || boundary.size() > 70)
    throw Problem(400, "multipart: the Content-Type has no boundary of 1 to 70 letters");
  const std::string delimiter = "\r\n--" + boundary;
  // The first delimiter may stand at the very beginning, without a line end before it.
  if (!body.starts_with(std::string_view(delimiter).substr(2)))
    throw Problem(400, "multipart: the body does not begin with the boundary");
  body.remove_prefix(delimiter.size() - 2);
  std::vector<FormPart> parts;
  while (!body.starts_with("--")) {
    if (!body.starts_with("\r\n")) throw Problem(400, "multipart: a boundary is not followed by a line end");
    body.remove_prefix(2);
    const size_t end = body.find(delimiter);
    if (end == std::string_view::npos) throw Problem(400, "multipart: the body ends within a part");
    if (parts.size() == most_form_parts) throw Problem(400, fmt::format("multipart: more than {} parts", most_form_parts));
    parts.push_back(part_of(body.substr(0, end)));
    body.remove_prefix(end + delimiter.size());
  }
  return parts;
}

}  // namespace gsv3d
