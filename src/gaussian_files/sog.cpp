#include "gaussian_files/sog.h"

#include "core/error.h"

#if defined(GSV3D_HAS_LIBZIP) && defined(GSV3D_HAS_WEBP)
#include <webp/decode.h>
#include <zip.h>

#include <nlohmann/json.hpp>
#include <numbers>

#include "gaussian_files/limits.h"
#endif

namespace gsv3d {

#if defined(GSV3D_HAS_LIBZIP) && defined(GSV3D_HAS_WEBP)
namespace {

using nlohmann::json;

constexpr uint64_t kLargestMember = uint64_t{1} << 30;
constexpr int64_t kCodebook = 256, kPalettePerRow = 64;

/// The members of a zip archive in memory.
class Archive {
 public:
  Archive(std::string_view bytes, const std::string& where) : where_(where), size_(bytes.size()) {
    zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, nullptr);
    require(source != nullptr, "{}: not enough memory", where);
    archive_ = zip_open_from_source(source, ZIP_RDONLY, nullptr);
    if (!archive_) zip_source_free(source);
    require(archive_ != nullptr, "{}: damaged: not a zip archive", where);
  }
  ~Archive() { zip_discard(archive_); }
  Archive(const Archive&) = delete;
  Archive& operator=(const Archive&) = delete;

  std::string read(const std::string& name) const {
    zip_stat_t stat;
    require(zip_stat(archive_, name.c_str(), 0, &stat) == 0 && (stat.valid & ZIP_STAT_SIZE), "{}: damaged: it lacks {}", where_,
            name);
    require(stat.size <= kLargestMember && stat.size <= 1024 * size_, "{}: damaged: {} would be {} bytes", where_, name,
            stat.size);
    const std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> file(zip_fopen(archive_, name.c_str(), 0), &zip_fclose);
    require(file != nullptr, "{}: damaged: {} cannot be read", where_, name);
    std::string content(stat.size, '\0');
    char beyond;
    require(zip_fread(file.get(), content.data(), content.size()) == static_cast<int64_t>(stat.size) &&
                zip_fread(file.get(), &beyond, 1) == 0,
            "{}: {} is damaged", where_, name);
    return content;
  }

 private:
  const std::string& where_;
  size_t size_;
  zip_t* archive_ = nullptr;
};

struct Pixels {
  int64_t width = 0, height = 0;
  std::vector<uint8_t> rgba;

  const uint8_t* at(int64_t index) const { return rgba.data() + 4 * index; }
};

struct Document {
  const Archive& archive;
  const json& meta;
  const std::string& where;

  const json& member(const json& object, const char* key) const {
    const auto found = object.is_object() ? object.find(key) : object.end();
    require(object.is_object() && found != object.end(), "{}: damaged: meta.json lacks \"{}\"", where, key);
    return *found;
  }
  std::vector<float> numbers(const json& object, const char* key, size_t count) const {
    const json& list = member(object, key);
    require(list.is_array() && list.size() >= count, "{}: damaged: \"{}\" in meta.json needs {} numbers", where, key, count);
    std::vector<float> values;
    for (size_t i = 0; i < count; ++i) {
      require(list[i].is_number() && std::abs(list[i].get<double>()) < 1e30, "{}: damaged: \"{}\" in meta.json", where, key);
      values.push_back(list[i].get<float>());
    }
    return values;
  }
  /// The image `files[index]` of a section, with at least `pixels` pixels.
  Pixels image(const char* section, size_t index, int64_t pixels) const {
    const json& files = member(member(meta, section), "files");
    require(files.is_array() && index < files.size() && files[index].is_string(), "{}: damaged: the files of \"{}\"", where,
            section);
    const std::string name = files[index].get<std::string>(), bytes = archive.read(name);
    const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
    int width = 0, height = 0;
    require(WebPGetInfo(data, bytes.size(), &width, &height) != 0, "{}: {} is no WebP image", where, name);
    // At most one pixel for each Gaussian and the padding of its last row.
    require(int64_t{width} * height >= pixels && int64_t{width} * height <= 4 * pixels + 65536,
            "{}: damaged: {} has {} x {} pixels for {} values", where, name, width, height, pixels);
    Pixels image{width, height, std::vector<uint8_t>(size_t{4} * width * height)};
    require(WebPDecodeRGBAInto(data, bytes.size(), image.rgba.data(), image.rgba.size(), 4 * width) != nullptr,
            "{}: {} is damaged", where, name);
    return image;
  }
};

/// 16 bits over two images, between bounds in sign(x) ln(1 + |x|).
Tensor read_means(const Document& document, int64_t count) {
  const json& section = document.member(document.meta, "means");
  const auto low = document.numbers(section, "mins", 3), high = document.numbers(section, "maxs", 3);
  const Pixels lower = document.image("means", 0, count), upper = document.image("means", 1, count);
  const Tensor means = at::empty({count, 3}, at::kFloat);
  float* target = means.mutable_data_ptr<float>();
  for (int64_t i = 0; i < count; ++i) {
    for (int c = 0; c < 3; ++c) {
      const auto code = static_cast<float>(lower.at(i)[c] | upper.at(i)[c] << 8);
      const float range = high[c] > low[c] ? high[c] - low[c] : 1, value = low[c] + range * code / 65535;
      *target++ = std::copysign(std::exp(std::abs(value)) - 1, value);
    }
  }
  return means;
}

/// The index of the largest of w, x, y, z in alpha, the others in red, green and blue.
Tensor read_rotations(const Document& document, int64_t count) {
  const Pixels image = document.image("quats", 0, count);
  const Tensor quats = at::empty({count, 4}, at::kFloat);
  for (int64_t i = 0; i < count; ++i) {
    const uint8_t* pixel = image.at(i);
    float* q = quats.mutable_data_ptr<float>() + 4 * i;
    const int largest = pixel[3] >= 252 ? pixel[3] - 252 : 0;
    float squares = 0;
    for (int k = 0, c = 0; k < 4; ++k) {
      if (k == largest) continue;
      q[k] = pixel[3] >= 252 ? (static_cast<float>(pixel[c]) / 255 - 0.5f) * std::numbers::sqrt2_v<float> : 0;
      squares += q[k] * q[k];
      ++c;
    }
    q[largest] = std::sqrt(std::max(0.0f, 1 - squares));
  }
  return quats;
}

/// Red, green and blue of every pixel through a table of 256 numbers; alpha as 0-1.
std::pair<Tensor, Tensor> read_coded(const Document& document, const char* section, int64_t count) {
  const auto codebook = document.numbers(document.member(document.meta, section), "codebook", kCodebook);
  const Pixels image = document.image(section, 0, count);
  const Tensor values = at::empty({count, 3}, at::kFloat), alpha = at::empty({count}, at::kFloat);
  for (int64_t i = 0; i < count; ++i) {
    for (int c = 0; c < 3; ++c) values.mutable_data_ptr<float>()[3 * i + c] = codebook[image.at(i)[c]];
    alpha.mutable_data_ptr<float>()[i] = static_cast<float>(image.at(i)[3]) / 255;
  }
  return {values, alpha};
}

/// A label for each Gaussian names an entry of a palette, whose bytes go through a codebook. → [count, K-1, 3].
Tensor read_harmonics(const Document& document, int64_t count) {
  const json& section = document.member(document.meta, "shN");
  const json &bands = document.member(section, "bands"), &palette = document.member(section, "count");
  require(bands.is_number_unsigned() && bands >= 1 && bands <= 3 && palette.is_number_unsigned() && palette <= 65536,
          "{}: damaged: \"shN\" in meta.json", document.where);
  const auto degree = bands.get<int64_t>(), entries = palette.get<int64_t>(), coefficients = (degree + 1) * (degree + 1) - 1;
  const auto codebook = document.numbers(section, "codebook", kCodebook);
  const Pixels labels = document.image("shN", 1, count);
  const Pixels centroids = document.image("shN", 0, entries * coefficients);
  require(centroids.width == kPalettePerRow * coefficients, "{}: damaged: a palette {} pixels wide", document.where,
          centroids.width);
  const Tensor sh = at::empty({count, coefficients, 3}, at::kFloat);
  float* target = sh.mutable_data_ptr<float>();
  for (int64_t i = 0; i < count; ++i) {
    const int64_t label = labels.at(i)[0] | labels.at(i)[1] << 8;
    require(label < entries && label / kPalettePerRow < centroids.height,
            "{}: damaged: Gaussian {} has the palette entry {} of {}", document.where, i, label, entries);
    const int64_t first = label / kPalettePerRow * centroids.width + label % kPalettePerRow * coefficients;
    for (int64_t k = 0; k < coefficients; ++k)
      for (int c = 0; c < 3; ++c) *target++ = codebook[centroids.at(first + k)[c]];
  }
  return sh;
}

}  // namespace

bool can_read_sog() {
  return true;
}

GaussianFile decode_sog(std::string_view bytes, const std::string& where, Frame frame) {
  const Archive archive(bytes, where);
  const json meta = json::parse(archive.read("meta.json"), nullptr, /*allow_exceptions=*/false);
  require(meta.is_object(), "{}: damaged: its meta.json cannot be parsed", where);
  require(meta.value("version", json(1)) == 2, "{}: only SOG version 2 can be read", where);
  const Document document{archive, meta, where};
  const json& number = document.member(meta, "count");
  require(number.is_number_unsigned(), "{}: damaged: \"count\" in meta.json", where);
  require_plausible_count(number.get<uint64_t>(), bytes.size(), where);
  const auto count = number.get<int64_t>();

  Gaussians g;
  g.means = read_means(document, count);
  g.quats = read_rotations(document, count);
  g.scales = read_coded(document, "scales", count).first.exp();
  Tensor colours;
  std::tie(colours, g.opacities) = read_coded(document, "sh0", count);
  g.sh = colours.unsqueeze(1);
  if (meta.contains("shN")) g.sh = at::cat({g.sh, read_harmonics(document, count)}, 1);
  require_finite(g, where);
  return {change_frame(g, frame, Frame::kWorld), meta.value("antialias", json(false)) == true};
}

#else

bool can_read_sog() {
  return false;
}

GaussianFile decode_sog(std::string_view, const std::string& where, Frame) {
  fail("{}: this build cannot read SOG files (it lacks libzip or libwebp: configure with GSV3D_WITH_OBJECT_FILES=ON)", where);
}

#endif

}  // namespace gsv3d
