#include "rasterizer/rasterizer_reference.h"

#include "core/error.h"

namespace gsv3d {
namespace {

/// Rotation matrices [G, 3, 3] of quaternions of any length.
Tensor rotation_matrices(const Tensor& quats) {
  const Tensor unit = quats / quats.norm(2, 1, true).clamp_min(1e-12);
  const auto q = unit.unbind(1);
  const Tensor &w = q[0], &x = q[1], &y = q[2], &z = q[3];
  return at::stack(
             {1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y), 2 * (x * y + w * z), 1 - 2 * (x * x + z * z),
              2 * (y * z - w * x), 2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)},
             1)
      .view({-1, 3, 3});
}

/// Spherical harmonics basis [G, count] of unit directions [G, 3].
Tensor sh_basis(const Tensor& directions, int64_t count) {
  const auto d = directions.unbind(1);
  const Tensor &x = d[0], &y = d[1], &z = d[2];
  const Tensor xx = x * x, yy = y * y, zz = z * z;
  std::vector<Tensor> basis = {at::full_like(x, 0.28209479177387814)};
  if (count >= 4) {
    const double c = 0.4886025119029199;
    basis.insert(basis.end(), {-c * y, c * z, -c * x});
  }
  if (count >= 9) {
    const double c = 1.0925484305920792;
    basis.insert(basis.end(), {c * x * y, -c * y * z, 0.31539156525252005 * (2 * zz - xx - yy), -c * x * z, c / 2 * (xx - yy)});
  }
  if (count >= 16) {
    basis.insert(basis.end(), {-0.5900435899266435 * y * (3 * xx - yy), 2.890611442640554 * x * y * z,
                               -0.4570457994644658 * y * (4 * zz - xx - yy), 0.3731763325901154 * z * (2 * zz - 3 * xx - 3 * yy),
                               -0.4570457994644658 * x * (4 * zz - xx - yy), 1.445305721320277 * z * (xx - yy),
                               -0.5900435899266435 * x * (xx - 3 * yy)});
  }
  return at::stack(basis, 1);
}

/// The Gaussians that one camera sees, nearest first.
struct Projected {
  Tensor means, conics, opacities, colors, depths;  ///< [n, 2], [n, 3], [n], [n, 3], [n]
};

/// J of the perspective projection [n, 2, 3] at points [n, 3], with its slopes limited near the edge of the image.
Tensor jacobians(const Tensor& points, double fx, double fy, double cx, double cy, double width, double height) {
  const Tensor z = points.select(1, 2);
  const Tensor u = (points.select(1, 0) / z).clamp(-(cx / fx + 0.15 * width / fx), (width - cx) / fx + 0.15 * width / fx);
  const Tensor v = (points.select(1, 1) / z).clamp(-(cy / fy + 0.15 * height / fy), (height - cy) / fy + 0.15 * height / fy);
  const Tensor zero = at::zeros_like(z);
  return at::stack({fx / z, zero, -fx * u / z, zero, fy / z, -fy * v / z}, 1).view({-1, 2, 3});
}

Tensor colors_towards(const RasterizeScene& scene, const Tensor& index, const Tensor& world_to_camera) {
  const Tensor stored = scene.color().to(scene.gaussians.means.scalar_type());
  if (scene.colors.defined()) return stored.index_select(0, index);
  const Tensor centre = at::linalg_inv(world_to_camera).slice(0, 0, 3).select(1, 3);
  const Tensor offset = scene.gaussians.means.index_select(0, index) - centre;
  const Tensor directions = offset / offset.norm(2, 1, true).clamp_min(1e-12);
  const Tensor basis = sh_basis(directions, stored.size(1));
  return ((basis.unsqueeze(2) * stored.index_select(0, index)).sum(1) + 0.5).clamp_min(0);
}

Projected project(const RasterizeScene& scene, int64_t camera, const RasterizeOptions& options) {
  const auto& g = scene.gaussians;
  const Tensor w2c = scene.cameras.world_to_camera[camera], k = scene.cameras.intrinsics[camera].to(at::kDouble);
  const double fx = k[0][0].item<double>(), fy = k[1][1].item<double>(), cx = k[0][2].item<double>(), cy = k[1][2].item<double>();
  const Tensor rotation = w2c.slice(0, 0, 3).slice(1, 0, 3);
  const Tensor all_points = at::matmul(g.means, rotation.t()) + w2c.slice(0, 0, 3).select(1, 3);
  const Tensor all_depths = all_points.select(1, 2);
  const Tensor seen = ((all_depths >= options.near_plane) & (all_depths <= options.far_plane)).nonzero().squeeze(1);
  const Tensor order =
      std::get<1>(all_depths.detach().index_select(0, seen).to(at::kFloat).sort(/*stable=*/true, 0, /*descending=*/false));
  const Tensor index = seen.index_select(0, order);

  const Tensor points = all_points.index_select(0, index);
  const Tensor m = rotation_matrices(g.quats.index_select(0, index)) * g.scales.index_select(0, index).unsqueeze(1);
  const Tensor t =
      at::matmul(jacobians(points, fx, fy, cx, cy, double(scene.cameras.width), double(scene.cameras.height)), rotation);
  const Tensor tm = at::matmul(t, m), covariance = at::matmul(tm, tm.transpose(1, 2));
  const Tensor xx = covariance.select(1, 0).select(1, 0), xy = covariance.select(1, 0).select(1, 1),
               yy = covariance.select(1, 1).select(1, 1);
  const Tensor determinant = (xx + 0.3) * (yy + 0.3) - xy * xy;

  Projected out;
  out.depths = points.select(1, 2);
  out.means = at::stack({fx * points.select(1, 0) / out.depths + cx, fy * points.select(1, 1) / out.depths + cy}, 1);
  out.conics = at::stack({(yy + 0.3) / determinant, -xy / determinant, (xx + 0.3) / determinant}, 1);
  out.opacities = g.opacities.index_select(0, index);
  // The floor keeps the square root's gradient finite where a flat Gaussian is seen edge-on.
  if (options.antialiased) out.opacities = out.opacities * ((xx * yy - xy * xy) / determinant).clamp_min(1e-20).sqrt();
  out.colors = colors_towards(scene, index, w2c);
  return out;
}

/// [H·W, 3], [H·W], [H·W], [H·W]
struct Blended {
  Tensor rgb, alpha, depth, median_depth;
};

/// z of the first splat of each pixel behind which the transmittance [H·W, n] is below a half, or 0.
Tensor median_depths(const Tensor& transmittance, const Tensor& depths) {
  if (depths.size(0) == 0) return at::zeros({transmittance.size(0)}, transmittance.options());
  const Tensor below = transmittance < 0.5;
  return at::where(below.any(1), depths.index_select(0, below.to(at::kInt).argmax(1)), at::zeros({}, depths.options())).detach();
}

Blended blend(const Projected& p, int64_t width, int64_t height, const Tensor& background) {
  const auto options = p.means.options().requires_grad(false);
  const Tensor px = (at::arange(width, options) + 0.5).repeat({height}),
               py = (at::arange(height, options) + 0.5).repeat_interleave(width);
  const Tensor dx = px.unsqueeze(1) - p.means.select(1, 0), dy = py.unsqueeze(1) - p.means.select(1, 1);
  const auto conic = p.conics.unbind(1);
  const Tensor sigma = 0.5 * (conic[0] * dx * dx + conic[2] * dy * dy) + conic[1] * dx * dy;
  Tensor alpha = (p.opacities * at::exp(-sigma)).clamp_max(0.999);
  alpha = at::where((sigma >= 0) & (alpha >= 1.0 / 255), alpha, at::zeros({}, options));
  // The transmittance only falls, so where it would fall to 1e-4 or below, everything behind is cut as well.
  const Tensor alive = at::exp(at::log1p(-alpha).cumsum(1)).detach() > 1e-4;
  alpha = at::where(alive, alpha, at::zeros({}, options));
  const Tensor logs = at::log1p(-alpha), weights = alpha * at::exp(logs.cumsum(1) - logs), left = at::exp(logs.sum(1));
  return {at::matmul(weights, p.colors) + left.unsqueeze(1) * background, 1 - left, at::mv(weights, p.depths),
          median_depths(at::exp(logs.cumsum(1)), p.depths)};
}

}  // namespace

Rendering rasterize_reference(const RasterizeScene& scene, const RasterizeOptions& options) {
  const int64_t width = scene.cameras.width, height = scene.cameras.height, views = scene.cameras.count();
  const Tensor background = scene.background.defined() ? scene.background.to(scene.gaussians.means.options().requires_grad(false))
                                                       : at::zeros({3}, scene.gaussians.means.options().requires_grad(false));
  std::vector<Tensor> rgb, alpha, depth, median;
  for (int64_t camera = 0; camera < views; ++camera) {
    const auto image =
        blend(project(scene, camera, options), width, height, background.dim() == 2 ? background[camera] : background);
    rgb.push_back(image.rgb.t().reshape({3, height, width}));
    alpha.push_back(image.alpha.view({1, height, width}));
    depth.push_back(image.depth.view({1, height, width}));
    median.push_back(image.median_depth.view({1, height, width}));
  }
  return {at::stack(rgb), at::stack(alpha), options.depth ? at::stack(depth) : Tensor(),
          options.median_depth ? at::stack(median) : Tensor()};
}

}  // namespace gsv3d
