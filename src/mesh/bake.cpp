#include "mesh/bake.h"

#include <ATen/Parallel.h>

#include "core/cancel.h"
#include "core/error.h"
#include "mesh/depth_buffer.h"
#include "mesh/projection.h"

namespace gsv3d {
namespace {

constexpr uint32_t kNoTriangle = ~0U;
constexpr float kHiddenWeight = 1e-5F;              ///< of views that do not see the point: they count only where no other does
constexpr float kGrazing = 0.2F, kFrontal = 0.45F;  ///< cosines between which a photo takes over from the views
constexpr float kInsidePhoto = 0.95F;               ///< alpha above which a photo's pixel shows nothing but the object

/// Barycentric weights of the second and third corner.
struct Place {
  float b, c;
};

Place barycentric(const std::array<Vector2, 3>& p, float x, float y) {
  const float area = (p[1].x - p[0].x) * (p[2].y - p[0].y) - (p[1].y - p[0].y) * (p[2].x - p[0].x);
  if (std::abs(area) < 1e-12F) return {1e30F, 1e30F};
  return {((x - p[0].x) * (p[2].y - p[0].y) - (y - p[0].y) * (p[2].x - p[0].x)) / area,
          ((p[1].x - p[0].x) * (y - p[0].y) - (p[1].y - p[0].y) * (x - p[0].x)) / area};
}

std::array<Vector2, 3> texel_corners(const Mesh& mesh, uint32_t triangle, int64_t size) {
  std::array<Vector2, 3> corners;
  for (int i = 0; i < 3; ++i) {
    const Vector2 uv = mesh.uvs[mesh.triangles[triangle][i]];
    corners[i] = {uv.x * static_cast<float>(size), uv.y * static_cast<float>(size)};
  }
  return corners;
}

/// The triangle that covers each texel's centre.
std::vector<uint32_t> texel_owners(const Mesh& mesh, int64_t size) {
  constexpr float kSlack = -1e-4F;
  std::vector<uint32_t> owners(size * size, kNoTriangle);
  for (uint32_t t = 0; t < mesh.triangles.size(); ++t) {
    const std::array<Vector2, 3> p = texel_corners(mesh, t, size);
    const auto [left, right] = std::minmax({p[0].x, p[1].x, p[2].x});
    const auto [top, bottom] = std::minmax({p[0].y, p[1].y, p[2].y});
    const auto cut = [&](float edge) { return std::clamp<int64_t>(static_cast<int64_t>(edge), 0, size - 1); };
    for (int64_t row = cut(top); row <= cut(bottom); ++row) {
      for (int64_t column = cut(left); column <= cut(right); ++column) {
        const Place place = barycentric(p, static_cast<float>(column) + 0.5F, static_cast<float>(row) + 0.5F);
        if (place.b >= kSlack && place.c >= kSlack && place.b + place.c <= 1 - kSlack) owners[row * size + column] = t;
      }
    }
  }
  return owners;
}

struct Pixel {
  std::array<float, 4> value{};  ///< RGB times the last, which is a weight
  void add(const std::array<float, 4>& other, float factor) {
    for (int i = 0; i < 4; ++i) value[i] += factor * other[i];
  }
  /// The colour of `other` instead, as far as `share` says.
  void lay_over(const std::array<float, 4>& other, float share) {
    const float own = value[3] > 0 ? (1 - share) / value[3] : 0;
    for (int i = 0; i < 4; ++i) value[i] = own * value[i] + share * other[i] / other[3];
  }
};

class Baker {
 public:
  Baker(const SurfaceViews& views, const Mesh& mesh)
      : color_(views.color.contiguous()),
        depth_(mesh_depth(mesh, views.cameras)),
        projections_(camera_projections(views.cameras)),
        width_(views.cameras.width),
        height_(views.cameras.height) {
    const Tensor positions = views.cameras.positions().contiguous();
    const Tensor focal = views.cameras.intrinsics.select(1, 0).select(1, 0).contiguous();
    for (int64_t c = 0; c < positions.size(0); ++c) {
      const float* p = positions.data_ptr<float>() + 3 * c;
      eyes_.push_back({p[0], p[1], p[2]});
      focal_.push_back(focal.data_ptr<float>()[c]);
    }
  }

  /// RGB times weight, and weight, of a point on the surface.
  Pixel color(Vector3 point, Vector3 normal) const {
    Pixel sum;
    for (size_t c = 0; c < projections_.size(); ++c) {
      const float cosine = dot(normalized(eyes_[c] - point), normal);
      const Vector3 place = projections_[c].apply(point);
      if (!is_inside(place)) continue;
      const bool visible = cosine > 0.05F && is_visible(c, place, cosine);
      const float square = cosine * cosine;
      sum.add(sample(c, place), visible ? square * square : kHiddenWeight * std::max(cosine, 0.02F));
    }
    return sum;
  }

  /// How little from the side the first view, a photo, sees a point: the cosine, and 0 where it does not show it.
  float frontality(Vector3 point, Vector3 normal) const {
    const float cosine = dot(normalized(eyes_[0] - point), normal);
    const Vector3 place = projections_[0].apply(point);
    if (cosine <= kGrazing || !is_inside(place) || !is_visible(0, place, cosine)) return 0;
    return sample(0, place)[3] > kInsidePhoto ? cosine : 0;
  }
  /// Lays the photo over what a pixel has, where frontality() is above 0.
  void lay_photo_over(Pixel& pixel, Vector3 point, float cosine) const {
    pixel.lay_over(sample(0, projections_[0].apply(point)), std::min(1.0F, (cosine - kGrazing) / (kFrontal - kGrazing)));
  }

 private:
  bool is_inside(Vector3 place) const {
    return place.z >= kNearestDepth && place.x >= 0.5F && place.y >= 0.5F && place.x <= static_cast<float>(width_) - 0.5F &&
           place.y <= static_cast<float>(height_) - 0.5F;
  }
  bool is_visible(size_t view, Vector3 place, float cosine) const {
    const float seen =
        depth_.data_ptr<float>()[(view * height_ + static_cast<int64_t>(place.y)) * width_ + static_cast<int64_t>(place.x)];
    // Within one pixel the surface may run away from the camera by its slope.
    const float pixel = place.z / focal_[view];
    return seen > 0 && place.z < seen + pixel * (1 + 1 / cosine);
  }

  /// Bilinear; colours are multiplied by alpha, so nothing of the background is mixed in.
  std::array<float, 4> sample(size_t view, Vector3 place) const {
    const float x = place.x - 0.5F, y = place.y - 0.5F;
    const auto left = std::clamp<int64_t>(static_cast<int64_t>(x), 0, width_ - 2);
    const auto top = std::clamp<int64_t>(static_cast<int64_t>(y), 0, height_ - 2);
    const float s = x - static_cast<float>(left), t = y - static_cast<float>(top);
    const float* above = color_.data_ptr<float>() + ((view * height_ + top) * width_ + left) * 4;
    const float* below = above + width_ * 4;
    std::array<float, 4> result;
    for (int i = 0; i < 4; ++i)
      result[i] = (1 - t) * ((1 - s) * above[i] + s * above[4 + i]) + t * ((1 - s) * below[i] + s * below[4 + i]);
    return result;
  }

  Tensor color_, depth_;
  std::vector<Projection> projections_;
  std::vector<Vector3> eyes_;
  std::vector<float> focal_;
  int64_t width_, height_;
};

/// A photo as the only one of a set of views; no depth of its own is known.
SurfaceViews as_view(const PosedPhoto& photo) {
  const int64_t height = photo.camera.height, width = photo.camera.width;
  require(photo.rgba.sizes() == at::IntArrayRef({4, height, width}) && photo.camera.count() == 1,
          "bake_texture: the photo must be [4, {}, {}], of one camera", height, width);
  const Tensor alpha = photo.rgba.narrow(0, 3, 1);
  const Tensor color = at::cat({photo.rgba.narrow(0, 0, 3) * alpha, alpha}).permute({1, 2, 0}).unsqueeze(0);
  return {color.contiguous(), {}, photo.camera};
}

/// Of several photos the one that sees the point least from the side, if any does.
void lay_best_photo_over(Pixel& pixel, const std::vector<Baker>& photographers, Vector3 point, Vector3 normal) {
  const Baker* best = nullptr;
  float most = 0;
  for (const Baker& photographer : photographers)
    if (const float cosine = photographer.frontality(point, normal); cosine > most) most = cosine, best = &photographer;
  if (best) best->lay_photo_over(pixel, point, most);
}

/// Gives pixels without weight the colours around them: means of ever larger squares (the pull and push of Gortler et al. 1996).
void fill_gaps(std::vector<Pixel>& pixels, int64_t size) {
  if (size <= 1) return;
  const int64_t half = (size + 1) / 2;
  std::vector<Pixel> coarse(half * half);
  for (int64_t y = 0; y < size; ++y) {
    for (int64_t x = 0; x < size; ++x) {
      const Pixel& pixel = pixels[y * size + x];
      if (pixel.value[3] > 0) coarse[(y / 2) * half + x / 2].add(pixel.value, 1 / pixel.value[3]);
    }
  }
  fill_gaps(coarse, half);
  for (int64_t y = 0; y < size; ++y) {
    for (int64_t x = 0; x < size; ++x) {
      Pixel& pixel = pixels[y * size + x];
      if (pixel.value[3] <= 0) pixel = coarse[(y / 2) * half + x / 2];
    }
  }
}

Image to_texture(const std::vector<Pixel>& pixels, int64_t size) {
  Image image = blank_image(size, size, 128, 128, 128);
  for (size_t i = 0; i < pixels.size(); ++i) {
    const auto& value = pixels[i].value;
    if (value[3] <= 0) continue;
    for (int k = 0; k < 3; ++k)
      image.pixels[4 * i + k] = static_cast<uint8_t>(std::lround(255 * std::clamp(value[k] / value[3], 0.0F, 1.0F)));
  }
  return image;
}

}  // namespace

void bake_texture(Mesh& mesh, const SurfaceViews& views, int64_t texture_size, const PercentProgress& on_progress,
                  const std::vector<PosedPhoto>& photos) {
  require(mesh.uvs.size() == mesh.positions.size() && mesh.normals.size() == mesh.positions.size(),
          "bake_texture: the mesh needs normals and texture coordinates");
  const std::vector<uint32_t> owners = texel_owners(mesh, texture_size);
  const Baker baker(views, mesh);
  std::vector<Baker> photographers;
  for (const PosedPhoto& photo : photos) photographers.emplace_back(as_view(photo), mesh);
  std::vector<Pixel> pixels(owners.size());
  const auto bake = [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      if (owners[i] == kNoTriangle) continue;
      const auto [b, c] = barycentric(texel_corners(mesh, owners[i], texture_size), static_cast<float>(i % texture_size) + 0.5F,
                                      static_cast<float>(i / texture_size) + 0.5F);
      const auto& corners = mesh.triangles[owners[i]];
      const auto mix = [&, b = b, c = c](const std::vector<Vector3>& values) {
        return values[corners[0]] * (1 - b - c) + values[corners[1]] * b + values[corners[2]] * c;
      };
      const Vector3 point = mix(mesh.positions), normal = normalized(mix(mesh.normals));
      pixels[i] = baker.color(point, normal);
      lay_best_photo_over(pixels[i], photographers, point, normal);
    }
  };
  // In bands of rows, so that there is something to report between them.
  const int64_t band = std::max<int64_t>(1, texture_size / 50) * texture_size, count = texture_size * texture_size;
  for (int64_t begin = 0; begin < count; begin += band) {
    throw_if_cancelled();
    const int64_t end = std::min(begin + band, count);
    at::parallel_for(begin, end, 4096, bake);
    if (on_progress) on_progress(100 * end / count);
  }
  fill_gaps(pixels, texture_size);
  mesh.texture = to_texture(pixels, texture_size);
}

}  // namespace gsv3d
