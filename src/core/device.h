// Device and precision: where a model runs and in which floating-point type.
#pragma once

#include <string>

#include "core/tensor.h"

namespace gsv3d {

/// "cpu", "cuda", "cuda:N" or "auto" (the first GPU if there is one, else the CPU). Throws UsageError on anything else, and Error
/// when the device does not exist.
at::Device parse_device(const std::string& name);

/// "fp32", "fp16" or "bf16". Throws UsageError on anything else.
at::ScalarType parse_dtype(const std::string& name);
std::string dtype_name(at::ScalarType dtype);

/// True when matrix products in bfloat16 are faster than in float32: CPUs with AVX512-BF16 or AMX, and every GPU we support.
bool prefers_bfloat16(const at::Device& device);

/// For work whose shapes repeat, as training's: what stays in float32 under autocast may use TF32, and cuDNN tries its algorithms
/// out. Does nothing for a CPU.
void prefer_speed(const at::Device& device);

/// The tensor on the device. From the host to a GPU it goes through pinned memory, so that the caller does not wait for what the
/// GPU is doing.
Tensor to_device(const Tensor& tensor, at::Device device);

/// Runs matrix products and convolutions in `dtype` while it lives (LibTorch's autocast); float32 turns it off. Converted weights
/// are not kept for a second use: one made without a graph, in sampling for example, would be taken in the step that trains them,
/// too, and they would get no gradient.
class Autocast {
 public:
  Autocast(at::DeviceType device, at::ScalarType dtype);
  ~Autocast();
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  at::DeviceType device_;
  bool was_enabled_, was_caching_;
  at::ScalarType old_dtype_;
};

}  // namespace gsv3d
