#include "gaussian_files/ply.h"

#include "core/atomic_file.h"
#include "core/error.h"
#include "gaussian_files/limits.h"
#include "gaussian_files/ply_table.h"

namespace gsv3d {
namespace {

constexpr double kOpacityMargin = 1e-6, kSmallestScale = 1e-12;
constexpr float kFlat = 1e-6f;  // the third scale of 2DGS' discs, as PlayCanvas' viewers have it
constexpr int64_t kAllCoefficients = 16;

/// f_rest as files hold it: [G, 3·(K-1)], all of red, then green, then blue.
Tensor rest_columns(const Tensor& sh, int64_t coefficients) {
  Tensor rest = sh.slice(1, 1).transpose(1, 2);  // [G, 3, K-1]
  if (coefficients > sh.size(1)) rest = at::constant_pad_nd(rest, {0, coefficients - sh.size(1)});
  return rest.reshape({sh.size(0), 3 * (coefficients - 1)});
}

const char* axes_of(Frame frame) {
  switch (frame) {
    case Frame::kWorld:
      return "x right, y up, z backward";
    case Frame::kYDown:
      return "x right, y down, z forward";
    case Frame::kZUp:
      return "x right, y forward, z up";
  }
  return "";
}

std::string header_text(int64_t count, int64_t coefficients, const PlyOptions& options) {
  std::string generator = options.generator;
  std::replace_if(
      generator.begin(), generator.end(), [](unsigned char c) { return c < ' '; }, ' ');
  std::string text = fmt::format(
      "ply\nformat binary_little_endian 1.0\ncomment generator: {}\ncomment frame: {} ({})\ncomment SplatRenderMode: {}\nelement "
      "vertex {}\n",
      generator, frame_name(options.frame), axes_of(options.frame), options.antialiased ? "mip" : "default", count);
  const auto property = [&](const std::string& name) { text += "property float " + name + "\n"; };
  for (const char* name : {"x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2"}) property(name);
  for (int64_t i = 0; i < 3 * (coefficients - 1); ++i) property(fmt::format("f_rest_{}", i));
  for (const char* name : {"opacity", "scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3"}) property(name);
  if (options.confidence.defined()) property("confidence");
  return text + "end_header\n";
}

/// Rows [G, floats] as the header describes them; confidence [G] may be undefined.
Tensor file_rows(const Gaussians& g, const Tensor& confidence, int64_t coefficients) {
  const Tensor opacity = g.opacities.to(at::kDouble).clamp(kOpacityMargin, 1 - kOpacityMargin);
  const Tensor logit = (opacity / (1 - opacity)).log().to(at::kFloat).unsqueeze(1);
  std::vector<Tensor> columns = {g.means,
                                 at::zeros_like(g.means),
                                 g.sh.select(1, 0),
                                 rest_columns(g.sh, coefficients),
                                 logit,
                                 g.scales.clamp_min(kSmallestScale).log(),
                                 g.quats};
  if (confidence.defined()) columns.push_back(confidence.unsqueeze(1));
  return at::cat(columns, 1).to(at::kFloat).contiguous();
}

/// Copies properties of every row to where they belong in tensors that are filled row by row.
class RowReader {
 public:
  RowReader(const PlyTable& table, const std::string& where)
      : bytes_(table.bytes), vertex_(table.header.vertex()), where_(where) {}

  /// Row r of `name` goes to target[r · stride + offset]. Throws Error when there is no such property.
  void add(const std::string& name, float* target, int64_t offset, int64_t stride) {
    const auto* property = vertex_.find(name);
    require(property, "{}: no Gaussians in this PLY file: the property \"{}\" is missing", where_, name);
    columns_.push_back({property, target, offset, stride});
  }

  /// The properties as columns of a tensor [count, names].
  Tensor columns(std::initializer_list<const char*> names) {
    const auto width = static_cast<int64_t>(names.size());
    const Tensor tensor = at::empty({vertex_.count, width}, at::kFloat);
    int64_t offset = 0;
    for (const char* name : names) add(name, tensor.mutable_data_ptr<float>(), offset++, width);
    return tensor;
  }

  void read() const {
    for (int64_t row = 0; row < vertex_.count; ++row) {
      const char* data = vertex_.row(bytes_, row);
      for (const auto& column : columns_) column.target[row * column.stride + column.offset] = ply_value(data, *column.property);
    }
  }

 private:
  struct Column {
    const PlyHeader::Property* property;
    float* target;  ///< null when there are no rows
    int64_t offset, stride;
  };
  std::string_view bytes_;
  const PlyHeader::Element& vertex_;
  const std::string& where_;
  std::vector<Column> columns_;
};

/// What integers have to be divided by to become 0-1.
float full_scale(PlyHeader::Type type) {
  return type == PlyHeader::Type::kUint8 ? 255.0f : type == PlyHeader::Type::kUint16 ? 65535.0f : 1.0f;
}

/// How many coefficients per colour there are besides the constant one.
int64_t rest_per_colour(const PlyHeader::Element& vertex, const std::string& where) {
  int64_t count = 0;
  while (vertex.find(fmt::format("f_rest_{}", count))) ++count;
  require(count == 0 || count == 9 || count == 24 || count == 45,
          "{}: {} properties f_rest; 0, 9, 24 or 45 belong to spherical harmonics of degree 0 to 3", where, count);
  return count / 3;
}

/// Hands the file's bytes to `append` piece by piece.
template <class Append>
void encode(const Gaussians& g, const PlyOptions& options, Append append) {
  const int64_t coefficients = options.all_properties ? kAllCoefficients : g.sh.size(1);
  append(header_text(g.count(), coefficients, options));
  for (int64_t begin = 0; begin < g.count(); begin += kRowsAtOnce) {
    const auto part = change_frame(g.slice(begin, begin + kRowsAtOnce), Frame::kWorld, options.frame);
    const Tensor confidence = options.confidence.defined() ? options.confidence.slice(0, begin, begin + kRowsAtOnce) : Tensor();
    const Tensor rows = file_rows(part, confidence, coefficients);
    append(std::string_view(reinterpret_cast<const char*>(rows.const_data_ptr<float>()), rows.nbytes()));
  }
}

/// On the CPU; throws Error when they cannot be written.
Gaussians checked(const Gaussians& gaussians, const Tensor& confidence, const std::string& where) {
  auto g = gaussians.detach().to(at::kCPU);
  require_finite(g, where + " is not written");
  g.sh_degree();  // throws above degree 3
  if (confidence.defined())
    require(confidence.dim() == 1 && confidence.numel() == g.count() && is_confidence(confidence),
            "{} is not written: the confidence is not one number of 0 to 1 for each Gaussian", where);
  return g;
}

}  // namespace

void write_ply(const std::filesystem::path& path, const Gaussians& gaussians, const PlyOptions& options) {
  const auto g = checked(gaussians, options.confidence, path.string());
  AtomicFile file(path);
  encode(g, options, [&](std::string_view bytes) { file.write(bytes); });
  file.commit();
}

std::string encode_ply(const Gaussians& gaussians, const std::string& where, const PlyOptions& options) {
  std::string file;
  encode(checked(gaussians, options.confidence, where), options, [&](std::string_view bytes) { file += bytes; });
  return file;
}

DecodedRows decode_ply(std::string_view bytes, const std::string& where) {
  const PlyTable table = read_ply_table(bytes, where);
  const PlyHeader& header = table.header;
  require(!header.find("chunk"), "{}: this is a compressed PLY", where);
  const auto& vertex = header.vertex();
  const int64_t rest = rest_per_colour(vertex, where), k = rest + 1;
  const bool flat = !vertex.find("scale_2") && vertex.find("scale_1");
  const auto* red = vertex.find("f_dc_0") ? nullptr : vertex.find("red");

  RowReader reader(table, where);
  Gaussians g;
  g.means = reader.columns({"x", "y", "z"});
  g.quats = reader.columns({"rot_0", "rot_1", "rot_2", "rot_3"});
  g.scales = flat ? reader.columns({"scale_0", "scale_1"}) : reader.columns({"scale_0", "scale_1", "scale_2"});
  g.opacities = reader.columns({"opacity"}).squeeze(1);
  g.sh = at::empty({vertex.count, k, 3}, at::kFloat);
  float* sh = g.sh.mutable_data_ptr<float>();
  const char* const rgb[] = {"red", "green", "blue"};
  for (int64_t colour = 0; colour < 3; ++colour) {
    reader.add(red ? rgb[colour] : fmt::format("f_dc_{}", colour), sh, colour, 3 * k);
    for (int64_t i = 0; i < rest; ++i) reader.add(fmt::format("f_rest_{}", colour * rest + i), sh, 3 * (i + 1) + colour, 3 * k);
  }
  const Tensor confidence = vertex.find("confidence") ? reader.columns({"confidence"}).squeeze(1) : Tensor();
  reader.read();

  g.scales.exp_();
  if (flat) g.scales = at::cat({g.scales, at::full({vertex.count, 1}, kFlat)}, 1);
  g.opacities.sigmoid_();
  if (red) g.sh.slice(1, 0, 1).copy_(rgb_to_sh(g.sh.select(1, 0) / full_scale(red->type)));
  return {g, header.antialiased, header.frame, header.up, {}, confidence};
}

Gaussians read_ply(const std::filesystem::path& path, std::optional<Frame> frame) {
  return checked_rows(decode_ply(read_file(path), path.string()), path.string(), {frame}, Frame::kYDown).gaussians;
}

}  // namespace gsv3d
