// POST /v1/mattes: what of a photo a job would take for the object, to be looked at and mended before.
#include "core/base64.h"
#include "pipeline/prepared_photo.h"
#include "service/multipart.h"
#include "service/routes/routes.h"
#include "service/service.h"
#include "service/uploaded_photo.h"

namespace gsv3d {
namespace {

constexpr int64_t shown_pixels = 1024;  // of the longer side: enough to paint on

std::string sent_photo(const HttpRequest& request) {
  if (!request.header("content-type").starts_with("multipart/form-data")) throw Problem(415, "send multipart/form-data");
  std::optional<std::string> photo;
  for (FormPart& part : parse_multipart(request.header("content-type"), request.body)) {
    if (part.name != "photo" || photo) throw Problem(422, "send one part, photo");
    photo = std::move(part.content);
  }
  if (!photo) throw Problem(422, "photo is missing");
  return std::move(*photo);
}

/// White, as transparent as the cut-out: what a canvas can be drawn through.
std::string matte_png(const Image& cutout) {
  Image matte = small_copy(cutout, shown_pixels);
  for (size_t i = 0; i < matte.pixels.size(); ++i) {
    if (i % 4 != 3) matte.pixels[i] = 255;
  }
  return encode_png(matte);
}

std::string opaque_png(Image photo) {
  photo = small_copy(photo, shown_pixels);
  for (size_t i = 3; i < photo.pixels.size(); i += 4) photo.pixels[i] = 255;
  return encode_png(photo);
}

}  // namespace

HttpResponse post_matte(Service& service, const HttpRequest& request, const PathParameters&) {
  const Image photo = decode_upload(service, sent_photo(request), "the photo");
  const std::lock_guard lock(service.decoding());  // cutting out takes memory, too
  const PhotoCutOut cut = cut_out_photo(photo, {});
  Json json = {{"width", photo.width},
               {"height", photo.height},
               {"object_from", cut.object_from},
               {"warnings", cut.warnings},
               {"matte_png_base64", base64_encoded(matte_png(cut.image))}};
  if (request.query.count("photo") != 0) json["photo_png_base64"] = base64_encoded(opaque_png(photo));
  return json_response(json);
}

}  // namespace gsv3d
