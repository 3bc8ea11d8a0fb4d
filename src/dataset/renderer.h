// Ray-cast views of objects for training and evaluation: colour, coverage and depth from known cameras.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include "camera/camera.h"
#include "dataset/lighting.h"
#include "dataset/ray_tracer.h"
#include "dataset/views.h"
#include "image/texture_pyramid.h"
#include "objects/object.h"

namespace gsv3d {

struct RenderOptions {
  int64_t samples = 3;               ///< a grid of samples × samples rays per pixel
  int64_t occlusion_samples = 0;     ///< rays per sample for ambient occlusion; 0: none
  double occlusion_distance = 0.15;  ///< world units beyond which nothing darkens
  Lighting lighting = studio_lighting();
  std::optional<std::chrono::steady_clock::time_point> deadline;  ///< render() gives up then
};

/// RenderOptions::deadline has passed.
class DeadlinePassed : public Error {
 public:
  using Error::Error;
};

struct TracedViews {
  Tensor rgba;   ///< [C, 4, H, W] uint8, sRGB, colour not premultiplied (black where alpha is 0)
  Tensor depth;  ///< [C, H, W] float32 camera z, the mean over the pixel's samples that hit; 0 where none did
};

class ObjectRenderer {
 public:
  /// Copies what it needs. Throws Error when the object is malformed (check_object) or this build has no Embree.
  explicit ObjectRenderer(const Object& object);
  ~ObjectRenderer();

  /// Diffuse shading of both sides; alpha below the material's cutoff is a hole, opacity below 1 blends up to eight layers
  /// (depth: the layer at which half of the light is taken). The same on every number of threads. Throws DeadlinePassed.
  TracedViews render(const Cameras& cameras, const RenderOptions& options) const;

 private:
  struct Sample;
  struct Surface;
  struct PixelGrid;
  Sample trace(Ray ray, float footprint, const RenderOptions& options) const;
  Surface surface(const Hit& hit, const Ray& ray, float footprint) const;
  std::array<float, 3> shade(const Surface& surface, const Hit& hit, const Ray& ray, const RenderOptions& options) const;
  float openness(const std::array<float, 3>& point, const std::array<float, 3>& normal, const RenderOptions& options) const;
  bool is_hole(const Hit& hit) const;
  std::array<float, 2> uv_at(const Hit& hit) const;
  std::array<float, 4> vertex_color(const Hit& hit) const;

  std::vector<std::array<float, 3>> positions_, normals_;
  std::vector<std::array<float, 2>> uvs_;
  std::vector<std::array<float, 4>> colors_;
  std::vector<std::array<uint32_t, 3>> triangles_;
  std::vector<uint32_t> triangle_materials_;
  std::vector<Material> materials_;
  std::vector<std::array<float, 3>> linear_colors_, linear_emissions_;  ///< of the materials
  std::vector<TexturePyramid> textures_;
  std::unique_ptr<RayTracer> tracer_;
};

/// Which views of an object are made.
struct ViewPlan {
  int64_t size = 64;  ///< pixels a side
  int64_t orbit_views = 21;
  double orbit_elevation_degrees = 10;
  int64_t random_views = 8;
  double min_random_elevation_degrees = -20, max_random_elevation_degrees = 60;
  Lens lens;
};

/// Renders the orbit, then random cameras drawn from `generator`. Id and group of the result are left empty. Throws EmptyObject
/// when every view is empty.
ObjectViews render_views(const ObjectRenderer& renderer, const ViewPlan& plan, const RenderOptions& options,
                         const at::Generator& generator);

}  // namespace gsv3d
