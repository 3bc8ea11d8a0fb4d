// GET /openapi.json: the API as OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.0). Tests check it against real answers.
#include "service/generation_options.h"
#include "service/routes/routes.h"
#include "service/service.h"

namespace gsv3d {
namespace {

constexpr const char* schemas = R"({
  "Problem": {"type": "object", "required": ["type", "title", "status", "detail"], "additionalProperties": false,
    "description": "RFC 9457", "properties": {
    "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer", "minimum": 400, "maximum": 599},
    "detail": {"type": "string"}}},
  "Time": {"type": ["string", "null"], "description": "UTC, 2026-01-31T12:00:00.250Z", "pattern": "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$"},
  "Progress": {"type": ["object", "null"], "required": ["stage", "step", "steps", "eta_seconds"], "additionalProperties": false,
    "properties": {"stage": {"type": "string"}, "step": {"type": "integer", "minimum": 0}, "steps": {"type": "integer", "minimum": 1},
    "eta_seconds": {"type": ["number", "null"], "minimum": 0, "description": "until this stage is done"}}},
  "File": {"type": "object", "required": ["name", "bytes", "media_type", "url"], "additionalProperties": false, "properties": {
    "name": {"type": "string"}, "bytes": {"type": "integer", "minimum": 0}, "media_type": {"type": "string"}, "url": {"type": "string"}}},
  "Job": {"type": "object", "additionalProperties": false, "required": ["id", "state", "created_at", "started_at", "finished_at",
    "attempts", "photo", "photos", "options", "cancel_requested", "error", "progress", "files"], "properties": {
    "id": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
    "state": {"type": "string", "enum": ["queued", "running", "succeeded", "failed", "cancelled"]},
    "created_at": {"$ref": "#/components/schemas/Time"}, "started_at": {"$ref": "#/components/schemas/Time"},
    "finished_at": {"$ref": "#/components/schemas/Time"},
    "attempts": {"type": "integer", "minimum": 0, "description": "more than 1 when the service ended in the middle of the job"},
    "photo": {"type": "string", "description": "the name the client gave, or the words"}, "photos": {"type": "integer", "minimum": 0, "description": "0: words instead"},
    "options": {"type": "object"}, "cancel_requested": {"type": "boolean"}, "error": {"type": ["string", "null"]},
    "progress": {"$ref": "#/components/schemas/Progress"},
    "files": {"type": "array", "items": {"$ref": "#/components/schemas/File"}}}},
  "JobList": {"type": "object", "required": ["jobs", "next_cursor"], "additionalProperties": false, "properties": {
    "jobs": {"type": "array", "items": {"$ref": "#/components/schemas/Job"}}, "next_cursor": {"type": ["string", "null"]}}},
  "Preview": {"type": "object", "additionalProperties": false, "required": ["step", "steps", "views", "width", "height", "png_base64"],
    "description": "estimates of the views, side by side in one picture", "properties": {
    "step": {"type": "integer", "minimum": 0}, "steps": {"type": "integer", "minimum": 1}, "views": {"type": "integer", "minimum": 1},
    "width": {"type": "integer", "minimum": 1}, "height": {"type": "integer", "minimum": 1}, "png_base64": {"type": "string"}}},
  "Model": {"type": "object", "additionalProperties": false,
    "required": ["name", "default", "loaded", "views", "image_size", "text", "steps", "elevation_degrees", "image_frame_ratio", "distilled", "device",
    "dtype"], "properties": {
    "name": {"type": "string", "description": "as a generation's option \"model\" has it"},
    "default": {"type": "boolean", "description": "of generations that name none"},
    "loaded": {"type": "boolean", "description": "in the memory of the process that answers; others are loaded when a job needs them"}, "views": {"type": "integer", "minimum": 2}, "image_size": {"type": "integer", "minimum": 1},
    "text": {"type": "boolean", "description": "takes words instead of a photo"}, "steps": {"type": "integer", "minimum": 1}, "elevation_degrees": {"type": "number"},
    "image_frame_ratio": {"type": "number", "description": "share of a view that the object's longer side fills"}, "distilled": {"type": "boolean"},
    "device": {"type": "string"}, "dtype": {"type": "string"}}},
  "Models": {"type": "object", "required": ["models"], "additionalProperties": false,
    "properties": {"models": {"type": "array", "items": {"$ref": "#/components/schemas/Model"}}}},
  "Capabilities": {"type": "object", "additionalProperties": false, "required": ["version", "photos", "text", "request_bytes", "photo_pixels",
    "queued_jobs", "stored_bytes", "workers", "keep_hours", "files", "formats", "options"], "properties": {
    "version": {"type": "string"}, "photos": {"type": "string"},
    "text": {"type": "boolean", "description": "words are taken instead of a photo"}, "request_bytes": {"type": "integer", "minimum": 1},
    "photo_pixels": {"type": "integer", "minimum": 1}, "queued_jobs": {"type": "integer", "minimum": 0},
    "stored_bytes": {"type": "integer", "minimum": 0}, "workers": {"type": "integer", "minimum": 1},
    "keep_hours": {"type": "integer", "minimum": 0}, "files": {"type": "array", "items": {"type": "string"}},
    "formats": {"type": "array", "items": {"$ref": "#/components/schemas/Format"}, "description": "files that are made of a job's when they are asked for"},
    "options": {"type": "object", "description": "JSON Schema of a generation's options"}}},
  "Format": {"type": "object", "additionalProperties": false, "required": ["name", "made_of", "description", "media_type"], "properties": {
    "name": {"type": "string"}, "made_of": {"type": "string", "description": "the job's file that it needs"}, "description": {"type": "string"},
    "media_type": {"type": "string"}}},
  "Matte": {"type": "object", "additionalProperties": false, "required": ["width", "height", "object_from", "warnings",
    "matte_png_base64"], "properties": {
    "width": {"type": "integer", "minimum": 1, "description": "of the photo, upright"}, "height": {"type": "integer", "minimum": 1},
    "object_from": {"type": "string", "description": "what told the object from its ground"},
    "warnings": {"type": "array", "items": {"type": "string"}, "description": "what speaks against it"},
    "matte_png_base64": {"type": "string", "description": "white, as transparent as the ground; the longer side at most 1024 pixels"},
    "photo_png_base64": {"type": "string", "description": "the photo in that size"}}},
  "Status": {"type": "object", "required": ["status"], "additionalProperties": false, "properties": {"status": {"type": "string", "enum": ["ok"]}}}
})";

Json reference(const std::string& schema) {
  return {{"$ref", "#/components/schemas/" + schema}};
}

Json content(const std::string& type, const Json& schema) {
  return {{type, {{"schema", schema}}}};
}

struct Answer {
  int status;
  const char* description;
  const char* schema;  ///< of application/json; nullptr: no JSON
};

/// `problems`: statuses of problem JSON, beside those that every address has.
Json operation(const std::string& name, const std::string& summary, const std::vector<Answer>& answers,
               const std::vector<int>& problems = {}, bool open = false) {
  Json responses = Json::object();
  for (const Answer& answer : answers) {
    Json& response = responses[std::to_string(answer.status)];
    response["description"] = answer.description;
    if (answer.schema) response["content"] = content("application/json", reference(answer.schema));
  }
  std::vector<int> all = problems;
  if (!open) all.insert(all.end(), {401, 403});
  for (const int status : all)
    responses[std::to_string(status)] = {{"description", status_title(status)},
                                         {"content", content("application/problem+json", reference("Problem"))}};
  Json result = {{"operationId", name}, {"summary", summary}, {"responses", responses}};
  if (open) result["security"] = Json::array();
  return result;
}

Json parameter(const std::string& name, const std::string& place, const Json& schema, const std::string& description) {
  return {{"name", name}, {"in", place}, {"required", place == "path"}, {"description", description}, {"schema", schema}};
}

Json generation_operation(const Json& options) {
  Json post = operation("createGeneration", "A photo, several of one object, or words become a job.",
                        {{202, "accepted", "Job"}, {200, "the same request was accepted before (Idempotency-Key)", "Job"}},
                        {400, 409, 413, 415, 422, 429, 503});
  post["parameters"].push_back(parameter("Idempotency-Key", "header", {{"type", "string"}, {"maxLength", 255}},
                                         "one key, one job, however often it is sent"));
  const Json photo = {{"type", "string"}, {"contentEncoding", "base64"}};
  const Json mask = {
      {"type", "string"},
      {"contentEncoding", "base64"},
      {"description",
       "a picture of any size: its transparency, or where it has none its brightness, says what of the photo is object"}};
  const Json view = {{"type", "object"},
                     {"required", {"azimuth_degrees", "photo"}},
                     {"properties",
                      {{"azimuth_degrees", {{"type", "number"}}},
                       {"elevation_degrees", {{"type", {"number", "null"}}}},
                       {"photo", photo},
                       {"mask", mask}}}};
  const Json text = {{"type", "string"},
                     {"description", "what is to be seen, instead of photos, where capabilities say \"text\""}};
  const Json either = {{{"required", {"photo"}}}, {{"required", {"text"}}}};
  const Json json = {{"type", "object"},
                     {"oneOf", either},
                     {"additionalProperties", false},
                     {"properties",
                      {{"photo", photo},
                       {"text", text},
                       {"mask", mask},
                       {"photo_name", {{"type", "string"}}},
                       {"options", options},
                       {"views", {{"type", "array"}, {"items", view}}}}}};
  const Json form = {
      {"type", "object"},
      {"oneOf", either},
      {"description",
       "Options are parts of their own, or one part \"options\" of JSON; files called view:AZIMUTH or "
       "view:AZIMUTH,ELEVATION (degrees) show the object from another side. mask and, for them, mask:AZIMUTH[,ELEVATION] "
       "say what of a photo is the object."},
      {"properties",
       {{"photo", {{"type", "string"}, {"format", "binary"}}},
        {"text", text},
        {"mask", {{"type", "string"}, {"format", "binary"}}},
        {"options", options}}}};
  post["requestBody"] = {{"required", true},
                         {"content", {{"multipart/form-data", {{"schema", form}}}, {"application/json", {{"schema", json}}}}}};
  return post;
}

Json matte_operation() {
  Json post = operation("createMatte",
                        "What of a photo a job would take for the object: to be looked at, and sent back mended as a mask.",
                        {{200, "the matte", "Matte"}}, {400, 413, 415, 422});
  post["parameters"].push_back(
      parameter("photo", "query", {{"type", "string"}}, "given: the photo, too, for formats that browsers cannot show"));
  const Json form = {
      {"type", "object"}, {"required", {"photo"}}, {"properties", {{"photo", {{"type", "string"}, {"format", "binary"}}}}}};
  post["requestBody"] = {{"required", true}, {"content", {{"multipart/form-data", {{"schema", form}}}}}};
  return post;
}

Json photo_operation() {
  Json get =
      operation("getPhoto", "The job's photo, cut out where a mask was given, small.",
                {{200, "at most 320 pixels wide and high", nullptr}, {304, "not changed (If-None-Match)", nullptr}}, {404});
  get["responses"]["200"]["content"] = content("image/png", {{"type", "string"}, {"format", "binary"}});
  return get;
}

Json page_operation(const std::string& name, const std::string& summary, const char* type) {
  Json get = operation(name, summary, {{200, "a file", nullptr}, {304, "not changed (If-None-Match)", nullptr}}, {}, true);
  get["responses"]["200"]["content"] = content(type, {{"type", "string"}, {"format", "binary"}});
  return get;
}

Json event_operation() {
  Json get =
      operation("watchJob", "Server-sent events \"job\" (data: Job) and \"preview\" (data: Preview) until the job has ended.",
                {{200, "events", nullptr}}, {404});
  get["responses"]["200"]["content"] = content("text/event-stream", {{"type", "string"}});
  return get;
}

Json file_operation() {
  Json get = operation(
      "getFile",
      "A result, whole or one range of its bytes: a file that the job wrote, or one of another format, which is made of it now.",
      {{200, "the file", nullptr}, {206, "a range of it", nullptr}, {304, "not changed (If-None-Match)", nullptr}},
      {404, 409, 416, 500, 503});
  for (const char* status : {"200", "206"})
    get["responses"][status]["content"] = content("application/octet-stream", {{"type", "string"}, {"format", "binary"}});
  get["parameters"].push_back(parameter("download", "query", {{"type", "string"}}, "given: the browser saves the file"));
  return get;
}

Json jobs_operation() {
  Json get = operation("listJobs", "Jobs, the newest first.", {{200, "a page of them", "JobList"}}, {400});
  get["parameters"] = {parameter("limit", "query", {{"type", "integer"}, {"minimum", 1}, {"maximum", 100}}, "20 if not given"),
                       parameter("cursor", "query", {{"type", "string"}}, "next_cursor of the page before"),
                       parameter("state", "query", {{"type", "string"}}, "only jobs of this state")};
  return get;
}

}  // namespace

Json generation_options_schema(const Service& service) {
  Json properties = Json::object();
  for (const DescribedSetting& setting : generation_settings(service.models().first().config.sampler)) {
    Json schema = {{"description", setting.setting.help}, {"default", setting.value}};
    const bool as_text = setting.setting.parse || setting.value.is_array();
    const char* type = setting.value.is_boolean()          ? "boolean"
                       : setting.value.is_number_integer() ? "integer"
                       : setting.value.is_string()         ? "string"
                       : setting.value.is_array()          ? "array"
                                                           : "number";
    schema["type"] = type;
    if (setting.value.is_null()) schema["type"] = {"number", "null"};
    if (as_text) schema["type"] = {type, "string"};
    if (std::isfinite(setting.setting.low) && !as_text) schema["minimum"] = setting.setting.low;
    if (std::isfinite(setting.setting.high) && !as_text) schema["maximum"] = setting.setting.high;
    if (!setting.setting.choices.empty()) schema["enum"] = setting.setting.choices;
    properties[setting.name()] = schema;
  }
  Json& names = properties["model"]["enum"] = {""};
  for (const ServedModel& model : service.models().all()) names.push_back(model.config.name);
  return {{"type", "object"}, {"additionalProperties", false}, {"properties", properties}};
}

Json openapi_document(const Service& service) {
  Json document = {
      {"openapi", "3.1.0"},
      {"info", {{"title", "GSV3D"}, {"version", service.config().version}, {"summary", "One photo in, a 3D object out."}}},
      {"security", {{{"bearer", Json::array()}}}}};
  const Json id = parameter("id", "path", {{"type", "string"}, {"pattern", "^[0-9a-f]{32}$"}}, "of the job");
  const Json name = parameter("name", "path", {{"type", "string"}}, "as the job's files or the capabilities' formats have it");
  Json& paths = document["paths"];
  paths["/"]["get"] = page_operation("getPage", "The page in the browser.", "text/html");
  paths["/studio/{name}"] = {
      {"parameters", {parameter("name", "path", {{"type", "string"}}, "as the page names it")}},
      {"get", page_operation("getPageFile", "What the page is made of, gzipped.", "application/octet-stream")}};
  paths["/studio/{name}"]["get"]["responses"]["404"] = {{"description", status_title(404)},
                                                        {"content", content("application/problem+json", reference("Problem"))}};
  paths["/v1/mattes"]["post"] = matte_operation();
  paths["/v1/generations"]["post"] = generation_operation(generation_options_schema(service));
  paths["/v1/jobs"]["get"] = jobs_operation();
  paths["/v1/jobs/{id}"] = {
      {"parameters", {id}},
      {"get", operation("getJob", "A job.", {{200, "as it is now", "Job"}}, {404})},
      {"delete",
       operation("deleteJob", "Cancels a job that waits or runs; forgets one that has ended, with its files.",
                 {{202, "it is cancelled, or will be at its next check", "Job"}, {204, "it is forgotten", nullptr}}, {404})}};
  paths["/v1/jobs/{id}/events"] = {{"parameters", {id}}, {"get", event_operation()}};
  paths["/v1/jobs/{id}/photo"] = {{"parameters", {id}}, {"get", photo_operation()}};
  paths["/v1/jobs/{id}/files/{name}"] = {{"parameters", {id, name}}, {"get", file_operation()}};
  paths["/v1/capabilities"]["get"] =
      operation("getCapabilities", "Limits and options.", {{200, "of this service", "Capabilities"}});
  paths["/v1/models"]["get"] = operation("getModels", "The models there are, the default first.", {{200, "a list", "Models"}});
  paths["/v1/session"]["post"] =
      operation("createSession", "A cookie for browsers instead of the token.", {{204, "set", nullptr}});
  paths["/healthz"]["get"] = operation("getHealth", "The service answers.", {{200, "it does", "Status"}}, {}, true);
  paths["/readyz"]["get"] = operation("getReadiness", "The service takes jobs.", {{200, "it does", "Status"}}, {503}, true);
  paths["/metrics"]["get"] = operation("getMetrics", "Prometheus' text format.", {{200, "metrics", nullptr}});
  paths["/metrics"]["get"]["responses"]["200"]["content"] = content("text/plain", {{"type", "string"}});
  paths["/openapi.json"]["get"] = operation("getDocument", "This document.", {{200, "OpenAPI 3.1", nullptr}}, {}, true);
  paths["/openapi.json"]["get"]["responses"]["200"]["content"] = content("application/json", {{"type", "object"}});
  document["components"] = {{"schemas", Json::parse(schemas)},
                            {"securitySchemes", {{"bearer", {{"type", "http"}, {"scheme", "bearer"}}}}}};
  return document;
}

HttpResponse get_openapi(Service& service, const HttpRequest&, const PathParameters&) {
  return json_response(openapi_document(service));
}

}  // namespace gsv3d
