#include <ATen/ATen.h>

#include "api/handles.h"
#include "gaussian_files/gaussian_file.h"

namespace gsv3d::api {

gsv3d_gaussians* handle_of(const Gaussians& gaussians, const Tensor& confidence) {
  const auto plain = [](const Tensor& tensor) { return tensor.detach().to(at::kCPU, at::kFloat).contiguous(); };
  return new gsv3d_gaussians{
      {plain(gaussians.means), plain(gaussians.quats), plain(gaussians.scales), plain(gaussians.opacities), plain(gaussians.sh)},
      confidence.defined() ? plain(confidence) : Tensor()};
}

}  // namespace gsv3d::api

using namespace gsv3d;
using namespace gsv3d::api;

void gsv3d_gaussian_arrays_init(gsv3d_gaussian_arrays* arrays, size_t size) {
  gsv3d_gaussian_arrays empty{};
  empty.sh_count = 1;
  hand_out(arrays, size, empty);
}

gsv3d_status gsv3d_gaussians_create(const gsv3d_gaussian_arrays* arrays, gsv3d_gaussians** gaussians) {
  return guarded([&] {
    given(gaussians, "gaussians");
    const auto from = over_defaults(given(arrays, "arrays"), gsv3d_gaussian_arrays_init);
    const int64_t count = from.count, harmonics = from.sh_count;
    if (count < 1) throw UsageError(fmt::format("{} Gaussians: there must be at least one", count));
    if (harmonics != 1 && harmonics != 4 && harmonics != 9 && harmonics != 16)
      throw UsageError(fmt::format("sh_count = {}: it must be 1, 4, 9 or 16", harmonics));
    const auto copy = [](const float* values, const char* name, at::IntArrayRef shape) {
      return at::from_blob(const_cast<float*>(given(values, name)), shape, at::kFloat).clone();
    };
    const Gaussians made{copy(from.means, "means", {count, 3}), copy(from.quats, "quats", {count, 4}),
                         copy(from.scales, "scales", {count, 3}), copy(from.opacities, "opacities", {count}),
                         copy(from.sh, "sh", {count, harmonics, 3})};
    require_finite(made, "gsv3d_gaussians_create");
    *gaussians = handle_of(made, from.confidence ? copy(from.confidence, "confidence", {count}) : Tensor());
  });
}

gsv3d_status gsv3d_gaussians_get_arrays(const gsv3d_gaussians* gaussians, gsv3d_gaussian_arrays* arrays) {
  return guarded([&] {
    const Gaussians& values = given(gaussians, "gaussians")->values;
    const Tensor& confidence = gaussians->confidence;
    const auto numbers = [](const Tensor& tensor) { return tensor.const_data_ptr<float>(); };
    if (given(arrays, "arrays")->size < sizeof(size_t)) throw UsageError("arrays without a size: use GSV3D_INIT first");
    hand_out(arrays, arrays->size,
             {0, values.count(), values.sh.size(1), numbers(values.means), numbers(values.quats), numbers(values.scales),
              numbers(values.opacities), numbers(values.sh), confidence.defined() ? numbers(confidence) : nullptr});
  });
}

int64_t gsv3d_gaussians_count(const gsv3d_gaussians* gaussians) {
  return gaussians ? gaussians->values.count() : 0;
}

gsv3d_status gsv3d_gaussians_read(const char* path, gsv3d_gaussians** gaussians) {
  return guarded([&] {
    given(gaussians, "gaussians");
    const GaussianFile file = read_gaussians(given(path, "path"));
    *gaussians = handle_of(file.gaussians, file.confidence);
  });
}

gsv3d_status gsv3d_gaussians_write(const gsv3d_gaussians* gaussians, const char* path) {
  return guarded([&] {
    given(gaussians, "gaussians");
    write_gaussians(given(path, "path"), gaussians->values, {.confidence = gaussians->confidence});
  });
}

void gsv3d_gaussians_free(gsv3d_gaussians* gaussians) {
  delete gaussians;
}
