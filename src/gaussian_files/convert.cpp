#include "gaussian_files/convert.h"

#include "core/error.h"
#include "gaussians/similarity.h"

namespace gsv3d {

ConvertReport convert_gaussians(const std::filesystem::path& from, const std::filesystem::path& to,
                                const ConvertOptions& options) {
  if (!(options.scale > 0 && options.scale <= 1e6)) throw UsageError(fmt::format("a scale of {} is not possible", options.scale));
  format_of_name(to);  // a name that says nothing is found out before the work
  const GaussianFile file = read_gaussians(from, options.read);
  Gaussians g = file.gaussians;
  ConvertReport report;
  report.read = g.count();
  WriteOptions write = options.write;
  write.antialiased = file.antialiased;
  write.confidence = file.confidence;
  if (options.min_opacity > 0) {
    const Tensor seen = g.opacities >= options.min_opacity;
    g = g.select(seen);
    if (write.confidence.defined()) write.confidence = write.confidence.index({seen});
  }
  if (options.sh_degree) {
    const int64_t kept = (*options.sh_degree + 1) * (*options.sh_degree + 1);
    if (kept < g.sh.size(1)) g.sh = g.sh.slice(1, 0, kept);
  }
  if (options.scale != 1) g = transform(g, {.scale = options.scale});
  write_gaussians(to, g, write);
  report.written = g.count();
  report.sh_degree = g.sh_degree();
  return report;
}

}  // namespace gsv3d
