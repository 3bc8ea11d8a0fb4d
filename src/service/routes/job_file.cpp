// GET /v1/jobs/{id}/photo, and GET /v1/jobs/{id}/files/{name}: results, whole or in part, and other formats of them, which are
// made when they are first asked for. They never change, so their tags are made of their names.
#include <algorithm>

#include "core/log.h"
#include "exports/outputs.h"
#include "service/byte_range.h"
#include "service/object_formats.h"
#include "service/routes/find_job.h"
#include "service/routes/routes.h"
#include "service/service.h"

namespace gsv3d {
namespace {

/// viewer.html runs scripts of its own: in a sandbox, so that it is no page of this origin and cannot ask the service anything.
constexpr const char* viewer_policy =
    "sandbox allow-scripts allow-downloads; default-src 'none'; script-src 'unsafe-inline' 'wasm-unsafe-eval' blob: data:; "
    "style-src 'unsafe-inline'; img-src data: blob:; connect-src data: blob:; worker-src blob: data:; frame-ancestors 'self'";

/// Beside the results, and counted with them. Throws Problem 404, 500 and 503.
void make_format(Service& service, const Job& job, const ObjectFormat& format) {
  const JobFiles& files = service.files();
  const std::filesystem::path path = files.result(job.id, format.name);
  if (!std::filesystem::exists(files.result(job.id, format.source)))
    throw Problem(404, fmt::format("{} is made of {}, which the job does not have", format.name, format.source));
  const std::lock_guard lock(service.converting());
  if (std::filesystem::exists(path)) return;
  if (service.store().stored_bytes() >= service.config().store.bytes)
    throw Problem(503, "the space for jobs is used up: delete some");
  try {
    write_object_format(format, path.parent_path());
  } catch (const Error& error) {
    spdlog::error("job {}: {}", job.id, error.what());
    throw Problem(500, fmt::format("{} cannot be made of {}", format.name, format.source));
  }
  if (service.store().add_result_bytes(job.id, static_cast<int64_t>(std::filesystem::file_size(path)))) return;
  files.remove(job.id);  // somebody deleted the job meanwhile
  throw Problem(404, "there is no such job");
}

/// The name of the file that is asked for, from the fixed lists; `format` when it is none of those that jobs write themselves.
std::string known_name(const std::string& asked, const ObjectFormat*& format) {
  const auto& names = output_file_names();
  if (std::find(names.begin(), names.end(), asked) != names.end()) return asked;
  format = find_object_format(asked);
  if (!format) throw Problem(404, "jobs have no file of this name");
  return format->name;
}

}  // namespace

HttpResponse get_job_photo(Service& service, const HttpRequest& request, const PathParameters& parameters) {
  const Job job = find_job(service, parameters);
  const std::filesystem::path path = service.files().thumbnail(job.id);
  std::error_code error;
  const uint64_t size = std::filesystem::file_size(path, error);
  if (error) throw Problem(404, "there is no picture of this job's photo");
  HttpResponse response;
  const std::string tag = fmt::format("\"{}-photo\"", job.id.substr(0, 16));
  response.with("ETag", tag).with("Cache-Control", "private, max-age=31536000, immutable");
  if (names_tag(request, tag)) {
    response.status = 304;
    return response;
  }
  response.with("Content-Type", "image/png").with("Content-Security-Policy", "default-src 'none'; sandbox");
  response.file = {path, 0, size};
  return response;
}

HttpResponse get_job_file(Service& service, const HttpRequest& request, const PathParameters& parameters) {
  const Job job = find_job(service, parameters);
  const ObjectFormat* format = nullptr;
  const std::string name = known_name(parameters.at("name"), format);
  if (!is_finished(job.state))
    throw Problem(409, fmt::format("the job is {}: its files are not there yet", job_state_name(job.state)));
  const std::filesystem::path path = service.files().result(job.id, name);
  if (format && job.state == JobState::kSucceeded && !std::filesystem::exists(path)) make_format(service, job, *format);
  std::error_code error;
  const uint64_t size = std::filesystem::file_size(path, error);
  if (error || job.state != JobState::kSucceeded) throw Problem(404, "the job has no such file");

  HttpResponse response;
  const std::string tag = fmt::format("\"{}-{}-{}\"", job.id.substr(0, 16), name, size);
  response.with("ETag", tag).with("Accept-Ranges", "bytes").with("Cache-Control", "private, max-age=31536000, immutable");
  if (names_tag(request, tag)) {
    response.status = 304;
    return response;
  }
  const std::string if_range = request.header("if-range");
  const RangeAnswer range = requested_range(if_range.empty() || if_range == tag ? request.header("range") : "", size);
  if (range.outcome == RangeOutcome::kUnsatisfiable)
    return problem_response(416, fmt::format("the file has {} bytes", size))
        .with("Content-Range", fmt::format("bytes */{}", size));
  if (range.outcome == RangeOutcome::kPart) {
    response.status = 206;
    const auto [begin, count] = range.range;
    response.with("Content-Range", fmt::format("bytes {}-{}/{}", begin, begin + count - 1, size));
  }
  response.with("Content-Type", media_type(name));
  response.with("Content-Security-Policy", name == "viewer.html" ? viewer_policy : "default-src 'none'; sandbox");
  if (request.query.count("download") != 0)
    response.with("Content-Disposition", fmt::format("attachment; filename=\"{}\"", name));
  response.file = {path, range.range.begin, range.range.size};
  return response;
}

}  // namespace gsv3d
