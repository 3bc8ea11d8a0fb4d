#include "gaussian_files/splat_file.h"

#include "core/atomic_file.h"
#include "gaussian_files/byte_view.h"
#include "gaussian_files/limits.h"

namespace gsv3d {
namespace {

constexpr int64_t kRowBytes = 32;

/// Descending size × opacity: viewers that draw while they load then show the object's bulk first.
Tensor importance_order(const Gaussians& g) {
  return at::argsort(g.scales.prod(1) * g.opacities, /*stable=*/true, /*dim=*/0, /*descending=*/true);
}

std::string encode_rows(const Gaussians& g) {
  const Tensor means = g.means.contiguous(), scales = g.scales.contiguous();
  const Tensor unit = g.quats / g.quats.norm(2, 1, true).clamp_min(1e-12);
  const Tensor bytes = at::cat({sh_to_rgb(g.sh) * 255, g.opacities.unsqueeze(1) * 255, unit * 128 + 128}, 1).contiguous();
  std::string rows;
  rows.reserve(g.count() * kRowBytes);
  for (int64_t i = 0; i < g.count(); ++i) {
    rows.append(reinterpret_cast<const char*>(means.const_data_ptr<float>() + 3 * i), 12);
    rows.append(reinterpret_cast<const char*>(scales.const_data_ptr<float>() + 3 * i), 12);
    for (int c = 0; c < 8; ++c) rows.push_back(static_cast<char>(to_byte(bytes.const_data_ptr<float>()[8 * i + c])));
  }
  return rows;
}

}  // namespace

void write_splat(const std::filesystem::path& path, const Gaussians& gaussians, Frame frame) {
  const auto g = gaussians.detach().to(at::kCPU);
  require_finite(g, path.string() + " is not written");
  const Tensor order = importance_order(g);
  AtomicFile file(path);
  for (int64_t begin = 0; begin < g.count(); begin += kRowsAtOnce)
    file.write(encode_rows(change_frame(g.select(order.slice(0, begin, begin + kRowsAtOnce)), Frame::kWorld, frame)));
  file.commit();
}

DecodedRows decode_splat(std::string_view bytes, const std::string& where) {
  require(bytes.size() % kRowBytes == 0, "{}: not a .splat file, or cut off: {} bytes are no multiple of {}", where, bytes.size(),
          kRowBytes);
  const auto count = static_cast<int64_t>(bytes.size()) / kRowBytes;
  Gaussians g = {at::empty({count, 3}), at::empty({count, 4}), at::empty({count, 3}), at::empty({count}), {}};
  const Tensor rgb = at::empty({count, 3});
  float *means = g.means.mutable_data_ptr<float>(), *quats = g.quats.mutable_data_ptr<float>();
  float *scales = g.scales.mutable_data_ptr<float>(), *opacities = g.opacities.mutable_data_ptr<float>();
  float* colours = rgb.mutable_data_ptr<float>();
  for (int64_t i = 0; i < count; ++i) {
    const auto row = bytes.substr(i * kRowBytes, kRowBytes);
    std::memcpy(means + 3 * i, row.data(), 12);
    std::memcpy(scales + 3 * i, row.data() + 12, 12);
    for (int c = 0; c < 3; ++c) colours[3 * i + c] = static_cast<float>(load<uint8_t>(row, 24 + c)) / 255;
    opacities[i] = static_cast<float>(load<uint8_t>(row, 27)) / 255;
    for (int c = 0; c < 4; ++c) quats[4 * i + c] = (static_cast<float>(load<uint8_t>(row, 28 + c)) - 128) / 128;
  }
  g.sh = rgb_to_sh(rgb);
  return {g};
}

}  // namespace gsv3d
