// What the service can do, and how it is: /v1/capabilities, /v1/models, /healthz, /readyz, /v1/session.
#include "core/device.h"
#include "exports/outputs.h"
#include "image/load_image.h"
#include "service/object_formats.h"
#include "service/routes/routes.h"
#include "service/service.h"

namespace gsv3d {

namespace {

Json formats_json() {
  Json list = Json::array();
  for (const ObjectFormat& format : object_formats())
    list.push_back({{"name", format.name},
                    {"made_of", format.source},
                    {"description", format.description},
                    {"media_type", media_type(format.name)}});
  return list;
}

}  // namespace

HttpResponse get_capabilities(Service& service, const HttpRequest&, const PathParameters&) {
  const ServiceConfig& config = service.config();
  return json_response({{"version", config.version},
                        {"photos", readable_formats()},
                        {"text", service.models().first().text.has_value()},
                        {"request_bytes", config.http.body_bytes},
                        {"photo_pixels", config.photo_pixels},
                        {"queued_jobs", config.store.queued_jobs},
                        {"stored_bytes", config.store.bytes},
                        {"workers", config.workers},
                        {"keep_hours", config.keep.count()},
                        {"files", output_file_names()},
                        {"formats", formats_json()},
                        {"options", generation_options_schema(service)}});
}

HttpResponse get_models(Service& service, const HttpRequest&, const PathParameters&) {
  Json models = Json::array();
  for (const ServedModel& model : service.models().all())
    models.push_back({{"name", model.config.name},
                      {"default", &model == &service.models().first()},
                      {"loaded", service.models().is_loaded(model.config.name)},
                      {"views", model.config.frames},
                      {"image_size", model.config.image_size},
                      {"text", model.text.has_value()},
                      {"steps", model.config.sampler.steps},
                      {"elevation_degrees", model.config.elevation_degrees},
                      {"image_frame_ratio", model.config.image_frame_ratio},
                      {"distilled", model.distilled},
                      {"device", model.device.str()},
                      {"dtype", dtype_name(model.dtype)}});
  return json_response({{"models", models}});
}

HttpResponse get_health(Service&, const HttpRequest&, const PathParameters&) {
  return json_response({{"status", "ok"}});
}

HttpResponse get_readiness(Service& service, const HttpRequest&, const PathParameters&) {
  if (service.draining()) throw Problem(503, "the service is about to end");
  try {
    service.store().check();
  } catch (const Error& error) {
    throw Problem(503, error.what());
  }
  return json_response({{"status", "ok"}});
}

HttpResponse post_session(Service& service, const HttpRequest&, const PathParameters&) {
  HttpResponse response;
  response.status = 204;
  return response.with("Set-Cookie", service.access().new_session_cookie());
}

}  // namespace gsv3d
