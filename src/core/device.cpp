#include "core/device.h"

#include <ATen/Context.h>
#include <ATen/autocast_mode.h>

#include <map>

#include "core/error.h"

namespace gsv3d {

at::Device parse_device(const std::string& name) {
  const bool has_gpu = at::Context::hasCUDA();
  if (name == "auto") return has_gpu ? at::Device(at::kCUDA, 0) : at::Device(at::kCPU);
  if (name == "cpu") return at::Device(at::kCPU);
  if (name.rfind("cuda", 0) == 0) {
    try {
      at::Device device(name);
      if (!device.has_index()) device.set_index(0);
      require(has_gpu, "device {}: this program or machine has no usable NVIDIA GPU; use --device cpu", name);
      return device;
    } catch (const c10::Error&) {
    }
  }
  throw UsageError(fmt::format("unknown device \"{}\": use cpu, cuda, cuda:N or auto", name));
}

at::ScalarType parse_dtype(const std::string& name) {
  static const std::map<std::string, at::ScalarType> known = {{"fp32", at::kFloat}, {"fp16", at::kHalf}, {"bf16", at::kBFloat16}};
  const auto found = known.find(name);
  if (found == known.end()) throw UsageError(fmt::format("unknown precision \"{}\": use fp32, fp16 or bf16", name));
  return found->second;
}

std::string dtype_name(at::ScalarType dtype) {
  return dtype == at::kFloat ? "fp32" : dtype == at::kHalf ? "fp16" : dtype == at::kBFloat16 ? "bf16" : c10::toString(dtype);
}

bool prefers_bfloat16(const at::Device& device) {
  if (device.is_cuda()) return true;
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512bf16");
#else
  return false;
#endif
}

void prefer_speed(const at::Device& device) {
  if (!device.is_cuda()) return;
  at::globalContext().setFloat32MatmulPrecision("high");
  at::globalContext().setBenchmarkCuDNN(true);
}

Tensor to_device(const Tensor& tensor, at::Device device) {
  if (!device.is_cuda() || !tensor.device().is_cpu()) return tensor.to(device);
  return tensor.pin_memory().to(device, /*non_blocking=*/true);
}

Autocast::Autocast(at::DeviceType device, at::ScalarType dtype)
    : device_(device),
      was_enabled_(at::autocast::is_autocast_enabled(device)),
      was_caching_(at::autocast::is_autocast_cache_enabled()),
      old_dtype_(at::autocast::get_autocast_dtype(device)) {
  at::autocast::set_autocast_enabled(device, dtype != at::kFloat);
  if (dtype != at::kFloat) at::autocast::set_autocast_dtype(device, dtype);
  at::autocast::set_autocast_cache_enabled(false);
  at::autocast::increment_nesting();
}

Autocast::~Autocast() {
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  at::autocast::set_autocast_cache_enabled(was_caching_);
  at::autocast::set_autocast_enabled(device_, was_enabled_);
  at::autocast::set_autocast_dtype(device_, old_dtype_);
}

}  // namespace gsv3d
