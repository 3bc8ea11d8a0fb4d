// Who may ask: a bearer token, the session that a browser gets for it, and pages of other origins.
#pragma once

#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "service/http_message.h"

namespace gsv3d {

/// In a time that does not depend on where the texts differ.
bool equal_in_constant_time(std::string_view first, std::string_view second);

class Access {
 public:
  /// An empty token: everyone who can connect may ask; then only this machine's own names are answered, so that a web page
  /// elsewhere cannot reach the service through a name of its own (DNS rebinding).
  Access(std::string token, std::vector<std::string> origins) : token_(std::move(token)), origins_(std::move(origins)) {}

  bool needs_token() const { return !token_.empty(); }
  /// Throws Problem 401 or 403.
  void check(const HttpRequest& request) const;
  /// A cookie for browsers, which cannot send a header with every request of theirs.
  std::string new_session_cookie();
  /// The request's origin, when it is one that was listed.
  std::string allowed_origin(const HttpRequest& request) const;

 private:
  bool has_session(const HttpRequest& request) const;

  std::string token_;
  std::vector<std::string> origins_;
  mutable std::mutex mutex_;
  std::set<std::string> sessions_;
};

}  // namespace gsv3d
