#include "service/routes/routes.h"

#include <algorithm>

#include "service/service.h"

namespace gsv3d {
namespace {

using RouteFunction = HttpResponse (*)(Service&, const HttpRequest&, const PathParameters&);

struct ServiceRoute {
  const char* method;
  const char* pattern;  ///< {name} stands for one part of the path
  RouteFunction function;
  bool open = false;  ///< answered without a token: says nothing of anyone's jobs
};

constexpr ServiceRoute routes[] = {
    {"GET", "/", get_page, true},
    {"GET", "/studio/{name}", get_page_file, true},
    {"POST", "/v1/generations", post_generation},
    {"POST", "/v1/mattes", post_matte},
    {"GET", "/v1/jobs", get_jobs},
    {"GET", "/v1/jobs/{id}", get_job},
    {"DELETE", "/v1/jobs/{id}", delete_job},
    {"GET", "/v1/jobs/{id}/events", get_job_events},
    {"GET", "/v1/jobs/{id}/photo", get_job_photo},
    {"GET", "/v1/jobs/{id}/files/{name}", get_job_file},
    {"GET", "/v1/capabilities", get_capabilities},
    {"GET", "/v1/models", get_models},
    {"POST", "/v1/session", post_session},
    {"GET", "/healthz", get_health, true},
    {"GET", "/readyz", get_readiness, true},
    {"GET", "/metrics", get_metrics},
    {"GET", "/openapi.json", get_openapi, true},
};

std::vector<std::string> parts_of(const std::string& path) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin < path.size();) {
    const size_t end = std::min(path.find('/', begin + 1), path.size());
    parts.push_back(path.substr(begin + 1, end - begin - 1));
    begin = end;
  }
  return parts;
}

std::optional<PathParameters> matched(const std::string& pattern, const std::vector<std::string>& path) {
  const std::vector<std::string> wanted = parts_of(pattern);
  if (wanted.size() != path.size()) return {};
  PathParameters parameters;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i].starts_with("{"))
      parameters[wanted[i].substr(1, wanted[i].size() - 2)] = path[i];
    else if (wanted[i] != path[i])
      return {};
  }
  return parameters;
}

}  // namespace

HttpResponse routed(Service& service, const HttpRequest& request) {
  const std::vector<std::string> path = parts_of(request.path);
  const std::string method = request.method == "HEAD" ? "GET" : request.method;
  std::string others;
  for (const ServiceRoute& route : routes) {
    const auto parameters = matched(route.pattern, path);
    if (!parameters) continue;
    if (method != route.method) {
      others += (others.empty() ? "" : ", ") + std::string(route.method);
      continue;
    }
    if (!route.open) service.access().check(request);
    return route.function(service, request, *parameters);
  }
  if (others.empty()) throw Problem(404, "there is nothing at this address (see /openapi.json)");
  return problem_response(405, fmt::format("{} is not possible here", request.method)).with("Allow", others);
}

}  // namespace gsv3d
