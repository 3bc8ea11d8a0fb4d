// The service's addresses; each route's function is in a file of its own.
#pragma once

#include <map>
#include <string>

#include "service/http_message.h"

namespace gsv3d {

class Service;

using PathParameters = std::map<std::string, std::string>;

/// Finds the route, checks who asks, and answers. Throws Problem 401, 403, 404, 405 and the route's own.
HttpResponse routed(Service& service, const HttpRequest& request);

HttpResponse get_page(Service& service, const HttpRequest& request, const PathParameters& parameters);
HttpResponse get_page_file(Service& service, const HttpRequest& request, const PathParameters& parameters);
HttpResponse post_matte(Service& service, const HttpRequest& request, const PathParameters& parameters);
HttpResponse get_job_photo(Service& service, const HttpRequest& request, const PathParameters& parameters);
HttpResponse post_generation(Service& service, const HttpRequest& request, const PathParameters& parameters);
HttpResponse get_jobs(Service& service, const HttpRequest& request, const PathParameters& parameters);
HttpResponse get_job(Service& service, const HttpRequest& request, const PathParameters& parameters);
HttpResponse delete_job(Service& service, const HttpRequest& request, const PathParameters& parameters);
HttpResponse get_job_events(Service& service, const HttpRequest& request, const PathParameters& parameters);
HttpResponse get_job_file(Service& service, const HttpRequest& request, const PathParameters& parameters);
HttpResponse get_capabilities(Service& service, const HttpRequest& request, const PathParameters& parameters);
HttpResponse get_models(Service& service, const HttpRequest& request, const PathParameters& parameters);
HttpResponse get_health(Service& service, const HttpRequest& request, const PathParameters& parameters);
HttpResponse get_readiness(Service& service, const HttpRequest& request, const PathParameters& parameters);
HttpResponse get_metrics(Service& service, const HttpRequest& request, const PathParameters& parameters);
HttpResponse get_openapi(Service& service, const HttpRequest& request, const PathParameters& parameters);
HttpResponse post_session(Service& service, const HttpRequest& request, const PathParameters& parameters);

/// The OpenAPI 3.1 document, with the options as this model takes them.
Json openapi_document(const Service& service);
/// JSON Schema of the options of a generation.
Json generation_options_schema(const Service& service);

}  // namespace gsv3d
