#include "core/int8_weights.h"

#include "core/error.h"

namespace gsv3d {
namespace {

constexpr double largest = 127;

std::string scale_name(const std::string& name) {
  return name + ".row_scale";
}

/// One number per row, broadcast over the rest of a tensor of so many dimensions.
Tensor over_rows(const Tensor& scales, int64_t dimensions) {
  std::vector<int64_t> shape(static_cast<size_t>(dimensions), 1);
  shape[0] = -1;
  return scales.to(at::kFloat).view(shape);
}

}  // namespace

void widen_int8(NamedTensors& tensors, const std::string& origin) {
  std::vector<std::string> narrow;
  for (const auto& [name, tensor] : tensors)
    if (tensor.scalar_type() == at::kChar) narrow.push_back(name);
  for (const std::string& name : narrow) {
    const Tensor stored = tensors.at(name);
    const auto scales = tensors.find(scale_name(name));
    require(scales != tensors.end(), "{}: tensor \"{}\" is int8, and \"{}\" is missing", origin, name, scale_name(name));
    require(stored.dim() >= 2 && at::isFloatingType(scales->second.scalar_type()) && scales->second.dim() == 1 &&
                scales->second.size(0) == stored.size(0),
            "{}: tensor \"{}\" must have one number for each row of \"{}\"", origin, scale_name(name), name);
    tensors[name] = (stored.to(at::kFloat) * over_rows(scales->second, stored.dim())).to(at::kHalf);
    tensors.erase(scales);
  }
}

NamedTensors read_weights(const std::filesystem::path& path) {
  NamedTensors tensors = read_safetensors(path);
  widen_int8(tensors, path.string());
  return tensors;
}

NamedTensors narrow_to_int8(const NamedTensors& tensors, int64_t smallest) {
  NamedTensors result;
  for (const auto& [name, tensor] : tensors) {
    if (!at::isFloatingType(tensor.scalar_type()) || tensor.dim() < 2 || tensor.numel() < smallest) {
      result[name] = tensor;
      continue;
    }
    const Tensor values = tensor.to(at::kFloat), scales = values.flatten(1).abs().amax(1) / largest;
    // A row of zeros has scale 0 and stays zeros.
    result[name] = (values / over_rows(scales, tensor.dim()).clamp_min(1e-30)).round().clamp(-largest, largest).to(at::kChar);
    result[scale_name(name)] = scales;
  }
  return result;
}

}  // namespace gsv3d
