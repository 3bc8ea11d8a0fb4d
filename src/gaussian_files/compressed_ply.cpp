#include "gaussian_files/compressed_ply.h"

#include <numbers>

#include "core/atomic_file.h"
#include "gaussian_files/byte_view.h"
#include "gaussian_files/limits.h"
#include "gaussian_files/morton.h"
#include "gaussian_files/ply_table.h"

namespace gsv3d {
namespace {

constexpr int64_t kChunk = 256, kChunksAtOnce = 256;
constexpr float kRootTwo = std::numbers::sqrt2_v<float>;
constexpr float kLogLimit = 20;  // of scales, as PlayCanvas' writer cuts them
const char* const kBounds[] = {"min_x",       "min_y",       "min_z",       "max_x",       "max_y",       "max_z",
                               "min_scale_x", "min_scale_y", "min_scale_z", "max_scale_x", "max_scale_y", "max_scale_z",
                               "min_r",       "min_g",       "min_b",       "max_r",       "max_g",       "max_b"};
constexpr int kBoundCount = 18, kBoundsWithoutColour = 12;  // old files have no bounds of colours: 0 to 1
const char* const kPacked[] = {"packed_position", "packed_rotation", "packed_scale", "packed_color"};

/// `bits` bits of a number in 0-1.
uint32_t to_unorm(float value, int bits) {
  const auto most = static_cast<float>((1 << bits) - 1);
  return static_cast<uint32_t>(std::clamp(std::floor(value * most + 0.5f), 0.0f, most));
}

float from_unorm(uint32_t code, int shift, int bits) {
  const uint32_t mask = (1u << bits) - 1;
  return static_cast<float>((code >> shift) & mask) / static_cast<float>(mask);
}

uint32_t pack_11_10_11(const float* v) {
  return to_unorm(v[0], 11) << 21 | to_unorm(v[1], 10) << 11 | to_unorm(v[2], 11);
}

uint32_t pack_8888(const float* v, float last) {
  return to_unorm(v[0], 8) << 24 | to_unorm(v[1], 8) << 16 | to_unorm(v[2], 8) << 8 | to_unorm(last, 8);
}

/// Two bits for the index (w, x, y, z) of the largest component, 10 for each of the others.
uint32_t pack_rotation(const float* q) {
  const auto largest = std::max_element(q, q + 4, [](float a, float b) { return std::abs(a) < std::abs(b); }) - q;
  const float sign = q[largest] < 0 ? -1 : 1;
  auto code = static_cast<uint32_t>(largest);
  for (int i = 0; i < 4; ++i)
    if (i != largest) code = code << 10 | to_unorm(sign * q[i] / kRootTwo + 0.5f, 10);
  return code;
}

void unpack_rotation(uint32_t code, float* q) {
  const auto largest = static_cast<int>(code >> 30);
  float squares = 0;
  for (int i = 0, shift = 20; i < 4; ++i) {
    if (i == largest) continue;
    q[i] = (from_unorm(code, shift, 10) - 0.5f) * kRootTwo;
    squares += q[i] * q[i];
    shift -= 10;
  }
  q[largest] = std::sqrt(std::max(0.0f, 1 - squares));
}

/// Values [n, 3] of a chunk between their bounds → 0-1, and the bounds' minima and maxima into their place among the 18.
Tensor normalise(const Tensor& values, float* bounds) {
  const Tensor low = values.amin(0), high = values.amax(0), range = high - low;
  for (int c = 0; c < 3; ++c) bounds[c] = low[c].item<float>(), bounds[3 + c] = high[c].item<float>();
  return at::where(range > 0, (values - low) / range.clamp_min(1e-30), at::zeros({1}));
}

struct Encoded {
  std::string bounds, packed, harmonics;
};

void encode_chunk(const Gaussians& g, Encoded& out) {
  float bounds[kBoundCount];
  const Tensor unit = g.quats / g.quats.norm(2, 1, true).clamp_min(1e-12);
  const Tensor log_scales = g.scales.clamp_min(1e-12).log().clamp(-kLogLimit, kLogLimit);
  const Tensor table = at::cat({normalise(g.means, bounds), unit, normalise(log_scales, bounds + 6),
                                normalise(sh_to_rgb(g.sh), bounds + 12), g.opacities.unsqueeze(1)},
                               1)
                           .contiguous();
  for (const float bound : bounds) append(out.bounds, bound);
  for (int64_t i = 0; i < g.count(); ++i) {
    const float* row = table.const_data_ptr<float>() + 14 * i;
    append(out.packed, pack_11_10_11(row));
    append(out.packed, pack_rotation(row + 3));
    append(out.packed, pack_11_10_11(row + 7));
    append(out.packed, pack_8888(row + 10, row[13]));
  }
  // All of red, then green, then blue, as in plain PLY files; -4 … 4 → 0 … 255.
  const Tensor rest = ((g.sh.slice(1, 1).transpose(1, 2) / 8 + 0.5) * 256).clamp(0, 255).to(at::kByte).contiguous();
  out.harmonics.append(reinterpret_cast<const char*>(rest.const_data_ptr<uint8_t>()), rest.numel());
}

std::string header_text(const Gaussians& g, const PlyOptions& options) {
  std::string text = fmt::format(
      "ply\nformat binary_little_endian 1.0\ncomment generator: {}\ncomment frame: {}\ncomment SplatRenderMode: {}\nelement "
      "chunk "
      "{}\n",
      options.generator, frame_name(options.frame), options.antialiased ? "mip" : "default", (g.count() + kChunk - 1) / kChunk);
  for (const char* name : kBounds) text += fmt::format("property float {}\n", name);
  text += fmt::format("element vertex {}\n", g.count());
  for (const char* name : kPacked) text += fmt::format("property uint {}\n", name);
  const int64_t rest = 3 * (g.sh.size(1) - 1);
  if (rest > 0) text += fmt::format("element sh {}\n", g.count());
  for (int64_t i = 0; i < rest; ++i) text += fmt::format("property uchar f_rest_{}\n", i);
  return text + "end_header\n";
}

/// The bounds of every chunk [chunks, 18].
Tensor read_bounds(std::string_view bytes, const PlyHeader::Element& chunk, const std::string& where) {
  const Tensor bounds = at::zeros({chunk.count, kBoundCount}, at::kFloat);
  bounds.slice(1, kBoundCount - 3).fill_(1);
  for (int column = 0; column < kBoundCount; ++column) {
    const auto* property = chunk.find(kBounds[column]);
    if (!property && column >= kBoundsWithoutColour) continue;
    require(property, "{}: damaged: the chunks lack the property \"{}\"", where, kBounds[column]);
    for (int64_t row = 0; row < chunk.count; ++row) {
      bounds.mutable_data_ptr<float>()[row * kBoundCount + column] = ply_value(chunk.row(bytes, row), *property);
    }
  }
  return bounds;
}

/// Harmonics [count, K-1, 3]; K = 1 when the file has none.
Tensor read_harmonics(std::string_view bytes, const PlyHeader& header, int64_t count, const std::string& where) {
  const auto* element = header.find("sh");
  if (!element) return at::empty({count, 0, 3}, at::kFloat);
  const auto columns = static_cast<int64_t>(element->properties.size());
  require(element->count == count && (columns == 9 || columns == 24 || columns == 45) &&
              static_cast<int64_t>(element->stride) == columns,
          "{}: damaged: {} rows of {} spherical harmonics for {} Gaussians", where, element->count, columns, count);
  float values[256];
  for (int code = 0; code < 256; ++code) values[code] = ((static_cast<float>(code) + 0.5f) / 256 - 0.5f) * 8;
  values[0] = -4, values[255] = 4;
  const int64_t coefficients = columns / 3;
  const Tensor harmonics = at::empty({count, coefficients, 3}, at::kFloat);
  float* target = harmonics.mutable_data_ptr<float>();
  for (int64_t i = 0; i < count; ++i) {
    const char* row = element->row(bytes, i);
    for (int64_t k = 0; k < coefficients; ++k)
      for (int64_t colour = 0; colour < 3; ++colour) *target++ = values[static_cast<uint8_t>(row[colour * coefficients + k])];
  }
  return harmonics;
}

/// Everything but the harmonics.
Gaussians read_packed(std::string_view bytes, const PlyHeader::Element& vertex, const Tensor& bounds, const std::string& where) {
  const PlyHeader::Property* columns[4];
  for (int c = 0; c < 4; ++c) {
    columns[c] = vertex.find(kPacked[c]);
    require(columns[c] && columns[c]->type == PlyHeader::Type::kUint32, "{}: damaged: no property \"{}\" of type uint", where,
            kPacked[c]);
  }
  const int64_t count = vertex.count;
  Gaussians g = {at::empty({count, 3}), at::empty({count, 4}), at::empty({count, 3}), at::empty({count}), at::empty({count, 3})};
  float *means = g.means.mutable_data_ptr<float>(), *quats = g.quats.mutable_data_ptr<float>();
  float *scales = g.scales.mutable_data_ptr<float>(), *colours = g.sh.mutable_data_ptr<float>();
  const int shifts[] = {21, 11, 0}, widths[] = {11, 10, 11};
  for (int64_t i = 0; i < count; ++i) {
    const auto code = [&](int column) {
      uint32_t value;
      std::memcpy(&value, vertex.row(bytes, i) + columns[column]->offset, sizeof(value));
      return value;
    };
    const float* b = bounds.const_data_ptr<float>() + i / kChunk * kBoundCount;
    for (int c = 0; c < 3; ++c) {
      const auto between = [&](int first, float t) { return b[first + c] * (1 - t) + b[first + 3 + c] * t; };
      means[3 * i + c] = between(0, from_unorm(code(0), shifts[c], widths[c]));
      scales[3 * i + c] = between(6, from_unorm(code(2), shifts[c], widths[c]));
      colours[3 * i + c] = between(12, from_unorm(code(3), 24 - 8 * c, 8));
    }
    unpack_rotation(code(1), quats + 4 * i);
    g.opacities.mutable_data_ptr<float>()[i] = from_unorm(code(3), 0, 8);
  }
  g.scales.exp_();
  g.sh = rgb_to_sh(g.sh);
  return g;
}

}  // namespace

void write_compressed_ply(const std::filesystem::path& path, const Gaussians& gaussians, const PlyOptions& options) {
  const auto g = gaussians.detach().to(at::kCPU);
  require_finite(g, path.string() + " is not written");
  const Tensor order = morton_order(g.means);
  Encoded encoded;
  for (int64_t begin = 0; begin < g.count(); begin += kChunk * kChunksAtOnce) {
    const auto part = change_frame(g.select(order.slice(0, begin, begin + kChunk * kChunksAtOnce)), Frame::kWorld, options.frame);
    for (int64_t chunk = 0; chunk < part.count(); chunk += kChunk) encode_chunk(part.slice(chunk, chunk + kChunk), encoded);
  }
  AtomicFile file(path);
  file.write(header_text(g, options));
  file.write(encoded.bounds);
  file.write(encoded.packed);
  file.write(encoded.harmonics);
  file.commit();
}

DecodedRows decode_compressed_ply(std::string_view bytes, const std::string& where) {
  const PlyTable table = read_ply_table(bytes, where);
  const PlyHeader& header = table.header;
  const auto* chunk = header.find("chunk");
  const auto& vertex = header.vertex();
  require(chunk && chunk->count == (vertex.count + kChunk - 1) / kChunk, "{}: damaged: {} chunks for {} Gaussians", where,
          chunk ? chunk->count : 0, vertex.count);
  require_plausible_count(vertex.count, bytes.size(), where);
  Gaussians g = read_packed(table.bytes, vertex, read_bounds(table.bytes, *chunk, where), where);
  g.sh = at::cat({g.sh, read_harmonics(table.bytes, header, vertex.count, where)}, 1);
  return {g, header.antialiased, header.frame, header.up};
}

}  // namespace gsv3d
