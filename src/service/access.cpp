#include "service/access.h"

#include <algorithm>

#include "service/job.h"

namespace gsv3d {
namespace {

constexpr std::string_view cookie_name = "gsv3d_session=";

/// "localhost:8080" → "localhost"; "[::1]:8080" → "[::1]".
std::string host_name(const std::string& host) {
  const size_t bracket = host.find(']');
  return host.substr(0, host.find(':', bracket == std::string::npos ? 0 : bracket));
}

bool is_own_name(const std::string& host) {
  const std::string name = host_name(host);
  return name == "localhost" || name == "127.0.0.1" || name == "[::1]";
}

}  // namespace

bool equal_in_constant_time(std::string_view first, std::string_view second) {
  // The length of the right one is no secret; what is compared beyond it is the right one with itself.
  unsigned difference = first.size() == second.size() ? 0 : 1;
  for (size_t i = 0; i < second.size(); ++i) {
    const char letter = i < first.size() ? first[i] : static_cast<char>(~second[i]);
    difference |= static_cast<unsigned>(static_cast<unsigned char>(letter ^ second[i]));
  }
  return difference == 0;
}

std::string Access::allowed_origin(const HttpRequest& request) const {
  const std::string origin = request.header("origin");
  return std::find(origins_.begin(), origins_.end(), origin) == origins_.end() ? "" : origin;
}

bool Access::has_session(const HttpRequest& request) const {
  const std::string cookies = request.header("cookie");
  const size_t begin = cookies.find(cookie_name);
  if (begin == std::string::npos) return false;
  const std::string value = cookies.substr(begin + cookie_name.size(), 32);
  const std::lock_guard lock(mutex_);
  return sessions_.count(value) != 0;
}

void Access::check(const HttpRequest& request) const {
  const std::string origin = request.header("origin"), host = request.header("host");
  const bool same_origin = origin.empty() || origin == "http://" + host || origin == "https://" + host;
  if (!same_origin && allowed_origin(request).empty())
    throw Problem(403, "pages of other origins are not allowed (--allow-origin)");
  if (token_.empty()) {
    if (!is_own_name(host)) throw Problem(403, "without a token only http://localhost and http://127.0.0.1 are answered");
    return;
  }
  constexpr std::string_view scheme = "Bearer ";
  const std::string given = request.header("authorization");
  if (given.starts_with(scheme) && equal_in_constant_time(std::string_view(given).substr(scheme.size()), token_)) return;
  if (has_session(request)) return;
  throw Problem(401, given.empty() ? "a bearer token is needed" : "the bearer token is not the right one");
}

std::string Access::new_session_cookie() {
  const std::string session = random_identifier();
  const std::lock_guard lock(mutex_);
  if (sessions_.size() >= 1000) sessions_.clear();  // browsers ask again
  sessions_.insert(session);
  return std::string(cookie_name) + session + "; HttpOnly; SameSite=Strict; Path=/";
}

}  // namespace gsv3d
