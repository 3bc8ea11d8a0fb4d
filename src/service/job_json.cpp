#include "service/job_json.h"

#include <cmath>

namespace gsv3d {
namespace {

Json time_json(int64_t milliseconds) {
  return milliseconds > 0 ? Json(utc_text(milliseconds)) : Json(nullptr);
}

Json files_json(const Job& job, const JobFiles& files) {
  Json list = Json::array();
  if (job.state != JobState::kSucceeded) return list;
  for (const std::string& name : files.results(job.id)) {
    std::error_code error;
    const auto bytes = std::filesystem::file_size(files.result(job.id, name), error);
    if (error) continue;  // removed just now
    list.push_back({{"name", name},
                    {"bytes", bytes},
                    {"media_type", media_type(name)},
                    {"url", fmt::format("/v1/jobs/{}/files/{}", job.id, name)}});
  }
  return list;
}

}  // namespace

Json job_json(const Job& job, const std::optional<JobProgress>& progress, const JobFiles& files) {
  Json json = {{"id", job.id},
               {"state", job_state_name(job.state)},
               {"created_at", time_json(job.created_ms)},
               {"started_at", time_json(job.started_ms)},
               {"finished_at", time_json(job.finished_ms)},
               {"attempts", job.attempts},
               {"photo", job.photo_name},
               {"photos", job.photos},
               {"options", job.options},
               {"cancel_requested", job.cancel_requested},
               {"error", job.error.empty() ? Json(nullptr) : Json(job.error)}};
  json["progress"] = nullptr;
  if (job.state == JobState::kRunning && progress) {
    json["progress"] = {{"stage", progress->stage}, {"step", progress->step}, {"steps", progress->steps}};
    const auto& eta = progress->eta_seconds;
    json["progress"]["eta_seconds"] = eta ? Json(std::round(*eta * 10) / 10) : Json(nullptr);
  }
  json["files"] = files_json(job, files);
  return json;
}

}  // namespace gsv3d
