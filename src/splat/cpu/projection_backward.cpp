// Gradients of splats → gradients of Gaussians and cameras: the chain rule of projection_forward.cpp, read from the end.
#include <cstring>

#include "splat/cpu/projection.h"
#include "splat/cpu/projection_terms.h"
#include "splat/cpu/spherical_harmonics.h"
#include "splat/cpu/stored_color.h"

namespace gsv3d::splat_cpu {
namespace {

/// Gradient of one Gaussian, collected over its scene's views.
struct GaussianGradient {
  float mean[3] = {}, opacity = 0;
  float covariance[9] = {};  ///< dL/dΣ, full and symmetric
};

/// Gradient of one camera: the 3×3 block, then the translation. In double because very many Gaussians add to it.
struct ViewGradient {
  double rotation[9] = {}, translation[3] = {};
};

SplatMoments sum_moments(const SplatMoments* moments, int32_t begin, int32_t end) {
  SplatMoments sum = {};
  auto* total = &sum.red;
  for (int32_t i = begin; i < end; ++i) {
    const auto* part = &moments[i].red;
    for (int k = 0; k < kMomentFloats; ++k) total[k] += part[k];
  }
  return sum;
}

bool is_zero(const SplatMoments& sum) {
  return sum.red == 0 && sum.green == 0 && sum.blue == 0 && sum.depth == 0 && sum.s == 0 && sum.sx == 0 && sum.sy == 0 &&
         sum.sxx == 0 && sum.sxy == 0 && sum.syy == 0;
}

/// dL/d(2D covariance before the blur) as [[xx, xy], [xy, yy]].
struct CovarianceGradient {
  float xx, xy, yy;
};

/// The conic is the inverse of the blurred covariance, so dL/dΣ = −Q G Q. `v_compensation` adds the antialiasing factor's part.
CovarianceGradient covariance_gradient(const Splat& s, const SplatMoments& sum, const ProjectionTerms& t, float v_compensation) {
  const float g00 = 0.5f * sum.sxx, g01 = 0.5f * sum.sxy, g11 = 0.5f * sum.syy;
  const float h00 = s.a * g00 + s.b * g01, h01 = s.a * g01 + s.b * g11, h10 = s.b * g00 + s.c * g01, h11 = s.b * g01 + s.c * g11;
  CovarianceGradient v = {-(h00 * s.a + h01 * s.b), -(h00 * s.b + h01 * s.c), -(h10 * s.b + h11 * s.c)};
  if (v_compensation != 0 && t.compensation > 0) {
    // compensation² = D0 / D; the off-diagonal entry counts twice in D, and half of its derivative belongs to each place.
    const double v_ratio = 0.5 * v_compensation / t.compensation / t.determinant, ratio = t.determinant_before / t.determinant;
    v.xx += static_cast<float>(v_ratio * (t.cov_yy - ratio * (t.cov_yy + kBlur)));
    v.yy += static_cast<float>(v_ratio * (t.cov_xx - ratio * (t.cov_xx + kBlur)));
    v.xy += static_cast<float>(v_ratio * (ratio - 1) * t.cov_xy);
  }
  return v;
}

/// Σ2D = T Σ Tᵀ with T = J W: adds to dL/dΣ and dL/dW, and adds the Jacobian's part to dL/d(point in camera axes).
void shape_backward(const View& view, const ProjectionTerms& t, const float* covariance, const CovarianceGradient& v,
                    float* v_covariance, float* v_point, ViewGradient* v_view) {
  const float* c = covariance;
  const float full[9] = {c[0], c[1], c[2], c[1], c[3], c[4], c[2], c[4], c[5]};
  const float* p = t.t;
  const float* q = t.t + 3;
  float vt[6];
  for (int i = 0; i < 3; ++i) {
    const float sp = full[3 * i] * p[0] + full[3 * i + 1] * p[1] + full[3 * i + 2] * p[2];
    const float sq = full[3 * i] * q[0] + full[3 * i + 1] * q[1] + full[3 * i + 2] * q[2];
    vt[i] = 2 * (v.xx * sp + v.xy * sq);
    vt[3 + i] = 2 * (v.xy * sp + v.yy * sq);
    for (int j = 0; j < 3; ++j)
      v_covariance[3 * i + j] += p[i] * (v.xx * p[j] + v.xy * q[j]) + q[i] * (v.xy * p[j] + v.yy * q[j]);
  }
  // J = [[fx/z, 0, -fx·u/z], [0, fy/z, -fy·v/z]] with the limited slopes u, v.
  const float jx = view.fx * t.inverse_z, jy = view.fy * t.inverse_z;
  const float* w = view.rotation;
  const float v00 = vt[0] * w[0] + vt[1] * w[1] + vt[2] * w[2], v02 = vt[0] * w[6] + vt[1] * w[7] + vt[2] * w[8];
  const float v11 = vt[3] * w[3] + vt[4] * w[4] + vt[5] * w[5], v12 = vt[3] * w[6] + vt[4] * w[7] + vt[5] * w[8];
  float v_z = -t.inverse_z * (jx * (v00 - t.slope_x * v02) + jy * (v11 - t.slope_y * v12));
  if (t.inside_x) {
    v_point[0] += -jx * v02 * t.inverse_z;
    v_z += jx * v02 * t.slope_x * t.inverse_z;
  }
  if (t.inside_y) {
    v_point[1] += -jy * v12 * t.inverse_z;
    v_z += jy * v12 * t.slope_y * t.inverse_z;
  }
  v_point[2] += v_z;
  if (!v_view) return;
  for (int i = 0; i < 3; ++i) {
    v_view->rotation[i] += jx * vt[i];
    v_view->rotation[3 + i] += jy * vt[3 + i];
    v_view->rotation[6 + i] += -jx * t.slope_x * vt[i] - jy * t.slope_y * vt[3 + i];
  }
}

/// Colour → coefficients, mean and camera centre.
void color_backward(const GaussianArrays& gaussians, const View& view, int64_t g, const float* sh, const Splat& splat,
                    const SplatMoments& sum, float* v_colors, float* v_mean, ViewGradient* v_view) {
  const int count = gaussians.sh_count;
  if (count == 0) {
    for (int c = 0; c < 3; ++c) v_colors[c] += (&sum.red)[c];
    return;
  }
  float v_rgb[3];  // nothing passes where SH + 0.5 was cut at 0
  for (int c = 0; c < 3; ++c) v_rgb[c] = (&splat.red)[c] > 0 ? (&sum.red)[c] : 0;
  float d[3], basis[kMaxShCount], weights[kMaxShCount];
  for (int i = 0; i < 3; ++i) d[i] = gaussians.means[3 * g + i] - view.position[i];
  const float inverse = 1 / std::max(std::sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]), 1e-12f);
  for (float& component : d) component *= inverse;
  sh_basis(d[0], d[1], d[2], count, basis);
  for (int k = 0; k < count; ++k) {
    weights[k] = sh[3 * k] * v_rgb[0] + sh[3 * k + 1] * v_rgb[1] + sh[3 * k + 2] * v_rgb[2];
    for (int c = 0; c < 3; ++c) v_colors[3 * k + c] += basis[k] * v_rgb[c];
  }
  if (count == 1) return;
  float v_direction[3];
  sh_basis_gradient(d[0], d[1], d[2], count, weights, v_direction);
  const float along = v_direction[0] * d[0] + v_direction[1] * d[1] + v_direction[2] * d[2];
  float across[3];
  for (int i = 0; i < 3; ++i) v_mean[i] += across[i] = (v_direction[i] - along * d[i]) * inverse;
  if (!v_view) return;
  // The camera centre is −W⁻¹ t: d(centre) = −W⁻¹ (dW · centre + dt).
  for (int i = 0; i < 3; ++i) {
    double v = 0;
    for (int j = 0; j < 3; ++j) v += view.inverse_rotation[3 * j + i] * across[j];
    v_view->translation[i] += v;
    for (int j = 0; j < 3; ++j) v_view->rotation[3 * i + j] += v * view.position[j];
  }
}

/// One Gaussian in one view.
void view_backward(const ProjectionParameters& in, const View& view, int64_t g, const ShapeTerms& shape, const float* sh,
                   const Splat& splat, const SplatMoments& sum, float* v_colors, GaussianGradient& out, ViewGradient* v_view) {
  const float* mean = in.gaussians.means + 3 * g;
  float point[3];
  camera_point(view, mean, point);
  const ProjectionTerms t = projection_terms(view, in.grid, point, shape.covariance);
  const float v_opacity = -sum.s / splat.opacity;
  const float v_x = -(splat.a * sum.sx + splat.b * sum.sy), v_y = -(splat.b * sum.sx + splat.c * sum.sy);
  out.opacity += v_opacity * (in.antialiased ? t.compensation : 1);
  const auto v_covariance = covariance_gradient(splat, sum, t, in.antialiased ? v_opacity * in.gaussians.opacities[g] : 0);

  const float jx = view.fx * t.inverse_z, jy = view.fy * t.inverse_z;
  float v_point[3] = {jx * v_x, jy * v_y, sum.depth - (jx * v_x * point[0] + jy * v_y * point[1]) * t.inverse_z};
  shape_backward(view, t, shape.covariance, v_covariance, out.covariance, v_point, v_view);
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) out.mean[j] += view.rotation[3 * i + j] * v_point[i];
  if (v_view) {
    for (int i = 0; i < 3; ++i) {
      v_view->translation[i] += v_point[i];
      for (int j = 0; j < 3; ++j) v_view->rotation[3 * i + j] += v_point[i] * mean[j];
    }
  }
  color_backward(in.gaussians, view, g, sh, splat, sum, v_colors, out.mean, v_view);
}

/// dL/dΣ → scales and quaternion.
void covariance_backward(const ShapeTerms& shape, const float* scale, const float* v_covariance, float* v_scale, float* v_quat) {
  float v_rotation[9];
  for (int j = 0; j < 3; ++j) v_scale[j] = 0;
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) {
      float v_m = 0;
      for (int k = 0; k < 3; ++k) v_m += 2 * v_covariance[3 * i + k] * shape.m[3 * k + j];
      v_scale[j] += shape.rotation[3 * i + j] * v_m;
      v_rotation[3 * i + j] = v_m * scale[j];
    }
  }
  const float w = shape.quat[0], x = shape.quat[1], y = shape.quat[2], z = shape.quat[3];
  const float* v = v_rotation;
  const float v_unit[4] = {2 * (x * (v[7] - v[5]) + y * (v[2] - v[6]) + z * (v[3] - v[1])),
                           2 * (-2 * x * (v[4] + v[8]) + y * (v[1] + v[3]) + z * (v[2] + v[6]) + w * (v[7] - v[5])),
                           2 * (x * (v[1] + v[3]) - 2 * y * (v[0] + v[8]) + z * (v[5] + v[7]) + w * (v[2] - v[6])),
                           2 * (x * (v[2] + v[6]) + y * (v[5] + v[7]) - 2 * z * (v[0] + v[4]) + w * (v[3] - v[1]))};
  const float along = v_unit[0] * w + v_unit[1] * x + v_unit[2] * y + v_unit[3] * z;
  for (int i = 0; i < 4; ++i) v_quat[i] = (v_unit[i] - along * shape.quat[i]) * shape.inverse_norm;
}

/// All views of one Gaussian, in order, so that the sums do not depend on threads.
void gaussian_backward(const ProjectionParameters& in, const SceneRange& scene, int64_t g, const Splat* splats,
                       const int32_t* first_slot, const SplatMoments* moments, const ProjectionGradients& out,
                       ViewGradient* v_views) {
  const int64_t color_floats = 3 * std::max(in.gaussians.sh_count, 1);
  float* v_colors = out.colors + g * color_floats;
  std::memset(v_colors, 0, sizeof(float) * color_floats);
  const StoredColor color(in.gaussians, g);
  GaussianGradient sum;
  bool seen = false;
  ShapeTerms shape;
  for (int64_t view = 0; view < scene.views(); ++view) {
    const int64_t i = scene.splat_begin + view * scene.gaussians() + (g - scene.gaussian_begin);
    if (first_slot[i] == first_slot[i + 1]) continue;
    const auto total = sum_moments(moments, first_slot[i], first_slot[i + 1]);
    if (is_zero(total)) continue;
    if (!seen) shape = shape_terms(in.gaussians.quats + 4 * g, in.gaussians.scales + 3 * g);
    seen = true;
    view_backward(in, in.views[scene.view_begin + view], g, shape, color.values(), splats[i], total, v_colors, sum,
                  v_views ? v_views + view : nullptr);
  }
  std::memcpy(out.means + 3 * g, sum.mean, sizeof(sum.mean));
  out.opacities[g] = sum.opacity;
  if (seen) {
    covariance_backward(shape, in.gaussians.scales + 3 * g, sum.covariance, out.scales + 3 * g, out.quats + 4 * g);
  } else {
    std::memset(out.scales + 3 * g, 0, sizeof(float) * 3);
    std::memset(out.quats + 4 * g, 0, sizeof(float) * 4);
  }
}

int64_t most_views(const ProjectionParameters& in) {
  int64_t most = 0;
  for (int64_t i = 0; i < in.scene_count; ++i) most = std::max(most, in.scenes[i].views());
  return most;
}

/// Adds up what the chunks of a scene gave to each of its views, in order.
void sum_view_gradients(const ProjectionParameters& in, const std::vector<GaussianChunk>& chunks, const ViewGradient* partial,
                        int64_t stride, float* world_to_cameras) {
  size_t begin = 0;
  for (int64_t s = 0; s < in.scene_count; ++s) {
    size_t end = begin;
    while (end < chunks.size() && chunks[end].scene == s) ++end;
    for (int64_t view = 0; view < in.scenes[s].views(); ++view) {
      ViewGradient sum;
      for (size_t i = begin; i < end; ++i) {
        const auto& part = partial[static_cast<int64_t>(i) * stride + view];
        for (int k = 0; k < 9; ++k) sum.rotation[k] += part.rotation[k];
        for (int k = 0; k < 3; ++k) sum.translation[k] += part.translation[k];
      }
      float* out = world_to_cameras + 16 * (in.scenes[s].view_begin + view);
      for (int i = 0; i < 3; ++i) {
        for (int j = 0; j < 3; ++j) out[4 * i + j] = static_cast<float>(sum.rotation[3 * i + j]);
        out[4 * i + 3] = static_cast<float>(sum.translation[i]);
      }
      std::fill(out + 12, out + 16, 0.0f);
    }
    begin = end;
  }
}

}  // namespace

int64_t project_backward_scratch(const ProjectionParameters& in) {
  const auto chunks = static_cast<int64_t>(gaussian_chunks(in.scenes, in.scene_count).size());
  return chunks * most_views(in) * static_cast<int64_t>(sizeof(ViewGradient) / sizeof(double));
}

void project_backward(const ProjectionParameters& in, const Splat* splats, const int32_t* first_slot, const SplatMoments* moments,
                      const ProjectionGradients& out) {
  const auto chunks = gaussian_chunks(in.scenes, in.scene_count);
  const auto chunk_count = static_cast<int64_t>(chunks.size()), stride = most_views(in);
  auto* partial = out.world_to_cameras ? reinterpret_cast<ViewGradient*>(out.scratch) : nullptr;
#pragma omp parallel for schedule(dynamic) num_threads(in.threads)
  for (int64_t i = 0; i < chunk_count; ++i) {
    ViewGradient* v_views = partial ? partial + i * stride : nullptr;
    if (v_views) std::fill(v_views, v_views + stride, ViewGradient{});
    for (int64_t g = chunks[i].begin; g < chunks[i].end; ++g)
      gaussian_backward(in, in.scenes[chunks[i].scene], g, splats, first_slot, moments, out, v_views);
  }
  if (out.world_to_cameras) sum_view_gradients(in, chunks, partial, stride, out.world_to_cameras);
}

}  // namespace gsv3d::splat_cpu
