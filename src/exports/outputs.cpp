#include "exports/outputs.h"

#include <sys/resource.h>

#include <chrono>
#include <cmath>
#include <numbers>

#include "core/atomic_file.h"
#include "core/config.h"
#include "core/device.h"
#include "core/error.h"
#include "core/log.h"
#include "exports/viewer_page.h"
#include "gaussian_files/ply.h"
#include "image/contact_sheet.h"
#include "image/depth_image.h"
#include "image/resize.h"
#include "mesh/atlas.h"
#include "mesh/gaussian_mesh.h"
#include "mesh/mesh_files.h"
#include "rasterizer/orbit_render.h"
#include "video/video.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

constexpr const char* object_name = "object.ply";
constexpr const char* mesh_name = "object.glb";
constexpr const char* viewer_name = "viewer.html";
constexpr const char* video_name = "orbit.mp4";
constexpr const char* sheet_name = "views.png";
constexpr const char* record_name = "result.json";

/// Pictures of the contact sheet are at least this large, so that a small model's views can be looked at.
constexpr int64_t min_cell_pixels = 192;

std::vector<Image> to_images(const Tensor& batch) {
  std::vector<Image> images;
  for (const Tensor& image : batch.cpu().unbind()) images.push_back(to_image(image));
  return images;
}

/// Azimuths of cameras that look at the origin, in [0, 360).
std::vector<std::string> azimuth_captions(const Cameras& cameras) {
  const Tensor positions = cameras.positions().to(at::kCPU, at::kDouble);
  std::vector<std::string> captions;
  for (int64_t i = 0; i < cameras.count(); ++i) {
    const double degrees = std::atan2(positions[i][0].item<double>(), positions[i][2].item<double>()) * 180 / std::numbers::pi;
    captions.push_back(fmt::format("{:.0f}", degrees < -0.5 ? degrees + 360 : std::abs(degrees)));
  }
  return captions;
}

/// Peak of the process's memory so far, MB (10⁶ bytes).
double peak_memory_megabytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024 / 1e6;
}

void write_sheet(const fs::path& path, const Result& result, int64_t cell) {
  SheetRow photos{result.further.empty() ? "photo" : "photos", {}, {}};
  for (const PosedPhoto& photo : photos_of(result)) photos.pictures.push_back(resize_lanczos(to_image(photo.rgba), cell, cell));
  std::vector<SheetRow> rows = {
      photos, {"generated views, azimuth in degrees", to_images(result.views), azimuth_captions(result.cameras)}};
  if (result.spread) {
    constexpr double bright = 4;  // a deviation of 0.25 is white
    const Tensor pictures = (bright * result.spread->pictures).clamp(0, 1).expand({-1, 3, -1, -1}).contiguous();
    SheetRow spread{"how far other seeds' views differ, brighter: more", to_images(pictures), {}};
    for (const double value : result.spread->views) spread.captions.push_back(fmt::format("{:.2f}", value));
    rows.push_back(std::move(spread));
  }
  if (result.gaussians) {
    const OrbitImages images = render_views(*result.gaussians, result.cameras.resized(cell, cell), {});
    rows.push_back({"3D Gaussians from the same cameras", to_images(images.rgb), {}});
    SheetRow depths{"depth", {}, {}};
    for (int64_t i = 0; i < images.depth.size(0); ++i)
      depths.pictures.push_back(depth_to_image(images.depth[i][0], images.alpha[i][0]));
    rows.push_back(std::move(depths));
  }
  SheetOptions options;
  options.cell_size = cell;
  save_png(path, contact_sheet(rows, options));
}

void write_video(const fs::path& path, const Result& result, const Model& model, const OutputOptions& options) {
#if GSV3D_WITH_VIDEO
  OrbitOptions orbit;
  orbit.frames = options.orbit_frames;
  orbit.elevation_degrees = result.elevation_degrees;
  orbit.size = std::max(options.orbit_size, model.config.image_size);
  orbit.lens = {model.config.radius, model.config.fov_y_degrees};
  VideoOptions video;
  video.frames_per_second = options.frames_per_second;
  write_mp4(path, to_images(render_orbit(*result.gaussians, orbit).rgb), video);
#else
  (void)path, (void)result, (void)model, (void)options;
  spdlog::info("this build has no FFmpeg: no {}", video_name);
#endif
}

/// The Gaussians' mesh, or nothing, with a line that says why: a photo's other results do not depend on it.
std::optional<Mesh> make_mesh(const Result& result, const MeshProgress& on_progress) {
  if (!has_mesh_libraries()) {
    spdlog::info("this build has no mesh libraries: no {}", mesh_name);
    return {};
  }
  try {
    // Photos whose pixels lie on the Gaussians give the texture its colours, too: both files then look alike.
    return mesh_gaussians(*result.gaussians, {}, on_progress,
                          result.has_photo_surface ? photos_of(result) : std::vector<PosedPhoto>());
  } catch (const Cancelled&) {
    throw;
  } catch (const Error& error) {
    spdlog::warn("no {}: {}", mesh_name, error.what());
    return {};
  }
}

/// What result.json says of the mesh: in metres where a size was asked for, else in the Gaussians' units.
Json mesh_json(const Mesh& mesh) {
  const Vector3 size = bounding_box(mesh).size();
  return {{"triangles", mesh.triangles.size()},
          {"size", {size.x, size.y, size.z}},
          {"unit", mesh.unit == LengthUnit::kMetre ? Json("metre") : Json(nullptr)}};
}

void write_page(const fs::path& place, const Result& result, const Model& model, const RunRecord& record) {
  ViewerPage page;
  page.title = fs::path(record.input).stem().string();
  page.gaussians = *result.gaussians;
  page.view = standard_view(page.gaussians);
  page.view.radius = model.config.radius;
  page.view.fov_degrees = model.config.fov_y_degrees;
  page.view.elevation_degrees = result.elevation_degrees;
  if (fs::exists(place / mesh_name)) page.mesh = read_file(place / mesh_name);
  write_viewer(place / viewer_name, page);
}

/// What speaks for or against trusting the result, as far as it was measured.
Json confidence_json(const Result& result) {
  const auto rounded = [](double value) { return std::round(value * 1e4) / 1e4; };
  Json json = {{"view_disagreement", nullptr}, {"familiarity", nullptr}, {"view_spread", nullptr}, {"gaussians", nullptr}};
  if (result.disagreement) {
    json["view_disagreement"] = {{"value", rounded(result.disagreement->value)}, {"views", Json::array()}};
    for (const double value : result.disagreement->views) json["view_disagreement"]["views"].push_back(rounded(value));
  }
  if (result.familiarity)
    json["familiarity"] = {{"distance", rounded(result.familiarity->distance)},
                           {"farther_share", rounded(result.familiarity->farther_share)},
                           {"unusual", result.familiarity->is_unusual()}};
  if (result.spread) {
    json["view_spread"] = {{"value", rounded(result.spread->value)}, {"views", Json::array()}};
    for (const double value : result.spread->views) json["view_spread"]["views"].push_back(rounded(value));
  }
  if (result.confidence) json["gaussians"] = {{"value", rounded(result.confidence->value)}, {"seeds", result.confidence->seeds}};
  return json;
}

Json record_json(const Result& result, const Model& model, const RunRecord& record) {
  Json json;
  json["program"] = {{"name", "gsv3d"}, {"version", record.version}};
  json["input"] = record.input;
  if (!record.text.is_null()) json["text"] = record.text;
  json["photo"] = {{"object_from", result.photo.object_from}, {"warnings", result.photo.warnings}};
  for (size_t i = 0; i < result.further.size(); ++i) {
    const FurtherPhoto& further = result.further[i];
    json["further_photos"].push_back({{"input", further.name},
                                      {"azimuth_degrees", further.azimuth_degrees},
                                      {"elevation_degrees", further.elevation_degrees.value_or(result.elevation_degrees)},
                                      {"view", result.further_views[i]},
                                      {"object_from", further.photo.object_from},
                                      {"warnings", further.photo.warnings}});
  }
  json["confidence"] = confidence_json(result);
  json["model"] = {{"name", model.config.name}, {"distilled", model.distilled}};
  json["seed"] = record.seed;
  json["settings"] = settings_by_name(result.sampler);
  json["settings"].update({{"elevation_degrees", result.elevation_degrees},
                           {"route", result.gaussians ? Json(route_name(result.route)) : Json(nullptr)},
                           {"views", result.views.size(0)},
                           {"image_size", model.config.image_size},
                           {"device", model.device.str()},
                           {"dtype", dtype_name(model.dtype)},
                           {"threads", record.threads}});
  if (result.first_step > 0) json["settings"]["resumed_after_step"] = result.first_step;
  if (result.orbit)
    json["settings"]["orbit"] = {{"azimuths_degrees", result.orbit->azimuths_degrees},
                                 {"elevations_degrees", result.orbit->elevations_degrees}};
  json["gaussians"] = result.gaussians ? Json(result.gaussians->count()) : Json(nullptr);
  json["seconds"] = Json::object();
  for (const StageTime& time : result.times) json["seconds"][time.stage] = std::round(time.seconds * 1e4) / 1e4;
  json["peak_memory_megabytes"] = std::round(peak_memory_megabytes());
  return json;
}

}  // namespace

const std::vector<std::string>& output_file_names() {
  static const std::vector<std::string> names = {object_name, mesh_name, viewer_name, video_name, sheet_name, record_name};
  return names;
}

void write_outputs(const OutputFolder& folder, Result& result, const Model& model, const RunRecord& record,
                   const OutputOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  const fs::path& place = folder.staging();
  const auto seconds = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
  std::optional<Mesh> mesh;
  if (result.gaussians && options.mesh) {
    mesh = make_mesh(result, options.on_mesh_progress);
    if (mesh) write_glb(place / mesh_name, *mesh);
    result.times.push_back({"mesh", seconds()});
  }
  const double before_files = seconds();
  if (result.gaussians) {
    write_ply(place / object_name, *result.gaussians, {.confidence = result.confidence ? result.confidence->values : Tensor()});
    write_video(place / video_name, result, model, options);
    if (options.viewer) write_page(place, result, model, record);
  }
  if (mesh && options.placement.size) {  // only now: the page shows the mesh where the Gaussians are
    mesh = placed(std::move(*mesh), options.placement, MeshFormat::kGlb);
    write_glb(place / mesh_name, *mesh);
  }
  write_sheet(place / sheet_name, result, std::max(min_cell_pixels, model.config.image_size));
  result.times.push_back({"files", seconds() - before_files});
  Json json = record_json(result, model, record);
  json["mesh"] = mesh ? mesh_json(*mesh) : Json(nullptr);
  write_json_file(place / record_name, json);
}

}  // namespace gsv3d
