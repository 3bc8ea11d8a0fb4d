// The client's side of the API: requests with libcurl, events as they come. Every call ends with Cancelled after Ctrl-C.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/config.h"

namespace gsv3d {

/// An answer of the service that is not a success: its problem's detail in one line.
class ApiError : public Error {
 public:
  ApiError(int status, const std::string& detail, std::chrono::seconds retry_after)
      : Error(detail), status_(status), retry_after_(retry_after) {}
  int status() const { return status_; }
  /// As the service asks with 429 and 503.
  std::chrono::seconds retry_after() const { return retry_after_; }

 private:
  int status_;
  std::chrono::seconds retry_after_;
};

/// The connection, not the service, failed: the same request may succeed later.
class ConnectionError : public Error {
 public:
  using Error::Error;
};

struct SentPart {
  std::string name;       ///< of the part
  std::string file_name;  ///< shown to people; "": the part is no file
  std::string content;
};

class ApiClient {
 public:
  /// "http://127.0.0.1:8188" or "https://…"; `token` may be empty. Throws UsageError for other addresses.
  ApiClient(std::string server, std::string token);

  // All throw ApiError and ConnectionError.
  Json get(const std::string& path) const;
  /// POST of multipart/form-data: the parts, and one more, "options".
  Json post_form(const std::string& path, const std::vector<SentPart>& files, const Json& options,
                 const std::string& idempotency_key) const;
  /// DELETE, also after Ctrl-C.
  void remove(const std::string& path) const;
  /// Calls `on_event` with type and data of each server-sent event until the service ends the stream.
  void watch(const std::string& path,
             const std::function<void(const std::string& type, const std::string& data)>& on_event) const;
  void download(const std::string& path, const std::filesystem::path& file) const;

 private:
  struct Request;
  struct Answer;
  Answer perform(const Request& request) const;

  std::string server_, token_;
};

}  // namespace gsv3d
