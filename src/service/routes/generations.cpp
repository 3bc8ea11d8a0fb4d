// POST /v1/generations: a photo, or several of one object, becomes a job.
#include <charconv>
#include <cmath>

#include "core/atomic_file.h"
#include "core/base64.h"
#include "core/fingerprint.h"
#include "service/generation_options.h"
#include "service/job_json.h"
#include "service/multipart.h"
#include "service/routes/routes.h"
#include "service/service.h"
#include "service/uploaded_photo.h"

namespace gsv3d {
namespace {

constexpr int64_t thumbnail_pixels = 320;

struct Submitting {
  std::vector<std::string> photos;  ///< the bytes of the first and the further ones
  std::vector<std::string> masks;   ///< of each, which may be empty: what of it is the object
  std::string thumbnail;            ///< PNG
  std::string photo_name;
  Json options = Json::object();
  Json views = Json::array();  ///< directions of the further ones
};

/// For people and for titles: no folders, no control characters, no more than 200 bytes of whole UTF-8 letters.
std::string shown_name(const std::string& given) {
  std::string name = given.substr(given.find_last_of("/\\") + 1);
  std::erase_if(name, [](char letter) { return static_cast<unsigned char>(letter) < 32 || letter == 127; });
  if (name.size() > 200) {
    size_t end = 200;
    while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xC0) == 0x80) --end;
    name.resize(end);
  }
  return Json::parse(json_text(name)).get<std::string>();  // what is not UTF-8 becomes U+FFFD
}

double finite_number(const Json& value, const std::string& where) {
  if (!value.is_number() || !std::isfinite(value.get<double>())) throw Problem(422, where + " is not a number of degrees");
  return value.get<double>();
}

void add_view(Submitting& submitting, double azimuth, const Json& elevation, std::string photo, std::string mask) {
  submitting.views.push_back({{"azimuth_degrees", azimuth}, {"elevation_degrees", elevation}});
  submitting.photos.push_back(std::move(photo));
  submitting.masks.push_back(std::move(mask));
}

std::string decoded_text(const Json& text, const std::string& where) {
  if (!text.is_string()) throw Problem(422, where + " must be the file's bytes as base64");
  auto bytes = base64_decoded(text.get_ref<const std::string&>());
  if (!bytes) throw Problem(422, where + " is not base64");
  return std::move(*bytes);
}

std::string decoded_mask(const Json& holder, const std::string& where) {
  return holder.contains("mask") ? decoded_text(holder["mask"], where) : "";
}

/// {"photo": base64, "mask": base64, "photo_name": …, "options": {…}, "views": [{"azimuth_degrees": 90, "photo": base64, "mask":
/// …}]}
Submitting read_json(const HttpRequest& request) {
  Json json;
  try {
    json = parse_json(request.body, "the body");
  } catch (const Error& error) {
    throw Problem(400, error.what());
  }
  if (!json.is_object()) throw Problem(422, "the body must be an object");
  for (const auto& [key, value] : json.items()) {
    if (key != "photo" && key != "mask" && key != "photo_name" && key != "options" && key != "views")
      throw Problem(422, fmt::format("unknown key \"{}\"", key));
  }
  Submitting submitting;
  if (!json.contains("photo")) throw Problem(422, "photo is missing");
  submitting.photos.push_back(decoded_text(json["photo"], "photo"));
  submitting.masks.push_back(decoded_mask(json, "mask"));
  if (json.contains("photo_name")) {
    if (!json["photo_name"].is_string()) throw Problem(422, "photo_name must be a text");
    submitting.photo_name = shown_name(json["photo_name"].get<std::string>());
  }
  if (json.contains("options")) submitting.options = json["options"];
  const Json views = json.value("views", Json::array());
  if (!views.is_array()) throw Problem(422, "views must be a list");
  for (const Json& view : views) {
    if (!view.is_object() || !view.contains("azimuth_degrees") || !view.contains("photo"))
      throw Problem(422, "each of views needs azimuth_degrees and photo");
    const Json elevation = view.value("elevation_degrees", Json(nullptr));
    add_view(submitting, finite_number(view["azimuth_degrees"], "azimuth_degrees"),
             elevation.is_null() ? Json(nullptr) : Json(finite_number(elevation, "elevation_degrees")),
             decoded_text(view["photo"], "a view's photo"), decoded_mask(view, "a view's mask"));
  }
  return submitting;
}

double number_of(std::string_view text, const std::string& name) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    throw Problem(422, fmt::format("the part \"{}\" must be called view:AZIMUTH or view:AZIMUTH,ELEVATION", name));
  return value;
}

/// Further photos, with the masks that are called like them: "mask:90" belongs to "view:90".
void add_views(Submitting& submitting, std::vector<FormPart> views, std::map<std::string, std::string> masks) {
  for (FormPart& part : views) {
    const std::string direction = part.name.substr(5);
    const size_t comma = direction.find(',');
    const double azimuth = number_of(direction.substr(0, comma), part.name);
    Json elevation = nullptr;
    if (comma != std::string::npos) elevation = number_of(direction.substr(comma + 1), part.name);
    std::string mask;
    if (auto found = masks.extract("mask:" + direction)) mask = std::move(found.mapped());
    add_view(submitting, azimuth, elevation, std::move(part.content), std::move(mask));
  }
  if (!masks.empty()) throw Problem(422, fmt::format("there is no photo for the part \"{}\"", masks.begin()->first));
}

/// Parts: photo and mask (files), options (JSON) or single options, view:AZIMUTH[,ELEVATION] and mask:AZIMUTH[,ELEVATION]
/// (files).
Submitting read_form(const HttpRequest& request) {
  Submitting submitting;
  std::vector<FormPart> views;
  std::map<std::string, std::string> masks;
  for (FormPart& part : parse_multipart(request.header("content-type"), request.body)) {
    if (part.name == "photo") {
      if (!submitting.photos.empty()) throw Problem(422, "there is more than one photo: further ones are view:AZIMUTH");
      submitting.photo_name = shown_name(part.file_name);
      submitting.photos.push_back(std::move(part.content));
    } else if (part.name.starts_with("view:")) {
      views.push_back(std::move(part));
    } else if (part.name == "mask" || part.name.starts_with("mask:")) {
      masks[part.name] = std::move(part.content);
    } else if (part.name == "options") {
      try {
        const Json options = parse_json(part.content, "options");
        if (!options.is_object()) throw Problem(422, "options must be an object");
        submitting.options.update(options);
      } catch (const Problem&) {
        throw;
      } catch (const Error& error) {
        throw Problem(400, error.what());
      }
    } else {
      submitting.options[part.name] = part.content;
    }
  }
  if (submitting.photos.empty()) throw Problem(422, "photo is missing");
  auto mask = masks.extract("mask");
  submitting.masks.push_back(mask ? std::move(mask.mapped()) : "");
  add_views(submitting, std::move(views), std::move(masks));
  return submitting;
}

Submitting read(const HttpRequest& request) {
  const std::string type = request.header("content-type");
  if (type.starts_with("multipart/form-data")) return read_form(request);
  if (type.starts_with("application/json")) return read_json(request);
  throw Problem(415, "send multipart/form-data or application/json");
}

/// Broken photos are told at once, not by a job that fails. A photo with a mask becomes the cut-out that they make.
void prepare_photos(Service& service, Submitting& submitting) {
  for (size_t i = 0; i < submitting.photos.size(); ++i) {
    const std::string name = i == 0 ? "the photo" : fmt::format("the photo of view {}", i);
    Image image = decode_upload(service, submitting.photos[i], name);
    if (!submitting.masks[i].empty()) {
      image = masked_photo(image, decode_upload(service, submitting.masks[i], "the mask of " + name));
      submitting.photos[i] = encode_png(image);
    }
    if (i == 0) submitting.thumbnail = encode_png(small_copy(image, thumbnail_pixels));
  }
}

std::string fingerprint_of(const Submitting& submitting) {
  uint64_t value = fingerprint(json_text(submitting.options) + json_text(submitting.views));
  for (const std::string& photo : submitting.photos) value = fingerprint(photo, value);
  return fingerprint_text(value);
}

Job job_of(const HttpRequest& request, const Submitting& submitting) {
  Job job;
  job.id = random_identifier();
  job.created_ms = now_milliseconds();
  job.photo_name = submitting.photo_name;
  job.options = submitting.options;
  if (!submitting.views.empty()) job.options["views"] = submitting.views;
  job.photos = static_cast<int64_t>(submitting.photos.size());
  for (const std::string& photo : submitting.photos) job.input_bytes += static_cast<int64_t>(photo.size());
  job.request_fingerprint = fingerprint_of(submitting);
  if (const std::string key = request.header("idempotency-key"); !key.empty()) {
    if (key.size() > 255) throw Problem(400, "the Idempotency-Key is longer than 255 letters");
    job.idempotency_key = key;
  }
  return job;
}

/// "views" is what further photos are kept under, not an option.
void check_options(Service& service, const Submitting& submitting) {
  if (submitting.options.contains("views")) throw Problem(422, "options.views: further photos are given beside the options");
  const ModelConfig& config = service.model().config;
  const ResolvedGeneration options = resolved(parse_generation_options(submitting.options, config.sampler), config);
  if (static_cast<int64_t>(submitting.photos.size()) > options.frames)
    throw Problem(422, fmt::format("{} photos for {} views", submitting.photos.size(), options.frames));
  if (!submitting.views.empty() && options.generate.orbit)
    throw Problem(422, "further photos stand on the level circle: without orbit");
}

}  // namespace

HttpResponse post_generation(Service& service, const HttpRequest& request, const PathParameters&) {
  if (service.draining()) throw Problem(503, "the service is about to end");
  Submitting submitting = read(request);
  check_options(service, submitting);
  prepare_photos(service, submitting);
  const Job job = job_of(request, submitting);
  service.files().write_photos(job.id, submitting.photos);
  Submitted submitted{Submission::kNoSpace, {}};
  try {
    write_file(service.files().thumbnail(job.id), submitting.thumbnail);
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
