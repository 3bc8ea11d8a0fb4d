// Writes a few small honest files for each reader, from which the fuzzer starts: make_corpus FOLDER GOLDENS
#include <fmt/format.h>

#include "core/atomic_file.h"
#include "core/error.h"
#include "gaussian_files/gaussian_file.h"
#include "gaussian_files/sog_source.h"
#include "gaussian_files/spz_streams.h"
#include "sog_members.h"

namespace {

using namespace gsv3d;
namespace fs = std::filesystem;

Gaussians some_gaussians(int64_t count, int64_t coefficients) {
  const auto generator = make_generator(1);
  const auto uniform = [&](at::IntArrayRef shape) { return at::rand(shape, generator, at::kFloat); };
  return {uniform({count, 3}) - 0.5, randn({count, 4}, generator), 0.01 + 0.09 * uniform({count, 3}), uniform({count}),
          0.3 * randn({count, coefficients, 3}, generator)};
}

/// Content of gzip streams (first byte 1) and whole files (first byte 0), as fuzz_spz reads them.
void write_spz_seeds(const fs::path& folder, const std::string& name, const fs::path& file) {
  const std::string bytes = read_file(file);
  write_file(folder / (name + ".whole"), std::string(1, '\0') + bytes);
  if (bytes.starts_with("NGSP")) return;
  const SpzPacked packed = unpack_spz(bytes, name);
  std::string content = "\1NGSP";
  for (const uint32_t number : {uint32_t{3}, packed.count}) content.append(reinterpret_cast<const char*>(&number), 4);
  for (const int byte : {packed.sh_degree, packed.fractional_bits, 0, 0}) content.push_back(static_cast<char>(byte));
  for (const auto& stream : packed.streams) content += stream;
  write_file(folder / (name + ".content"), content);
}

/// Parts without their archive (first byte 1) and whole files (first byte 0), as fuzz_sog reads them.
void write_sog_seeds(const fs::path& folder, const std::string& name, const fs::path& file) {
  const std::string bytes = read_file(file);
  write_file(folder / (name + ".whole"), std::string(1, '\0') + bytes);
  const auto source = open_sog_archive(bytes, name);
  std::string parts = "\1";
  for (size_t i = 0; i < std::size(fuzz::sog_parts); ++i) {
    try {
      parts += fuzz::sog_member(i, source->read(std::string(fuzz::sog_parts[i])));
    } catch (const Error&) {  // degree 0 has no higher coefficients
    }
  }
  write_file(folder / (name + ".parts"), parts);
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) return 2;
  const fs::path folder = arguments[1], goldens = arguments[2];
  const std::pair<const char*, const char*> readers[] = {
      {"ply", ".ply"}, {"compressed_ply", ".compressed.ply"}, {"splat", ".splat"}, {"gltf", ".glb"}, {"spz", ".spz"}};
  for (const int64_t gaussians : {0, 1, 5, 260}) {
    for (const int64_t coefficients : {1, 4, 16}) {
      const std::string name = fmt::format("{}_{}", gaussians, coefficients);
      const auto g = some_gaussians(gaussians, coefficients);
      for (const auto& [reader, extension] : readers) {
        const fs::path file = folder / reader / (name + extension);
        if (std::string_view(reader) != "spz") {
          write_gaussians(file, g, {.ply_all_properties = gaussians == 1});
          continue;
        }
        for (const int version : {3, 4}) {
          write_gaussians(file, g, {.spz_version = version});
          write_spz_seeds(folder / reader, fmt::format("{}_v{}", name, version), file);
          fs::remove(file);
        }
      }
    }
  }
  fs::create_directories(folder / "sog");
  for (const char* name : {"obj_sh0.sog", "obj_sh3.sog"})
    if (fs::exists(goldens / name)) write_sog_seeds(folder / "sog", name, goldens / name);
}
