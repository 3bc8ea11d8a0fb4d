// GET /v1/jobs, GET and DELETE /v1/jobs/{id}.
#include <charconv>

#include "service/job_json.h"
#include "service/routes/find_job.h"
#include "service/routes/routes.h"
#include "service/service.h"

namespace gsv3d {
namespace {

constexpr int64_t most_listed = 100;

int64_t query_number(const HttpRequest& request, const std::string& name, int64_t otherwise, int64_t low, int64_t high) {
  const auto found = request.query.find(name);
  if (found == request.query.end()) return otherwise;
  int64_t value = 0;
  const std::string& text = found->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < low || value > high)
    throw Problem(400, fmt::format("{} must be a whole number from {} to {}", name, low, high));
  return value;
}

}  // namespace

Job find_job(Service& service, const PathParameters& parameters) {
  const std::string& id = parameters.at("id");
  auto job = is_job_identifier(id) ? service.store().find(id) : std::nullopt;
  if (!job) throw Problem(404, "there is no such job");
  return std::move(*job);
}

HttpResponse get_jobs(Service& service, const HttpRequest& request, const PathParameters&) {
  const int64_t limit = query_number(request, "limit", 20, 1, most_listed);
  const int64_t before = query_number(request, "cursor", 0, 1, std::numeric_limits<int64_t>::max());
  std::optional<JobState> state;
  if (const auto found = request.query.find("state"); found != request.query.end()) {
    try {
      state = parse_job_state(found->second);
    } catch (const UsageError& error) {
      throw Problem(400, error.what());
    }
  }
  std::vector<Job> jobs = service.store().list(limit + 1, before, state);
  const bool more = static_cast<int64_t>(jobs.size()) > limit;
  if (more) jobs.pop_back();
  Json list = Json::array();
  for (const Job& job : jobs) list.push_back(job_json(job, service.events().progress(job.id), service.files()));
  return json_response({{"jobs", list}, {"next_cursor", more ? Json(std::to_string(jobs.back().sequence)) : Json(nullptr)}});
}

HttpResponse get_job(Service& service, const HttpRequest&, const PathParameters& parameters) {
  const Job job = find_job(service, parameters);
  return json_response(job_json(job, service.events().progress(job.id), service.files()));
}

HttpResponse delete_job(Service& service, const HttpRequest&, const PathParameters& parameters) {
  const Job job = find_job(service, parameters);
  if (is_finished(job.state)) {
    service.store().remove(job.id);
    service.files().remove(job.id);
    HttpResponse response;
    response.status = 204;
    return response;
  }
  const auto now = service.store().cancel(job.id);
  if (!now) throw Problem(404, "there is no such job");
  service.runner().stop(job.id);
  const Json json = job_json(*now, service.events().progress(job.id), service.files());
  if (is_finished(now->state)) {  // it waited, so that no worker tells of its end
    service.events().tell(job.id, {"job", json_text(json), true});
    service.events().forget(job.id);
  }
  return json_response(json, 202);
}

}  // namespace gsv3d
