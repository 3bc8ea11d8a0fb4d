#include "service/http_message.h"

namespace gsv3d {

HttpResponse json_response(const Json& json, int status) {
  HttpResponse response;
  response.status = status;
  response.body = json_text(json) + "\n";
  return response.with("Content-Type", "application/json").with("Cache-Control", "no-store");
}

const char* status_title(int status) {
  static const std::map<int, const char*> titles = {{400, "Bad Request"},
                                                    {401, "Unauthorized"},
                                                    {403, "Forbidden"},
                                                    {404, "Not Found"},
                                                    {405, "Method Not Allowed"},
                                                    {408, "Request Timeout"},
                                                    {409, "Conflict"},
                                                    {413, "Content Too Large"},
                                                    {415, "Unsupported Media Type"},
                                                    {416, "Range Not Satisfiable"},
                                                    {422, "Unprocessable Content"},
                                                    {429, "Too Many Requests"},
                                                    {500, "Internal Server Error"},
                                                    {503, "Service Unavailable"}};
  const auto found = titles.find(status);
  return found == titles.end() ? "Error" : found->second;
}

HttpResponse problem_response(int status, const std::string& detail) {
  HttpResponse response =
      json_response({{"type", "about:blank"}, {"title", status_title(status)}, {"status", status}, {"detail", detail}}, status);
  response.headers.front().second = "application/problem+json";
  if (status == 401) response.with("WWW-Authenticate", "Bearer realm=\"gsv3d\"");
  if (status == 429 || status == 503) response.with("Retry-After", "10");
  return response;
}

bool names_tag(const HttpRequest& request, const std::string& tag) {
  const std::string header = request.header("if-none-match");
  return header == "*" || header.find(tag) != std::string::npos;
}

std::optional<std::string> percent_decoded(std::string_view text, bool plus_is_space) {
  const auto digit = [](char letter) {
    if (letter >= '0' && letter <= '9') return letter - '0';
    if (letter >= 'a' && letter <= 'f') return letter - 'a' + 10;
    if (letter >= 'A' && letter <= 'F') return letter - 'A' + 10;
    return -1;
  };
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      decoded += ' ';
    } else if (text[i] != '%') {
      decoded += text[i];
    } else {
      if (i + 2 >= text.size()) return {};
      const int high = digit(text[i + 1]), low = digit(text[i + 2]);
      if (high < 0 || low < 0) return {};
      decoded += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return decoded;
}

}  // namespace gsv3d
