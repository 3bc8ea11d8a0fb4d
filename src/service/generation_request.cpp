#include "service/generation_request.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include "core/base64.h"
#include "service/job.h"
#include "service/multipart.h"

namespace gsv3d {
namespace {

/// For people and for titles: no control characters, no more than 200 bytes of whole UTF-8 letters.
std::string shown_title(std::string title) {
  if (title.size() > 200) {
    size_t end = 200;
    while (end > 0 && (static_cast<unsigned char>(title[end]) & 0xC0) == 0x80) --end;
    title.resize(end);
  }
  return shown_text(std::move(title));
}

/// The same of a file's name, without folders.
std::string shown_name(const std::string& given) {
  return shown_title(given.substr(given.find_last_of("/\\") + 1));
}

/// Either a photo or words; further photos and masks belong to a photo.
void check_source(GenerationRequest& submitting) {
  if (!submitting.text) {
    if (submitting.photos.empty()) throw Problem(422, "photo is missing, or text instead of one");
    return;
  }
  const bool masked =
      std::any_of(submitting.masks.begin(), submitting.masks.end(), [](const auto& mask) { return !mask.empty(); });
  if (!submitting.photos.empty() || masked) throw Problem(422, "text stands instead of photos, not beside them");
  submitting.masks.clear();
  submitting.photo_name = shown_title(*submitting.text);
}

double finite_number(const Json& value, const std::string& where) {
  if (!value.is_number() || !std::isfinite(value.get<double>())) throw Problem(422, where + " is not a number of degrees");
  return value.get<double>();
}

void add_view(GenerationRequest& submitting, double azimuth, const Json& elevation, std::string photo, std::string mask) {
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
GenerationRequest read_json(const HttpRequest& request) {
  Json json;
  try {
    json = parse_json(request.body, "the body");
  } catch (const Error& error) {
    throw Problem(400, error.what());
  }
  if (!json.is_object()) throw Problem(422, "the body must be an object");
  for (const auto& [key, value] : json.items()) {
    if (key != "photo" && key != "mask" && key != "photo_name" && key != "options" && key != "views" && key != "text")
      throw Problem(422, fmt::format("unknown key \"{}\"", key));
  }
  GenerationRequest submitting;
  if (json.contains("text")) {
    if (!json["text"].is_string()) throw Problem(422, "text must be words");
    submitting.text = json["text"].get<std::string>();
  }
  if (json.contains("photo")) submitting.photos.push_back(decoded_text(json["photo"], "photo"));
  if (json.contains("photo") || json.contains("mask")) submitting.masks.push_back(decoded_mask(json, "mask"));
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
  check_source(submitting);
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
void add_views(GenerationRequest& submitting, std::vector<FormPart> views, std::map<std::string, std::string> masks) {
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

/// Parts: photo and mask (files), or text, options (JSON) or single options, view:AZIMUTH[,ELEVATION] and
/// mask:AZIMUTH[,ELEVATION] (files).
GenerationRequest read_form(const HttpRequest& request) {
  GenerationRequest submitting;
  std::vector<FormPart> views;
  std::map<std::string, std::string> masks;
  for (FormPart& part : parse_multipart(request.header("content-type"), request.body)) {
    if (part.name == "photo") {
      if (!submitting.photos.empty()) throw Problem(422, "there is more than one photo: further ones are view:AZIMUTH");
      submitting.photo_name = shown_name(part.file_name);
      submitting.photos.push_back(std::move(part.content));
    } else if (part.name == "text") {
      submitting.text = std::move(part.content);
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
  auto mask = masks.extract("mask");
  if (mask || !submitting.photos.empty()) submitting.masks.push_back(mask ? std::move(mask.mapped()) : "");
  if (submitting.photos.empty() && !submitting.text) throw Problem(422, "photo is missing, or text instead of one");
  add_views(submitting, std::move(views), std::move(masks));
  check_source(submitting);
  return submitting;
}

}  // namespace

GenerationRequest read_generation_request(const HttpRequest& request) {
  const std::string type = request.header("content-type");
  if (type.starts_with("multipart/form-data")) return read_form(request);
  if (type.starts_with("application/json")) return read_json(request);
  throw Problem(415, "send multipart/form-data or application/json");
}

}  // namespace gsv3d
