// Time, size and memory of writing and reading each file format: bench_formats [GAUSSIANS] [DEGREE]    (default: 2 million, 0)
#include <fmt/format.h>

#include <chrono>

#include "core/error.h"
#include "gaussian_files/gaussian_file.h"
#include "resident_memory.h"

namespace {

using namespace gsv3d;
namespace fs = std::filesystem;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Gaussians some_gaussians(int64_t count, int64_t degree) {
  const auto generator = make_generator(1);
  const auto uniform = [&](at::IntArrayRef shape) { return at::rand(shape, generator, at::kFloat); };
  return {uniform({count, 3}) - 0.5, randn({count, 4}, generator), 0.001 + 0.01 * uniform({count, 3}), uniform({count}),
          0.3 * randn({count, (degree + 1) * (degree + 1), 3}, generator)};
}

}  // namespace

int main(int argc, char** argv) {
  const int64_t count = argc > 1 ? std::atoll(argv[1]) : 2'000'000, degree = argc > 2 ? std::atoll(argv[2]) : 0;
  const auto g = some_gaussians(count, degree);
  const double held =
      static_cast<double>(g.means.nbytes() + g.quats.nbytes() + g.scales.nbytes() + g.opacities.nbytes() + g.sh.nbytes()) / 1e6;
  const fs::path folder = fs::temp_directory_path() / "gsv3d_bench_formats";
  fmt::print("{} Gaussians of degree {}, {:.0f} MB in memory\n", count, degree, held);
  fmt::print(
      "| format | MB | write, s | beyond the Gaussians, MB | read, s | with the Gaussians, MB "
      "|\n|---|---:|---:|---:|---:|---:|\n");
  for (const auto& [name, version] :
       {std::pair{"a.ply", 3}, {"a.glb", 3}, {"a.splat", 3}, {"a.spz", 3}, {"b.spz", 4}, {"a.compressed.ply", 3}}) {
    const fs::path file = folder / name;
    reset_peak();
    const double before_write = resident("VmRSS:"), write_start = now();
    write_gaussians(file, g, {.spz_version = version});
    const double write_seconds = now() - write_start, write_peak = resident("VmHWM:") - before_write;
    reset_peak();
    const double before_read = resident("VmRSS:"), read_start = now();
    require(read_gaussians(file).gaussians.count() == count, "{}: lost Gaussians", name);
    const double read_seconds = now() - read_start;
    fmt::print("| {} | {:.1f} | {:.2f} | {:.0f} | {:.2f} | {:.0f} |\n", version == 4 ? ".spz, version 4" : name + 1,
               static_cast<double>(fs::file_size(file)) / 1e6, write_seconds, write_peak, read_seconds,
               resident("VmHWM:") - before_read);
    fs::remove_all(folder);
  }
}
