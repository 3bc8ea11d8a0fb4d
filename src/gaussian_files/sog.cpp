#include "gaussian_files/sog.h"

#include "core/error.h"

#if defined(GSV3D_HAS_LIBZIP) && defined(GSV3D_HAS_WEBP)
#include <webp/decode.h>

#include <array>
#include <nlohmann/json.hpp>
#include <numbers>

#include "gaussian_files/limits.h"
#include "gaussian_files/sog_source.h"
#endif

namespace gsv3d {

#if defined(GSV3D_HAS_LIBZIP) && defined(GSV3D_HAS_WEBP)
namespace {

using nlohmann::json;

constexpr size_t kCodes = 256;  // a byte of a picture
constexpr int64_t kPalettePerRow = 64, kLargestPalette = 65536;

struct Pixels {
  int64_t width = 0, height = 0;
  std::vector<uint8_t> rgba;

  const uint8_t* at(int64_t index) const { return rgba.data() + 4 * index; }
};

struct Document {
  const SogSource& source;
  const json& meta;
  const std::string& where;
  int version;

  const json& member(const json& object, const char* key) const {
    const auto found = object.is_object() ? object.find(key) : object.end();
    require(object.is_object() && found != object.end(), "{}: damaged: meta.json lacks \"{}\"", where, key);
    return *found;
  }
  std::vector<float> numbers(const json& object, const char* key, size_t count) const {
    json list = member(object, key);
    if (list.is_number()) list = json(std::vector<json>(count, list));  // version 1 has one for all of its harmonics
    require(list.is_array() && list.size() >= count, "{}: damaged: \"{}\" in meta.json needs {} numbers", where, key, count);
    std::vector<float> values;
    for (size_t i = 0; i < count; ++i) {
      require(list[i].is_number() && std::abs(list[i].get<double>()) < 1e30, "{}: damaged: \"{}\" in meta.json", where, key);
      values.push_back(list[i].get<float>());
    }
    return values;
  }
  /// What the bytes of each of a section's channels stand for: version 2 has one codebook for all, version 1 a range for each.
  std::vector<std::vector<float>> tables(const json& section, size_t channels) const {
    if (version == 1) {
      const auto low = numbers(section, "mins", channels), high = numbers(section, "maxs", channels);
      std::vector<std::vector<float>> ranges(channels, std::vector<float>(kCodes));
      for (size_t c = 0; c < channels; ++c)
        for (size_t code = 0; code < kCodes; ++code)
          ranges[c][code] = low[c] + (high[c] - low[c]) * static_cast<float>(code) / (kCodes - 1);
      return ranges;
    }
    json section_with_numbers = section;
    json& codebook = section_with_numbers["codebook"];
    if (codebook.is_array() && codebook.size() >= kCodes && codebook[0].is_null() && codebook[1].is_number() &&
        codebook[kCodes - 1].is_number()) {
      const double second = codebook[1].get<double>(), last = codebook[kCodes - 1].get<double>();
      codebook[0] = second + (second - last) / (kCodes - 1);  // as PlayCanvas' engine fills it
    }
    return std::vector<std::vector<float>>(channels, numbers(section_with_numbers, "codebook", kCodes));
  }
  /// The image `files[index]` of a section, with `least` to `most` pixels: the values, and the padding of a last row.
  Pixels image(const char* section, size_t index, int64_t least) const { return image(section, index, least, 4 * least + 65536); }
  Pixels image(const char* section, size_t index, int64_t least, int64_t most) const {
    const json& files = member(member(meta, section), "files");
    require(files.is_array() && index < files.size() && files[index].is_string(), "{}: damaged: the files of \"{}\"", where,
            section);
    const std::string name = files[index].get<std::string>(), bytes = source.read(name);
    const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
    int width = 0, height = 0;
    require(WebPGetInfo(data, bytes.size(), &width, &height) != 0, "{}: {} is no WebP image", where, name);
    require(int64_t{width} * height >= least && int64_t{width} * height <= most,
            "{}: damaged: {} has {} x {} pixels for {} values", where, name, width, height, least);
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

/// Red, green and blue of every pixel through their tables; alpha as 0-1, in version 1 a logit of a range of its own.
std::pair<Tensor, Tensor> read_coded(const Document& document, const char* section, int64_t count, bool with_alpha) {
  const bool logit = with_alpha && document.version == 1;
  const auto tables = document.tables(document.member(document.meta, section), logit ? 4 : 3);
  const Pixels image = document.image(section, 0, count);
  const Tensor values = at::empty({count, 3}, at::kFloat), alpha = at::empty({count}, at::kFloat);
  for (int64_t i = 0; i < count; ++i) {
    const uint8_t* pixel = image.at(i);
    for (int c = 0; c < 3; ++c) values.mutable_data_ptr<float>()[3 * i + c] = tables[c][pixel[c]];
    alpha.mutable_data_ptr<float>()[i] = logit ? tables[3][pixel[3]] : static_cast<float>(pixel[3]) / 255;
  }
  return {values, logit ? alpha.sigmoid() : alpha};
}

/// Coefficients per colour besides the constant one, and entries of the palette.
std::pair<int64_t, int64_t> palette_size(const Document& document, const json& section) {
  if (document.version == 1) {
    const json& shape = document.member(section, "shape");
    require(shape.is_array() && shape.size() == 2 && (shape[1] == 9 || shape[1] == 24 || shape[1] == 45),
            "{}: damaged: \"shN\" in meta.json", document.where);
    return {shape[1].get<int64_t>() / 3, 0};
  }
  const json &bands = document.member(section, "bands"), &entries = document.member(section, "count");
  require(bands.is_number_unsigned() && bands >= 1 && bands <= 3 && entries.is_number_unsigned() && entries <= kLargestPalette,
          "{}: damaged: \"shN\" in meta.json", document.where);
  const auto degree = bands.get<int64_t>();
  return {(degree + 1) * (degree + 1) - 1, entries.get<int64_t>()};
}

/// A label for each Gaussian names an entry of a palette, whose bytes go through a table. → [count, K-1, 3].
Tensor read_harmonics(const Document& document, int64_t count) {
  const json& section = document.member(document.meta, "shN");
  const auto [coefficients, told] = palette_size(document, section);
  const auto table = document.tables(section, 1).front();
  const Pixels labels = document.image("shN", 1, count);
  // Version 1 does not tell how many entries there are: the picture does, whose size is bounded by that of the largest palette.
  const Pixels centroids =
      document.version == 1 ? document.image("shN", 0, 0, kLargestPalette * 15) : document.image("shN", 0, told * coefficients);
  const int64_t entries = document.version == 1 ? centroids.height * kPalettePerRow : told;
  // Version 1 keeps 15 places for the coefficients of lower degrees, too.
  const int64_t per_entry = document.version == 1 ? centroids.width / kPalettePerRow : coefficients;
  require(centroids.width == kPalettePerRow * per_entry && per_entry >= coefficients, "{}: damaged: a palette {} pixels wide",
          document.where, centroids.width);
  const Tensor sh = at::empty({count, coefficients, 3}, at::kFloat);
  float* target = sh.mutable_data_ptr<float>();
  for (int64_t i = 0; i < count; ++i) {
    const int64_t label = labels.at(i)[0] | labels.at(i)[1] << 8;
    require(label < entries && label / kPalettePerRow < centroids.height,
            "{}: damaged: Gaussian {} has the palette entry {} of {}", document.where, i, label, entries);
    const int64_t first = label / kPalettePerRow * centroids.width + label % kPalettePerRow * per_entry;
    for (int64_t k = 0; k < coefficients; ++k)
      for (int c = 0; c < 3; ++c) *target++ = table[centroids.at(first + k)[c]];
  }
  return sh;
}

/// How many Gaussians there are.
int64_t count_of(const Document& document) {
  json number = document.version == 1 ? document.member(document.member(document.meta, "means"), "shape")
                                      : document.member(document.meta, "count");
  if (document.version == 1) number = number.is_array() && !number.empty() ? json(number[0]) : json();
  require(number.is_number_unsigned(), "{}: damaged: the number of Gaussians in meta.json", document.where);
  require_plausible_count(number.get<uint64_t>(), document.source.size(), document.where);
  return number.get<int64_t>();
}

}  // namespace

bool can_read_sog() {
  return true;
}

DecodedRows decode_sog(std::string_view bytes, const std::filesystem::path& path) {
  const std::string where = path.string();
  const bool archive = bytes.starts_with("PK");
  const auto source =
      archive ? open_sog_archive(bytes, where) : open_sog_folder(path.parent_path().empty() ? "." : path.parent_path(), where);
  const std::string text = archive ? source->read("meta.json") : std::string(bytes);
  const json meta = json::parse(text, nullptr, /*allow_exceptions=*/false);
  require(meta.is_object(), "{}: damaged: its meta.json cannot be parsed", where);
  const json version = meta.value("version", json(1));
  require(version == 1 || version == 2, "{}: SOG version {}; versions 1 and 2 can be read", where, version.dump());
  const Document document{*source, meta, where, version.get<int>()};
  const json encoding = document.member(meta, "quats").value("encoding", json("quaternion_packed"));
  require(encoding == "quaternion_packed", "{}: rotations of the encoding {} cannot be read", where, encoding.dump());
  const int64_t count = count_of(document);

  Gaussians g;
  g.means = read_means(document, count);
  g.quats = read_rotations(document, count);
  g.scales = read_coded(document, "scales", count, false).first.exp();
  Tensor colours;
  std::tie(colours, g.opacities) = read_coded(document, "sh0", count, true);
  g.sh = colours.unsqueeze(1);
  if (meta.contains("shN")) g.sh = at::cat({g.sh, read_harmonics(document, count)}, 1);
  return {g, meta.value("antialias", json(false)) == true};
}

#else

bool can_read_sog() {
  return false;
}

DecodedRows decode_sog(std::string_view, const std::filesystem::path& path) {
  fail("{}: this build cannot read SOG files (it lacks libzip or libwebp: configure with GSV3D_WITH_OBJECT_FILES=ON)",
       path.string());
}

#endif

bool is_sog_meta(std::string_view bytes, const std::filesystem::path& path) {
  return path.extension() == ".json" && bytes.substr(0, 64).find('{') != std::string_view::npos &&
         bytes.find("\"means\"") != std::string_view::npos;
}

}  // namespace gsv3d
