// Requests and answers as the routes see them; http_server.cpp alone knows the library behind.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/config.h"

namespace gsv3d {

struct HttpRequest {
  std::string method, path;                    ///< path: decoded, without the query
  std::map<std::string, std::string> query;    ///< decoded
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;
  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

/// An answer that goes on: server-sent events. send() may be called from any thread; a client that does not read is let go.
class EventStream {
 public:
  virtual ~EventStream() = default;
  virtual void send(std::string text) = 0;
  /// After what was sent.
  virtual void close() = 0;
};

struct HttpResponse {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  /// Instead of the body: part of a file.
  struct FilePart {
    std::filesystem::path path;
    uint64_t begin = 0, size = 0;
  };
  std::optional<FilePart> file;
  /// Instead of the body: called once the stream is open; what it returns lives as long as the stream.
  std::function<std::shared_ptr<void>(const std::shared_ptr<EventStream>&)> on_open;

  HttpResponse& with(const std::string& name, const std::string& value) {
    headers.emplace_back(name, value);
    return *this;
  }
};

HttpResponse json_response(const Json& json, int status = 200);

/// An error that the client is told as RFC 9457 has it: application/problem+json with type, title, status and detail.
class Problem : public Error {
 public:
  Problem(int status, const std::string& detail) : Error(detail), status_(status) {}
  int status() const { return status_; }

 private:
  int status_;
};

HttpResponse problem_response(int status, const std::string& detail);
/// "Not Found" for 404.
const char* status_title(int status);

/// Whether If-None-Match names the tag of what would be answered.
bool names_tag(const HttpRequest& request, const std::string& tag);

/// %XX and, in queries, + decoded. Nothing for a broken escape.
std::optional<std::string> percent_decoded(std::string_view text, bool plus_is_space);

}  // namespace gsv3d
