// GET /v1/jobs/{id}/photo, and GET /v1/jobs/{id}/files/{name}: results, whole or in part. They never change, so their tags are
// made of their names.
#include <algorithm>

#include "exports/outputs.h"
#include "service/byte_range.h"
#include "service/routes/find_job.h"
#include "service/routes/routes.h"
#include "service/service.h"

namespace gsv3d {
namespace {

/// viewer.html runs scripts of its own: in a sandbox, so that it is no page of this origin and cannot ask the service anything.
constexpr const char* viewer_policy =
    "sandbox allow-scripts allow-downloads; default-src 'none'; script-src 'unsafe-inline' 'wasm-unsafe-eval' blob: data:; "
    "style-src 'unsafe-inline'; img-src data: blob:; connect-src data: blob:; worker-src blob: data:; frame-ancestors 'self'";

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
  const auto& names = output_file_names();
  const auto name = std::find(names.begin(), names.end(), parameters.at("name"));
  if (name == names.end()) throw Problem(404, "jobs have no file of this name");
  if (!is_finished(job.state))
    throw Problem(409, fmt::format("the job is {}: its files are not there yet", job_state_name(job.state)));
  const std::filesystem::path path = service.files().result(job.id, *name);
  std::error_code error;
  const uint64_t size = std::filesystem::file_size(path, error);
  if (error || job.state != JobState::kSucceeded) throw Problem(404, "the job has no such file");

  HttpResponse response;
  const std::string tag = fmt::format("\"{}-{}-{}\"", job.id.substr(0, 16), *name, size);
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
  response.with("Content-Type", media_type(*name));
  response.with("Content-Security-Policy", *name == "viewer.html" ? viewer_policy : "default-src 'none'; sandbox");
  if (request.query.count("download") != 0)
    response.with("Content-Disposition", fmt::format("attachment; filename=\"{}\"", *name));
  response.file = {path, range.range.begin, range.range.size};
  return response;
}

}  // namespace gsv3d
