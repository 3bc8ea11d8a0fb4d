// GET / and /studio/{name}: the page in the browser. It holds nothing of anyone, so it needs no token; it asks for one.
#include "service/routes/routes.h"
#include "service/studio_files.h"

namespace gsv3d {
namespace {

/// Nothing but this service's own files, and what the 3D view makes of them itself: WebAssembly, workers and pictures from
/// memory.
constexpr const char* page_policy =
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; media-src 'self'; "
    "connect-src 'self' blob: data:; worker-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

HttpResponse file_response(const HttpRequest& request, const StudioFile& file) {
  HttpResponse response;
  response.with("ETag", file.tag).with("Cache-Control", "no-cache").with("Content-Security-Policy", page_policy);
  response.with("Cross-Origin-Opener-Policy", "same-origin");
  if (names_tag(request, file.tag)) {
    response.status = 304;
    return response;
  }
  response.with("Content-Type", file.media_type);
  if (file.gzipped) response.with("Content-Encoding", "gzip");
  response.body = file.bytes;
  return response;
}

}  // namespace

HttpResponse get_page(Service&, const HttpRequest& request, const PathParameters&) {
  return file_response(request, studio_file("index.html").value());
}

HttpResponse get_page_file(Service&, const HttpRequest& request, const PathParameters& parameters) {
  const auto file = studio_file(parameters.at("name"));
  if (!file) throw Problem(404, "the page has no such file");
  return file_response(request, *file);
}

}  // namespace gsv3d
