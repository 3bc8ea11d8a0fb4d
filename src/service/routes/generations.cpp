// POST /v1/generations: a photo, several of one object, or words become a job.
#include <algorithm>

#include "core/atomic_file.h"
#include "core/fingerprint.h"
#include "service/generation_options.h"
#include "service/generation_request.h"
#include "service/job_json.h"
#include "service/routes/routes.h"
#include "service/service.h"
#include "service/text_request.h"
#include "service/uploaded_photo.h"

namespace gsv3d {
namespace {

/// Broken photos are told at once, not by a job that fails. A photo with a mask becomes the cut-out that they make.
/// → the first one, small, as PNG.
std::string prepare_photos(Service& service, GenerationRequest& submitting) {
  std::string thumbnail;
  for (size_t i = 0; i < submitting.photos.size(); ++i) {
    const std::string name = i == 0 ? "the photo" : fmt::format("the photo of view {}", i);
    Image image = decode_upload(service, submitting.photos[i], name);
    if (!submitting.masks[i].empty()) {
      image = masked_photo(image, decode_upload(service, submitting.masks[i], "the mask of " + name));
      submitting.photos[i] = encode_png(image);
    }
    if (i == 0) thumbnail = encode_png(small_copy(image, thumbnail_pixels));
  }
  return thumbnail;
}

std::string fingerprint_of(const GenerationRequest& submitting) {
  uint64_t value = fingerprint(json_text(submitting.options) + json_text(submitting.views));
  if (submitting.text) value = fingerprint(*submitting.text, value);
  for (const std::string& photo : submitting.photos) value = fingerprint(photo, value);
  return fingerprint_text(value);
}

Job job_of(const HttpRequest& request, const GenerationRequest& submitting) {
  Job job;
  job.id = random_identifier();
  job.created_ms = now_milliseconds();
  job.photo_name = submitting.photo_name;
  job.options = submitting.options;
  if (!submitting.views.empty()) job.options["views"] = submitting.views;
  if (submitting.text) job.options["text"] = *submitting.text;
  job.photos = static_cast<int64_t>(submitting.photos.size());
  for (const std::string& photo : submitting.photos) job.input_bytes += static_cast<int64_t>(photo.size());
  job.request_fingerprint = fingerprint_of(submitting);
  if (const std::string key = request.header("idempotency-key"); !key.empty()) {
    if (key.size() > 255) throw Problem(400, "the Idempotency-Key is longer than 255 letters");
    if (std::any_of(key.begin(), key.end(), [](char letter) { return letter < 32 || letter > 126; }))
      throw Problem(400, "the Idempotency-Key has letters beyond ASCII");
    job.idempotency_key = key;
  }
  return job;
}

/// "views" and "text" are what further photos and words are kept under, not options.
void check_options(Service& service, const GenerationRequest& submitting) {
  if (submitting.options.contains("views")) throw Problem(422, "options.views: further photos are given beside the options");
  if (submitting.options.contains("text")) throw Problem(422, "options.text: the words are given beside the options");
  const ServedModel& model = service.models().of_options(submitting.options);
  const ModelConfig& config = model.config;
  const ResolvedGeneration options = resolved(parse_generation_options(submitting.options, config.sampler), config);
  if (static_cast<int64_t>(submitting.photos.size()) > options.frames)
    throw Problem(422, fmt::format("{} photos for {} views", submitting.photos.size(), options.frames));
  if (!submitting.views.empty() && options.generate.orbit)
    throw Problem(422, "further photos stand on the level circle: without orbit");
  if (submitting.text) check_text_request(model, *submitting.text);
}

}  // namespace

HttpResponse post_generation(Service& service, const HttpRequest& request, const PathParameters&) {
  if (service.draining()) throw Problem(503, "the service is about to end");
  GenerationRequest submitting = read_generation_request(request);
  check_options(service, submitting);
  const std::string thumbnail = prepare_photos(service, submitting);
  const Job job = job_of(request, submitting);
  service.files().write_photos(job.id, submitting.photos);
  Submitted submitted{Submission::kNoSpace, {}};
  try {
    if (!submitting.text) write_file(service.files().thumbnail(job.id), thumbnail);
    submitted = service.store().submit(job, service.config().store);
  } catch (...) {
    service.files().remove_photos(job.id);
    throw;
  }
  if (submitted.outcome != Submission::kAccepted) service.files().remove_photos(job.id);
  switch (submitted.outcome) {
    case Submission::kAccepted:
      service.runner().wake();
      break;
    case Submission::kRepeated:
      break;
    case Submission::kKeyTaken:
      throw Problem(409, "this Idempotency-Key belongs to another request");
    case Submission::kQueueFull:
      throw Problem(429, fmt::format("{} jobs wait already", service.config().store.queued_jobs));
    case Submission::kNoSpace:
      throw Problem(503, "the space for jobs is used up: delete some");
  }
  const Job& made = *submitted.job;
  return json_response(job_json(made, service.events().progress(made.id), service.files()),
                       submitted.outcome == Submission::kAccepted ? 202 : 200)
      .with("Location", "/v1/jobs/" + made.id);
}

}  // namespace gsv3d
