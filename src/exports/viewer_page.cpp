#include "exports/viewer_page.h"

#include <cmath>
#include <numbers>

#include "core/atomic_file.h"
#include "core/base64.h"
#include "core/config.h"
#include "core/error.h"
#include "exports/viewer_template.h"
#include "gaussian_files/ply.h"
#include "gaussian_files/spz.h"
#include "gaussians/bounds.h"

namespace gsv3d {
namespace {

constexpr std::string_view kPlace = "<!--object-->";  // in web/index.html
constexpr double kMargin = 1.08;                      // around the object in the picture
constexpr double kLeastReach = 0.2, kMostReach = 1;   // of objects in our cube, whose corners are at 0.87

void write_data(AtomicFile& file, const char* id, std::string_view bytes) {
  constexpr size_t at_once = size_t{3} << 16;  // a multiple of 3: the pieces are encoded one by one
  file.write(fmt::format("<script type=\"text/plain\" id=\"{}\">", id));
  for (size_t begin = 0; begin < bytes.size(); begin += at_once) file.write(base64_encoded(bytes.substr(begin, at_once)));
  file.write("</script>\n");
}

/// JSON that cannot end the script element it stands in, whatever the title is.
std::string script_json(const Json& json) {
  std::string text;
  for (const char c : json.dump(-1, ' ', true, Json::error_handler_t::replace)) {
    if (c == '<')
      text += "\\u003c";
    else
      text += c;
  }
  return text;
}

Json description(const ViewerPage& page, bool as_ply) {
  const ViewerStart& view = page.view;
  Json json;
  json["title"] = page.title;
  json["view"] = {{"target", view.target},           {"radius", view.radius},
                  {"azimuth", view.azimuth_degrees}, {"elevation", view.elevation_degrees},
                  {"fov", view.fov_degrees},         {"reach", view.reach}};
  const char* format = as_ply ? "ply" : "spz";
  json["splats"] = {{"name", page.title + "." + format},
                    {"format", format},
                    {"count", page.gaussians.count()},
                    {"yDown", as_ply},
                    {"antialiased", page.antialiased}};
  if (!page.mesh.empty()) json["mesh"] = {{"name", page.title + ".glb"}};
  return json;
}

}  // namespace

ViewerStart standard_view(const Gaussians& gaussians) {
  const Ball ball = visible_ball(gaussians);
  const auto [x, y, z] = ball.centre;
  ViewerStart view;
  const double reach = std::sqrt(x * x + y * y + z * z) + ball.radius;
  view.reach = reach;
  if (reach >= kLeastReach && reach <= kMostReach) return view;
  view.target = ball.centre;
  view.radius = kMargin * ball.radius / std::sin(view.fov_degrees / 2 * std::numbers::pi / 180);
  view.reach = ball.radius;
  return view;
}

void write_viewer(const std::filesystem::path& path, const ViewerPage& page) {
  const std::string_view html = viewer_template();
  const size_t place = html.find(kPlace);
  require(place != std::string_view::npos, "the page inside this program has no place for an object");
  const bool as_ply = page.gaussians.count() <= kMostGaussiansAsPly;
  const std::string splats =
      as_ply ? encode_ply(page.gaussians, path.string(), {.frame = Frame::kYDown, .antialiased = page.antialiased})
             : encode_spz(page.gaussians, path.string(), Frame::kWorld, {.antialiased = page.antialiased});
  AtomicFile file(path);
  file.write(html.substr(0, place));
  file.write(
      fmt::format("<script type=\"application/json\" id=\"object\">{}</script>\n", script_json(description(page, as_ply))));
  write_data(file, "splats", splats);
  if (!page.mesh.empty()) write_data(file, "mesh", page.mesh);
  file.write(html.substr(place + kPlace.size()));
  file.commit();
}

}  // namespace gsv3d
