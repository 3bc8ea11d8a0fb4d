#include "gaussian_files/spz.h"

#include <cmath>
#include <numbers>

#include "core/atomic_file.h"
#include "gaussian_files/byte_view.h"
#include "gaussian_files/fixed_point.h"
#include "gaussian_files/limits.h"
#include "gaussian_files/spz_streams.h"

namespace gsv3d {
namespace {

constexpr float kColourScale = 0.15f;            // of f_dc, so that colours a little outside 0-1 fit into a byte
constexpr int kBucketDegree1 = 8, kBucket = 16;  // bytes of harmonics are multiples of these: they compress better
constexpr float kSqrtHalf = std::numbers::sqrt2_v<float> / 2;

void append_position(std::string& bytes, const float* p, float scale) {
  for (int c = 0; c < 3; ++c) {
    const auto fixed = static_cast<int32_t>(std::lround(p[c] * scale));
    for (int shift = 0; shift < 24; shift += 8) bytes.push_back(static_cast<char>(fixed >> shift));
  }
}

/// Two bits for the index (x, y, z, w) of the largest component, sign and 9 bits for each of the others.
uint32_t encode_rotation(const float* wxyz) {
  const float q[4] = {wxyz[1], wxyz[2], wxyz[3], wxyz[0]};
  int largest = 0;
  for (int i = 1; i < 4; ++i)
    if (std::abs(q[i]) > std::abs(q[largest])) largest = i;
  const bool negate = q[largest] < 0;
  auto code = static_cast<uint32_t>(largest);
  for (int i = 0; i < 4; ++i) {
    if (i == largest) continue;
    const auto size = static_cast<uint32_t>(std::min(511.0f, 511 * std::abs(q[i]) / kSqrtHalf + 0.5f));
    code = (code << 10) | (static_cast<uint32_t>((q[i] < 0) != negate) << 9) | size;
  }
  return code;
}

void decode_rotation(uint32_t code, float* wxyz) {
  float q[4];
  const uint32_t largest = code >> 30;
  float squares = 0;
  for (int i = 3; i >= 0; --i) {
    if (i == static_cast<int>(largest)) continue;
    q[i] = kSqrtHalf * static_cast<float>(code & 511) / 511 * (code & 512 ? -1 : 1);
    squares += q[i] * q[i];
    code >>= 10;
  }
  q[largest] = std::sqrt(std::max(0.0f, 1 - squares));
  wxyz[0] = q[3], wxyz[1] = q[0], wxyz[2] = q[1], wxyz[3] = q[2];
}

/// Version 2: x, y, z in a byte each; w is what is missing to length 1.
void decode_rotation_v2(const uint8_t* code, float* wxyz) {
  float squares = 0;
  for (int c = 0; c < 3; ++c) {
    wxyz[1 + c] = static_cast<float>(code[c]) / 127.5f - 1;
    squares += wxyz[1 + c] * wxyz[1 + c];
  }
  wxyz[0] = std::sqrt(std::max(0.0f, 1 - squares));
}

uint8_t encode_harmonic(float value, int bucket) {
  const int byte = static_cast<int>(std::lround(std::clamp(value, -2.0f, 2.0f) * 128)) + 128;
  return static_cast<uint8_t>(std::clamp((byte + bucket / 2) / bucket * bucket, 0, 255));
}

void encode_rows(const Gaussians& g, SpzPacked& packed) {
  const Tensor means = g.means.contiguous(), harmonics = g.sh.slice(1, 1).contiguous();
  const Tensor quats = (g.quats / g.quats.norm(2, 1, true).clamp_min(1e-12)).contiguous();
  const Tensor bytes = at::cat({g.opacities.unsqueeze(1) * 255, (g.sh.select(1, 0) * kColourScale + 0.5) * 255,
                                (g.scales.clamp_min(1e-12).log() + 10) * 16},
                               1)
                           .contiguous();
  auto& streams = packed.streams;
  const auto scale = static_cast<float>(1 << packed.fractional_bits);
  const int64_t per_row = harmonics.size(1) * 3;
  for (int64_t i = 0; i < g.count(); ++i) {
    append_position(streams[kSpzPositions], means.const_data_ptr<float>() + 3 * i, scale);
    const float* row = bytes.const_data_ptr<float>() + 7 * i;
    for (int c = 0; c < 7; ++c) append(streams[c == 0 ? kSpzAlphas : c < 4 ? kSpzColours : kSpzScales], to_byte(row[c]));
    append(streams[kSpzRotations], encode_rotation(quats.const_data_ptr<float>() + 4 * i));
    const float* sh = harmonics.const_data_ptr<float>() + i * per_row;
    for (int64_t k = 0; k < per_row; ++k)
      append(streams[kSpzHarmonics], encode_harmonic(sh[k], k < 9 ? kBucketDegree1 : kBucket));
  }
}

/// A stream as floats [count, columns].
Tensor bytes_as_floats(const std::string& stream, int64_t count, int64_t columns) {
  return at::from_blob(const_cast<char*>(stream.data()), {count, columns}, at::kByte).to(at::kFloat);
}

Tensor decode_positions(const SpzPacked& packed) {
  const Tensor means = at::empty({packed.count, 3}, at::kFloat);
  float* target = means.mutable_data_ptr<float>();
  const auto* bytes = reinterpret_cast<const uint8_t*>(packed.streams[kSpzPositions].data());
  const float scale = 1 / static_cast<float>(1 << packed.fractional_bits);
  for (int64_t i = 0; i < means.numel(); ++i, bytes += 3) {
    const uint32_t high =
        static_cast<uint32_t>(bytes[0]) << 8 | static_cast<uint32_t>(bytes[1]) << 16 | static_cast<uint32_t>(bytes[2]) << 24;
    target[i] = static_cast<float>(static_cast<int32_t>(high) >> 8) * scale;  // the shift copies the sign down
  }
  return means;
}

Tensor decode_rotations(const SpzPacked& packed) {
  const Tensor quats = at::empty({packed.count, 4}, at::kFloat);
  float* target = quats.mutable_data_ptr<float>();
  const std::string& stream = packed.streams[kSpzRotations];
  const size_t step = packed.bytes_of(kSpzRotations);
  for (size_t i = 0; i < packed.count; ++i) {
    if (step == 4) {
      decode_rotation(load<uint32_t>(stream, i * step), target + 4 * i);
    } else {
      decode_rotation_v2(reinterpret_cast<const uint8_t*>(stream.data()) + i * step, target + 4 * i);
    }
  }
  return quats;
}

Tensor decode_colours(const SpzPacked& packed) {
  constexpr int64_t kMostHarmonics = 15;
  const int64_t count = packed.count;
  const Tensor dc = (bytes_as_floats(packed.streams[kSpzColours], count, 3) / 255 - 0.5) / kColourScale;
  if (packed.sh_degree == 0) return dc.unsqueeze(1);
  const auto columns = static_cast<int64_t>(packed.bytes_of(kSpzHarmonics));
  const int64_t kept = std::min(columns / 3, kMostHarmonics);
  const Tensor sh = at::empty({count, kept + 1, 3}, at::kFloat);
  sh.select(1, 0).copy_(dc);
  const Tensor bytes = at::from_blob(const_cast<char*>(packed.streams[kSpzHarmonics].data()), {count, columns / 3, 3}, at::kByte);
  auto rest = sh.slice(1, 1);
  rest.copy_(bytes.slice(1, 0, kept)).sub_(128).div_(128);
  return sh;
}

/// Throws Error unless the positions that were packed are those of the Gaussians, which are in the file's axes, to half a step.
void verify(const SpzPacked& packed, const Tensor& means, const std::string& where) {
  const double step = std::ldexp(1.0, -packed.fractional_bits);
  const Tensor limit = 0.5001 * step + means.abs() * 1e-6;
  require(packed.count == static_cast<uint32_t>(means.size(0)) &&
              (decode_positions(packed) - means).abs().le(limit).all().item<bool>(),
          "{} is not written: positions up to {} do not fit into SPZ's steps of {}", where, means.abs().max().item<float>(),
          step);
}

}  // namespace

std::string encode_spz(const Gaussians& gaussians, const std::string& where, Frame frame, const SpzOptions& options) {
  require(options.version == 3 || options.version == 4, "SPZ version {} cannot be written: 3 and 4 can", options.version);
  require_finite(gaussians, where + " is not written");
  const FixedPointFit fit = fit_fixed_point(gaussians.detach().to(at::kCPU), where);
  const Gaussians& g = fit.gaussians;
  SpzPacked packed;
  packed.version = options.version;
  packed.count = static_cast<uint32_t>(g.count());
  packed.sh_degree = static_cast<int>(g.sh_degree());
  packed.fractional_bits = fit.bits;
  packed.antialiased = options.antialiased;
  for (int i = 0; i < kSpzStreams; ++i) packed.streams[i].reserve(g.count() * packed.bytes_of(SpzStream(i)));
  for (int64_t begin = 0; begin < g.count(); begin += kRowsAtOnce)
    encode_rows(change_frame(g.slice(begin, begin + kRowsAtOnce), Frame::kWorld, frame), packed);
  if (g.count() > 0) verify(packed, change_frame(g, Frame::kWorld, frame).means, where);
  return pack_spz(packed);
}

void write_spz(const std::filesystem::path& path, const Gaussians& gaussians, Frame frame, const SpzOptions& options) {
  write_file(path, encode_spz(gaussians, path.string(), frame, options));
}

DecodedRows decode_spz(std::string_view bytes, const std::string& where) {
  const SpzPacked packed = unpack_spz(bytes, where);
  Gaussians g;
  g.means = decode_positions(packed);
  g.quats = decode_rotations(packed);
  g.scales = (bytes_as_floats(packed.streams[kSpzScales], packed.count, 3) / 16 - 10).exp_();
  g.opacities = bytes_as_floats(packed.streams[kSpzAlphas], packed.count, 1).squeeze(1) / 255;
  g.sh = decode_colours(packed);
  return {g, packed.antialiased};
}

}  // namespace gsv3d
