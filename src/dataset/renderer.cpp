#include "dataset/renderer.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numbers>

#include "core/error.h"
#include "objects/vector.h"

namespace gsv3d {
namespace {

constexpr int kMaxLayers = 8;   ///< of blended surfaces along a ray
constexpr int kMaxHoles = 256;  ///< cut-out surfaces a ray passes before it gives up

Vector along(const Vector& origin, const Vector& direction, float distance) {
  return {origin[0] + distance * direction[0], origin[1] + distance * direction[1], origin[2] + distance * direction[2]};
}

/// A number in [0, 1) that depends on the place only, so that a surface point is darkened alike in every view.
float hashed(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  uint32_t h = a * 0x8DA6B343U ^ b * 0xD8163841U ^ c * 0xCB1AB31FU ^ d * 0x165667B1U;
  h ^= h >> 15;
  h *= 0x2C1B3C6DU;
  h ^= h >> 12;
  h *= 0x297A2D39U;
  h ^= h >> 15;
  return static_cast<float>(h >> 8) / 16777216.0F;
}

}  // namespace

struct ObjectRenderer::Sample {
  Vector premultiplied{};  ///< linear light
  float alpha = 0, depth = 0;
};

/// What a ray finds, before it is lit.
struct ObjectRenderer::Surface {
  Vector face{};               ///< unit normal of the triangle, towards the camera
  Vector color{}, emission{};  ///< linear light
  float opacity = 1;
  bool unlit = false;
};

/// One camera as the ray loop needs it.
struct ObjectRenderer::PixelGrid {
  Vector origin{};
  std::array<float, 9> rotation{};  ///< camera → world, row-major
  float fx, fy, cx, cy;

  PixelGrid(const Cameras& cameras, int64_t index) {
    const Tensor pose = cameras.world_to_camera[index].to(at::kCPU, at::kFloat).contiguous();
    const Tensor intrinsics = cameras.intrinsics[index].to(at::kCPU, at::kFloat).contiguous();
    const float *m = pose.const_data_ptr<float>(), *k = intrinsics.const_data_ptr<float>();
    for (int row = 0; row < 3; ++row)
      for (int column = 0; column < 3; ++column) {
        rotation[row * 3 + column] = m[column * 4 + row];
        origin[row] -= m[column * 4 + row] * m[column * 4 + 3];
      }
    fx = k[0];
    fy = k[4];
    cx = k[2];
    cy = k[5];
  }

  /// Through image position (x, y) in pixels. Its direction has camera z = 1, so distances along it are camera z.
  Ray ray(float x, float y) const {
    const Vector d{(x - cx) / fx, (y - cy) / fy, 1};
    Ray result;
    result.origin = origin;
    for (int row = 0; row < 3; ++row)
      result.direction[row] = rotation[row * 3] * d[0] + rotation[row * 3 + 1] * d[1] + rotation[row * 3 + 2] * d[2];
    return result;
  }
};

ObjectRenderer::ObjectRenderer(const Object& object) {
  check_object(object, "object");
  positions_ = object.positions;
  normals_ = object.normals;
  uvs_ = object.uvs;
  colors_ = object.colors;
  triangles_ = object.triangles;
  triangle_materials_ = object.triangle_materials;
  materials_ = object.materials;
  const auto linear = [](const std::array<float, 3>& color) {
    return Vector{srgb_to_linear(color[0]), srgb_to_linear(color[1]), srgb_to_linear(color[2])};
  };
  for (const Material& material : materials_) {
    linear_colors_.push_back(linear(material.color));
    linear_emissions_.push_back(linear(material.emission));
  }
  textures_.reserve(object.textures.size());
  for (const Image& image : object.textures) textures_.emplace_back(image);
  tracer_ = std::make_unique<RayTracer>(object);
}

ObjectRenderer::~ObjectRenderer() = default;

std::array<float, 2> ObjectRenderer::uv_at(const Hit& hit) const {
  const auto& [a, b, c] = triangles_[hit.triangle];
  const float w = 1 - hit.u - hit.v;
  return {w * uvs_[a][0] + hit.u * uvs_[b][0] + hit.v * uvs_[c][0], w * uvs_[a][1] + hit.u * uvs_[b][1] + hit.v * uvs_[c][1]};
}

std::array<float, 4> ObjectRenderer::vertex_color(const Hit& hit) const {
  if (colors_.empty()) return {1, 1, 1, 1};
  const auto& [a, b, c] = triangles_[hit.triangle];
  const float w = 1 - hit.u - hit.v;
  std::array<float, 4> color;
  for (int k = 0; k < 4; ++k) color[k] = w * colors_[a][k] + hit.u * colors_[b][k] + hit.v * colors_[c][k];
  return color;
}

bool ObjectRenderer::is_hole(const Hit& hit) const {
  const Material& material = materials_[triangle_materials_[hit.triangle]];
  if (material.alpha_cutoff <= 0) return false;
  float alpha = vertex_color(hit)[3];
  if (material.texture >= 0 && textures_[material.texture].has_alpha()) {
    const auto [u, v] = uv_at(hit);
    alpha *= textures_[material.texture].alpha(u, v, material.wrap);
  }
  return alpha < material.alpha_cutoff;
}

float ObjectRenderer::openness(const Vector& point, const Vector& normal, const RenderOptions& options) const {
  if (options.occlusion_samples <= 0) return 1;
  const Vector side = unit(cross(normal, std::abs(normal[0]) < 0.7F ? Vector{1, 0, 0} : Vector{0, 1, 0}));
  const Vector other = cross(normal, side);
  const auto cell = [&](int axis) { return static_cast<uint32_t>(static_cast<int32_t>(std::floor(point[axis] * 4096))); };
  int64_t open = 0;
  for (int64_t i = 0; i < options.occlusion_samples; ++i) {
    // Cosine-distributed directions, stratified over the rotation.
    const float radius = std::sqrt(hashed(cell(0), cell(1), cell(2), static_cast<uint32_t>(2 * i)));
    const float turn = (static_cast<float>(i) + hashed(cell(0), cell(1), cell(2), static_cast<uint32_t>(2 * i + 1))) /
                       static_cast<float>(options.occlusion_samples) * 2 * std::numbers::pi_v<float>;
    const float x = radius * std::cos(turn), y = radius * std::sin(turn), z = std::sqrt(std::max(0.0F, 1 - radius * radius));
    Ray ray;
    ray.origin = along(point, normal, 1e-4F);
    for (int axis = 0; axis < 3; ++axis) ray.direction[axis] = x * side[axis] + y * other[axis] + z * normal[axis];
    ray.far = static_cast<float>(options.occlusion_distance);
    open += tracer_->is_blocked(ray) ? 0 : 1;
  }
  return 0.4F + 0.6F * static_cast<float>(open) / static_cast<float>(options.occlusion_samples);
}

/// `footprint` is the world size that one sample covers at the hit, seen head-on.
ObjectRenderer::Surface ObjectRenderer::surface(const Hit& hit, const Ray& ray, float footprint) const {
  const auto& [a, b, c] = triangles_[hit.triangle];
  const Vector area = cross(subtract(positions_[b], positions_[a]), subtract(positions_[c], positions_[a]));
  Surface result;
  result.face = unit(area);
  const float facing = dot(result.face, ray.direction) / std::sqrt(dot(ray.direction, ray.direction));
  if (facing > 0) result.face = {-result.face[0], -result.face[1], -result.face[2]};

  const uint32_t index = triangle_materials_[hit.triangle];
  const Material& material = materials_[index];
  const auto own = vertex_color(hit);
  for (int k = 0; k < 3; ++k) result.color[k] = linear_colors_[index][k] * own[k];
  result.emission = linear_emissions_[index];
  result.unlit = material.unlit;
  float alpha = own[3];
  const auto texel = [&](int32_t number) {
    const TexturePyramid& texture = textures_[number];
    const float du1 = uvs_[b][0] - uvs_[a][0], dv1 = uvs_[b][1] - uvs_[a][1], du2 = uvs_[c][0] - uvs_[a][0],
                dv2 = uvs_[c][1] - uvs_[a][1];
    const float texels = std::abs(du1 * dv2 - du2 * dv1) * static_cast<float>(texture.width() * texture.height());
    const float density = std::sqrt(texels / std::max(length(area), 1e-20F));  // texels per world unit
    // Half of the slant's stretch: the full one would blur along the other direction.
    const float level = std::log2(std::max(1e-6F, density * footprint / std::sqrt(std::max(std::abs(facing), 0.05F))));
    const auto [u, v] = uv_at(hit);
    return texture.texel(u, v, level, material.wrap);
  };
  if (material.texture >= 0) {
    const auto value = texel(material.texture);
    for (int k = 0; k < 3; ++k) result.color[k] *= value[k];
    alpha *= value[3];
  }
  if (material.emission_texture >= 0) {
    const auto value = texel(material.emission_texture);
    for (int k = 0; k < 3; ++k) result.emission[k] *= value[k];
  }
  result.opacity = material.opacity * (material.alpha_blends ? alpha : 1);
  return result;
}

Vector ObjectRenderer::shade(const Surface& surface, const Hit& hit, const Ray& ray, const RenderOptions& options) const {
  const auto& [a, b, c] = triangles_[hit.triangle];
  const float w = 1 - hit.u - hit.v;
  Vector normal;
  for (int axis = 0; axis < 3; ++axis)
    normal[axis] = w * normals_[a][axis] + hit.u * normals_[b][axis] + hit.v * normals_[c][axis];
  normal = unit(normal);
  if (dot(normal, surface.face) < 0) normal = {-normal[0], -normal[1], -normal[2]};
  Vector light{1, 1, 1};
  if (!surface.unlit) {
    const float open = openness(along(ray.origin, ray.direction, hit.distance), surface.face, options);
    light = options.lighting.reflected(normal, open);
  }
  Vector color;
  for (int k = 0; k < 3; ++k) color[k] = std::min(1.0F, surface.color[k] * light[k] + surface.emission[k]);
  return color;
}

ObjectRenderer::Sample ObjectRenderer::trace(Ray ray, float footprint, const RenderOptions& options) const {
  Sample sample;
  float first = 0;
  for (int layers = 0, holes = 0; layers < kMaxLayers && holes < kMaxHoles;) {
    const auto hit = tracer_->nearest(ray);
    if (!hit) break;
    // The next surface along the ray: a step of a millionth of the distance is what float can tell apart.
    ray.near = hit->distance * (1 + 2e-6F) + 1e-7F;
    if (is_hole(*hit)) {
      ++holes;
      continue;
    }
    const Surface found = surface(*hit, ray, footprint * hit->distance);
    if (found.opacity <= 0) {
      ++holes;
      continue;
    }
    ++layers;
    const float share = (1 - sample.alpha) * found.opacity;
    const Vector color = shade(found, *hit, ray, options);
    for (int channel = 0; channel < 3; ++channel) sample.premultiplied[channel] += share * color[channel];
    if (first == 0) first = hit->distance;
    if (sample.alpha < 0.5F && sample.alpha + share >= 0.5F) sample.depth = hit->distance;
    sample.alpha += share;
    if (sample.alpha > 0.99F) break;
  }
  if (sample.depth == 0) sample.depth = first;
  return sample;
}

TracedViews ObjectRenderer::render(const Cameras& cameras, const RenderOptions& options) const {
  require(options.samples >= 1 && options.samples <= 64, "samples must be 1 to 64 per pixel side, not {}", options.samples);
  const int64_t views = cameras.count(), height = cameras.height, width = cameras.width, grid = options.samples;
  TracedViews result{at::zeros({views, 4, height, width}, at::kByte), at::zeros({views, height, width}, at::kFloat)};
  uint8_t* rgba = result.rgba.mutable_data_ptr<uint8_t>();
  float* depth = result.depth.mutable_data_ptr<float>();
  std::vector<PixelGrid> grids;
  for (int64_t view = 0; view < views; ++view) grids.emplace_back(cameras, view);
  std::atomic<bool> late = false;
#pragma omp parallel for schedule(dynamic, 4)
  for (int64_t row = 0; row < views * height; ++row) {
    if (late) continue;
    if (options.deadline && std::chrono::steady_clock::now() > *options.deadline) late = true;
    const int64_t view = row / height, y = row % height;
    const PixelGrid& camera = grids[view];
    const float footprint = 1 / (camera.fy * static_cast<float>(grid));
    for (int64_t x = 0; x < width; ++x) {
      Vector color{};
      float alpha = 0, distance = 0;
      int64_t hits = 0;
      for (int64_t s = 0; s < grid * grid; ++s) {
        const float sub_x = (static_cast<float>(s % grid) + 0.5F) / static_cast<float>(grid);
        const float sub_y = (static_cast<float>(s / grid) + 0.5F) / static_cast<float>(grid);
        const Sample sample = trace(camera.ray(static_cast<float>(x) + sub_x, static_cast<float>(y) + sub_y), footprint, options);
        if (sample.alpha <= 0) continue;
        for (int channel = 0; channel < 3; ++channel) color[channel] += sample.premultiplied[channel];
        alpha += sample.alpha;
        distance += sample.depth;
        ++hits;
      }
      if (hits == 0) continue;
      const auto to_byte = [](float value) { return static_cast<uint8_t>(std::lround(std::clamp(value, 0.0F, 1.0F) * 255)); };
      uint8_t* pixel = rgba + view * 4 * height * width + y * width + x;
      for (int channel = 0; channel < 3; ++channel)
        pixel[channel * height * width] = to_byte(linear_to_srgb(color[channel] / alpha));
      pixel[3 * height * width] = to_byte(alpha / static_cast<float>(grid * grid));
      depth[row * width + x] = distance / static_cast<float>(hits);
    }
  }
  if (late) throw DeadlinePassed("its views are not done in time");
  return result;
}

ObjectViews render_views(const ObjectRenderer& renderer, const ViewPlan& plan, const RenderOptions& options,
                         const at::Generator& generator) {
  // 2^28 pixels of colour and depth are 2 GB, and what one sample of a shard may hold.
  constexpr int64_t most_views = 4096, most_pixels = int64_t{1} << 28;
  const auto within = [](int64_t views) { return views >= 0 && views <= most_views; };
  require(plan.size >= 1 && plan.size <= 4096 && within(plan.orbit_views) && within(plan.random_views) &&
              plan.orbit_views + plan.random_views >= 1 &&
              plan.orbit_views + plan.random_views <= most_pixels / (plan.size * plan.size),
          "views of {} pixels, {} of an orbit and {} random ones cannot be rendered", plan.size, plan.orbit_views,
          plan.random_views);
  std::vector<Cameras> parts;
  if (plan.orbit_views > 0) parts.push_back(orbit_cameras(plan.orbit_views, plan.orbit_elevation_degrees, plan.size, plan.lens));
  if (plan.random_views > 0)
    parts.push_back(random_cameras(plan.random_views, plan.min_random_elevation_degrees, plan.max_random_elevation_degrees,
                                   plan.size, generator, plan.lens));
  ObjectViews views;
  views.cameras = parts.size() == 1 ? parts.front() : concatenate(parts);
  TracedViews rendering = renderer.render(views.cameras, options);
  if (!rendering.rgba.select(1, 3).any().item<bool>())
    throw EmptyObject(fmt::format("nothing of the object is seen in any of its {} views (are all of its materials transparent?)",
                                  views.cameras.count()));
  views.rgba = std::move(rendering.rgba);
  views.depth = std::move(rendering.depth);
  views.orbit_views = plan.orbit_views;
  views.elevation_degrees = plan.orbit_elevation_degrees;
  return views;
}

}  // namespace gsv3d
