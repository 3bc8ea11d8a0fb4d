#include "splat/ply.h"

#include "core/atomic_file.h"
#include "core/error.h"
#include "splat/ply_header.h"

namespace gsv3d {
namespace {

constexpr double kOpacityMargin = 1e-6, kSmallestScale = 1e-12;
constexpr int64_t kAllCoefficients = 16;

/// f_rest as files hold it: [G, 3·(K-1)], all of red, then green, then blue.
Tensor rest_columns(const Tensor& sh, int64_t coefficients) {
  Tensor rest = sh.slice(1, 1).transpose(1, 2);  // [G, 3, K-1]
  if (coefficients > sh.size(1)) rest = at::constant_pad_nd(rest, {0, coefficients - sh.size(1)});
  return rest.reshape({sh.size(0), 3 * (coefficients - 1)});
}

std::string header_text(int64_t count, int64_t coefficients, const PlyOptions& options) {
  std::string generator = options.generator;
  std::replace_if(
      generator.begin(), generator.end(), [](unsigned char c) { return c < ' '; }, ' ');
  std::string text = fmt::format(
      "ply\nformat binary_little_endian 1.0\ncomment generator: {}\ncomment frame: {} ({})\ncomment SplatRenderMode: {}\nelement "
      "vertex {}\n",
      generator, frame_name(options.frame),
      options.frame == Frame::kYDown ? "x right, y down, z forward" : "x right, y up, z backward",
      options.antialiased ? "mip" : "default", count);
  const auto property = [&](const std::string& name) { text += "property float " + name + "\n"; };
  for (const char* name : {"x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2"}) property(name);
  for (int64_t i = 0; i < 3 * (coefficients - 1); ++i) property(fmt::format("f_rest_{}", i));
  for (const char* name : {"opacity", "scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3"}) property(name);
  return text + "end_header\n";
}

/// The named properties as columns of a tensor [count, names]. Throws Error when one is missing or holds a value that is not
/// finite.
Tensor read_columns(std::string_view bytes, const PlyHeader& header, const std::vector<std::string>& names,
                    const std::string& where) {
  const Tensor table = at::empty({header.count, static_cast<int64_t>(names.size())}, at::kFloat);
  float* values = table.data_ptr<float>();
  for (size_t column = 0; column < names.size(); ++column) {
    const auto* property = header.find(names[column]);
    require(property, "{}: no Gaussians in this PLY file: the property \"{}\" is missing", where, names[column]);
    for (int64_t row = 0; row < header.count; ++row) {
      const float value = ply_value(bytes.data() + header.begin + row * header.stride, *property);
      require(std::isfinite(value), "{}: {} of Gaussian {} is not a finite number", where, names[column], row);
      values[row * names.size() + column] = value;
    }
  }
  return table;
}

std::vector<std::string> numbered(const char* prefix, int64_t count) {
  std::vector<std::string> names;
  for (int64_t i = 0; i < count; ++i) names.push_back(fmt::format("{}{}", prefix, i));
  return names;
}

/// [G, K, 3] from f_dc and as many f_rest as there are.
Tensor read_sh(std::string_view bytes, const PlyHeader& header, const std::string& where) {
  int64_t rest_count = 0;
  while (header.find(fmt::format("f_rest_{}", rest_count))) ++rest_count;
  require(rest_count == 0 || rest_count == 9 || rest_count == 24 || rest_count == 45,
          "{}: {} properties f_rest; 0, 9, 24 or 45 belong to spherical harmonics of degree 0 to 3", where, rest_count);
  const Tensor dc = read_columns(bytes, header, numbered("f_dc_", 3), where).unsqueeze(1);
  if (rest_count == 0) return dc;
  const Tensor rest = read_columns(bytes, header, numbered("f_rest_", rest_count), where).view({header.count, 3, rest_count / 3});
  return at::cat({dc, rest.transpose(1, 2)}, 1);
}

}  // namespace

void write_ply(const std::filesystem::path& path, const Gaussians& gaussians, const PlyOptions& options) {
  const auto g = change_frame(gaussians.detach().to(at::kCPU), Frame::kWorld, options.frame);
  const int64_t coefficients = options.all_properties ? kAllCoefficients : g.sh.size(1);
  require(g.sh_degree() <= 3, "write_ply: spherical harmonics above degree 3");
  const Tensor opacity = g.opacities.clamp(kOpacityMargin, 1 - kOpacityMargin);
  const Tensor table = at::cat({g.means, at::zeros_like(g.means), g.sh.select(1, 0), rest_columns(g.sh, coefficients),
                                (opacity / (1 - opacity)).log().unsqueeze(1), g.scales.clamp_min(kSmallestScale).log(), g.quats},
                               1)
                           .to(at::kFloat)
                           .contiguous();
  require(at::isfinite(table).all().item<bool>(),
          "{}: not written, because some Gaussians have values that are not finite numbers", path.string());
  AtomicFile file(path);
  file.write(header_text(g.count(), coefficients, options));
  file.write(table.data_ptr<float>(), table.numel() * sizeof(float));
  file.commit();
}

Gaussians read_ply(const std::filesystem::path& path, std::optional<Frame> frame) {
  const std::string bytes = read_file(path), where = path.string();
  const auto header = parse_ply_header(bytes, where);
  Gaussians g;
  g.means = read_columns(bytes, header, {"x", "y", "z"}, where);
  const Tensor quats = read_columns(bytes, header, numbered("rot_", 4), where), norms = quats.norm(2, 1, true);
  g.quats = at::where(norms > 1e-12, quats / norms.clamp_min(1e-12), at::tensor({1.0f, 0.0f, 0.0f, 0.0f}));
  g.scales = read_columns(bytes, header, numbered("scale_", 3), where).exp();
  require(at::isfinite(g.scales).all().item<bool>(), "{}: scales are too large; this layout holds their logarithms", where);
  g.opacities = read_columns(bytes, header, {"opacity"}, where).squeeze(1).sigmoid();
  g.sh = read_sh(bytes, header, where);
  return change_frame(g, frame.value_or(header.frame.value_or(Frame::kYDown)), Frame::kWorld);
}

}  // namespace gsv3d
