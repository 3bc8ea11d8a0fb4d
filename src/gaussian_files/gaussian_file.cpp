#include "gaussian_files/gaussian_file.h"

#include "core/atomic_file.h"
#include "core/error.h"
#include "core/log.h"
#include "gaussian_files/compressed_ply.h"
#include "gaussian_files/gltf_splats.h"
#include "gaussian_files/ply_header.h"
#include "gaussian_files/sog.h"
#include "gaussian_files/splat_file.h"
#include "gaussian_files/spz.h"

namespace gsv3d {
namespace {

constexpr size_t kLargestFile = size_t{32} << 30;

std::string lower_name(const std::filesystem::path& path) {
  std::string name = path.filename().string();
  for (char& letter : name)
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  return name;
}

GaussianFormat format_of_content(std::string_view bytes, const std::filesystem::path& path) {
  if (bytes.starts_with("ply\n") || bytes.starts_with("ply\r\n"))
    return parse_ply_header(bytes, path.string()).find("chunk") ? GaussianFormat::kCompressedPly : GaussianFormat::kPly;
  if (bytes.starts_with("NGSP") || bytes.starts_with("\x1f\x8b")) return GaussianFormat::kSpz;
  if (bytes.starts_with("PK\x03\x04") || is_sog_meta(bytes, path)) return GaussianFormat::kSog;
  if (bytes.starts_with("glTF")) return GaussianFormat::kGltf;
  require(lower_name(path).ends_with(".splat"),
          "{}: not a file of Gaussians (PLY, compressed PLY, .splat, SPZ, SOG and GLB can be read)", path.string());
  return GaussianFormat::kSplat;
}

DecodedRows decode_rows(std::string_view bytes, const std::filesystem::path& path, GaussianFormat format) {
  const std::string where = path.string();
  switch (format) {
    case GaussianFormat::kPly:
      return decode_ply(bytes, where);
    case GaussianFormat::kCompressedPly:
      return decode_compressed_ply(bytes, where);
    case GaussianFormat::kSplat:
      return decode_splat(bytes, where);
    case GaussianFormat::kSpz:
      return decode_spz(bytes, where);
    case GaussianFormat::kSog:
      return decode_sog(bytes, path);
    case GaussianFormat::kGltf:
      return decode_gltf_splats(bytes, where);
  }
  return {};
}

}  // namespace

const char* format_name(GaussianFormat format) {
  switch (format) {
    case GaussianFormat::kPly:
      return "3DGS PLY";
    case GaussianFormat::kCompressedPly:
      return "compressed PLY";
    case GaussianFormat::kSplat:
      return ".splat";
    case GaussianFormat::kSpz:
      return "SPZ";
    case GaussianFormat::kSog:
      return "SOG";
    case GaussianFormat::kGltf:
      return "glTF (KHR_gaussian_splatting, release candidate)";
  }
  return "";
}

Frame usual_frame(GaussianFormat format) {
  return format == GaussianFormat::kSpz || format == GaussianFormat::kGltf ? Frame::kWorld : Frame::kYDown;
}

GaussianFormat format_of_name(const std::filesystem::path& path) {
  const std::string name = lower_name(path);
  const std::pair<const char*, GaussianFormat> endings[] = {{".compressed.ply", GaussianFormat::kCompressedPly},
                                                            {".ply", GaussianFormat::kPly},
                                                            {".splat", GaussianFormat::kSplat},
                                                            {".spz", GaussianFormat::kSpz},
                                                            {".sog", GaussianFormat::kSog},
                                                            {".glb", GaussianFormat::kGltf}};
  for (const auto& [ending, format] : endings)
    if (name.ends_with(ending)) return format;
  throw UsageError(
      fmt::format("{}: its name says no format of Gaussians: .ply, .compressed.ply, .splat, .spz, .glb (and .sog for reading)",
                  path.string()));
}

GaussianFile decode_gaussians(std::string_view bytes, const std::filesystem::path& path, const ReadOptions& options) {
  const std::string where = path.string();
  const GaussianFormat format = format_of_content(bytes, path);
  return checked_rows(decode_rows(bytes, path, format), where, options, usual_frame(format));
}

GaussianFile read_gaussians(const std::filesystem::path& path, const ReadOptions& options) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    require(std::filesystem::exists(path / "meta.json", ignored), "{}: a folder without the meta.json of a SOG", path.string());
    return read_gaussians(path / "meta.json", options);
  }
  GaussianFile file = decode_gaussians(read_file(path, kLargestFile), path, options);
  for (const std::string& warning : file.warnings) spdlog::warn("{}: {}", path.string(), warning);
  return file;
}

void write_gaussians(const std::filesystem::path& path, const Gaussians& gaussians, const WriteOptions& options) {
  const GaussianFormat format = format_of_name(path);
  const Frame frame = options.frame.value_or(usual_frame(format));
  const PlyOptions ply = {.frame = frame,
                          .all_properties = options.ply_all_properties,
                          .antialiased = options.antialiased,
                          .confidence = options.confidence};
  switch (format) {
    case GaussianFormat::kPly:
      return write_ply(path, gaussians, ply);
    case GaussianFormat::kCompressedPly:
      return write_compressed_ply(path, gaussians, ply);
    case GaussianFormat::kSplat:
      return write_splat(path, gaussians, frame);
    case GaussianFormat::kSpz:
      return write_spz(path, gaussians, frame, {options.spz_version, options.antialiased});
    case GaussianFormat::kSog:
      throw UsageError(fmt::format("{}: SOG files can be read but not written; .spz is as small", path.string()));
    case GaussianFormat::kGltf:
      return write_gltf_splats(path, gaussians, frame);
  }
}

}  // namespace gsv3d
