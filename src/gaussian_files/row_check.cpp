#include "gaussian_files/row_check.h"

#include "core/error.h"

namespace gsv3d {
namespace {

/// One way in which rows are bad: a mask [G], and how it is told.
struct RowFault {
  Tensor rows;
  const char* what;
};

Tensor all_of_row(const Tensor& mask) {
  return mask.dim() == 1 ? mask : mask.flatten(1).all(1);
}

/// A row has one fault at the most: the first that fits.
std::vector<RowFault> find_faults(const Gaussians& g) {
  const Tensor no_place = all_of_row(g.means == 0), no_rotation = all_of_row(g.quats == 0),
               nothing_to_see = all_of_row(g.scales == 0).logical_and(g.opacities == 0);
  const Tensor zeros = no_place.logical_and(no_rotation.logical_or(nothing_to_see));
  Tensor finite = at::isfinite(g.opacities);
  for (const Tensor* part : {&g.means, &g.quats, &g.scales, &g.sh}) finite = finite.logical_and(all_of_row(at::isfinite(*part)));
  const Tensor in_range = all_of_row(g.scales >= 0).logical_and(g.opacities >= 0).logical_and(g.opacities <= 1);
  return {{zeros, "filled with zeros, as in a file that was cut off"},
          {zeros.logical_or(finite).logical_not(), "with values that are not finite"},
          {zeros.logical_or(finite.logical_not()).logical_or(in_range).logical_not(),
           "with negative scales or opacities outside 0 to 1"}};
}

/// Which rows are Gaussians, as indices; undefined: all.
Tensor good_rows(const Gaussians& g, const std::string& where, bool strict, std::vector<std::string>& warnings) {
  const std::vector<RowFault> faults = find_faults(g);
  Tensor good = at::ones({g.count()}, at::kBool);
  std::vector<std::string> found;
  int64_t bad = 0, zeros = 0;
  for (const RowFault& fault : faults) {
    const Tensor rows = fault.rows.nonzero().squeeze(1);
    if (rows.numel() == 0) continue;
    found.push_back(fmt::format("{} {} (the first is number {})", rows.numel(), fault.what, rows[0].item<int64_t>()));
    good = good.logical_and(fault.rows.logical_not());
    (&fault == faults.data() ? zeros : bad) += rows.numel();
  }
  if (found.empty()) return {};
  const std::string told = fmt::format("{} of {} rows are no Gaussians: {}", bad + zeros, g.count(), fmt::join(found, ", "));
  require(!strict, "{}: {}", where, told);
  require(bad + zeros < g.count() && 2 * bad <= g.count() - zeros, "{}: damaged, or no file of Gaussians: {}", where, told);
  warnings.push_back(told + "; they are left out");
  return good.nonzero().squeeze(1);
}

}  // namespace

GaussianFile checked_rows(DecodedRows rows, const std::string& where, const ReadOptions& options, Frame usual) {
  GaussianFile file{{}, rows.antialiased, std::move(rows.warnings), rows.confidence};
  Gaussians g = rows.gaussians;
  if (const Tensor good = good_rows(g, where, options.strict, file.warnings); good.defined()) {
    g = g.select(good);
    if (file.confidence.defined()) file.confidence = file.confidence.index_select(0, good);
  }
  if (file.confidence.defined() && !is_confidence(file.confidence)) {
    file.warnings.emplace_back("its property \"confidence\" is no number of 0 to 1, and is left out");
    file.confidence = Tensor();
  }
  const Tensor norms = g.quats.norm(2, 1, true);
  g.quats = at::where(norms > 1e-12, g.quats / norms.clamp_min(1e-12), at::tensor({1.0f, 0.0f, 0.0f, 0.0f}));
  const bool by_up = rows.up && !rows.frame && !options.frame;
  file.gaussians =
      by_up ? turned_upright(g, *rows.up) : change_frame(g, options.frame.value_or(rows.frame.value_or(usual)), Frame::kWorld);
  return file;
}

bool is_confidence(const Tensor& values) {
  return values.ge(0).logical_and(values.le(1)).all().item<bool>();
}

}  // namespace gsv3d
