#include "evaluation/metrics.h"

#include "core/error.h"

namespace gsv3d {
namespace {

void check_same(const Tensor& a, const Tensor& b, const char* what) {
  require(a.dim() == 4 && a.sizes() == b.sizes(), "{}: {} and {} are not two batches of images of one size", what,
          fmt::format("[{}]", fmt::join(a.sizes(), ", ")), fmt::format("[{}]", fmt::join(b.sizes(), ", ")));
}

Tensor solid(const Tensor& alpha) {
  return alpha.gt(0.5);
}

}  // namespace

Tensor psnr(const Tensor& images, const Tensor& truth) {
  check_same(images, truth, "PSNR");
  return -10 * at::log10((images.to(at::kDouble) - truth.to(at::kDouble)).square().mean({1, 2, 3}));
}

Tensor object_psnr(const Tensor& images, const Tensor& truth, const Tensor& truth_alpha) {
  check_same(images, truth, "PSNR");
  check_same(images.narrow(1, 0, 1), truth_alpha, "PSNR");
  const Tensor mask = solid(truth_alpha);
  const Tensor errors = at::where(mask, (images.to(at::kDouble) - truth.to(at::kDouble)).square().mean(1, /*keepdim=*/true), 0.0);
  return -10 * at::log10(errors.sum({1, 2, 3}) / mask.sum({1, 2, 3}).to(at::kDouble));
}

Tensor mask_iou(const Tensor& alpha, const Tensor& truth_alpha) {
  check_same(alpha, truth_alpha, "mask IoU");
  const Tensor a = solid(alpha), b = solid(truth_alpha);
  const Tensor both = a.logical_and(b).sum({1, 2, 3}).to(at::kDouble), any = a.logical_or(b).sum({1, 2, 3}).to(at::kDouble);
  return at::where(any.eq(0), 1.0, both / any.clamp_min(1));
}

Tensor depth_error(const Tensor& depth, const Tensor& alpha, const Tensor& truth_depth, const Tensor& truth_alpha) {
  check_same(depth, truth_depth, "depth error");
  check_same(depth, alpha, "depth error");
  const Tensor both = solid(alpha).logical_and(solid(truth_alpha));
  const Tensor errors = at::where(both, (depth.to(at::kDouble) - truth_depth.to(at::kDouble)).abs(), 0.0);
  return errors.sum({1, 2, 3}) / both.sum({1, 2, 3}).to(at::kDouble);
}

}  // namespace gsv3d
