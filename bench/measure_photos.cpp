// What further photos of an object bring: validation objects from 1, 2, 3 and 4 of their own views, at azimuths of about 0, 180,
// 90 and 270 degrees, scored at the views that none of them shows; without the photos' own pixels on the surface unless "surface"
// is said:
//   measure_photos MODEL SHARDS [LIMIT] [THREADS] [surface]
#include <c10/core/GradMode.h>
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>

#include "core/error.h"
#include "evaluation/gaussian_views.h"
#include "evaluation/model_methods.h"
#include "evaluation/statistics.h"
#include "image/picture.h"
#include "measured_objects.h"
#include "pipeline/pipeline.h"

namespace {

using namespace gsv3d;

constexpr int most_photos = 4;

/// The orbit's view nearest to each of the azimuths.
std::vector<int64_t> photo_views(int64_t orbit_views) {
  std::vector<int64_t> views;
  for (const double azimuth : {0.0, 180.0, 90.0, 270.0})
    views.push_back(std::llround(azimuth / 360 * static_cast<double>(orbit_views)) % orbit_views);
  return views;
}

/// A stored view, as a photo that is framed already.
PreparedPhoto photo_of_view(const EvaluationCase& object, int64_t view) {
  const Tensor rgba = object.truth.rgba[view].to(at::kFloat) / 255;
  const Image cutout = to_image(rgba);
  return {cutout, cutout, picture(rgba.unsqueeze(0))};
}

struct Row {
  std::vector<double> psnr, iou;
};

void measure(const Model& model, const EvaluationCase& object, bool with_surface, std::vector<Row>& rows) {
  const c10::NoGradGuard no_grad;
  const int64_t orbit = object.truth.orbit_views, all = object.truth.rgba.size(0);
  const std::vector<int64_t> taken = photo_views(orbit);
  std::vector<int64_t> others;
  for (int64_t view = 0; view < all; ++view)
    if (std::find(taken.begin(), taken.end(), view) == taken.end()) others.push_back(view);
  const Tensor which = at::tensor(others, at::kLong);
  const ViewSet everything = true_views(object.truth, 0, all);
  const ViewSet truth = {everything.rgb.index_select(0, which), everything.alpha.index_select(0, which), {}};
  for (int photos = 1; photos <= most_photos; ++photos) {
    std::vector<FurtherPhoto> further;
    for (int i = 1; i < photos; ++i)
      further.push_back(
          {photo_of_view(object, taken[i]), 360.0 * static_cast<double>(taken[i]) / static_cast<double>(orbit), {}, "view"});
    GenerateOptions options;
    options.seed = object.seed;
    options.photo_surface = with_surface;
    options.elevation_degrees = object.elevation_degrees();
    const Result result = generate(model, photo_of_view(object, 0), options, {}, {}, std::move(further));
    const ViewSet seen = views_of_gaussians(*result.gaussians, object.truth.cameras.select(which), object.truth.id);
    const Scores scores = score_views({seen.rgb, seen.alpha, {}}, truth);
    rows[photos - 1].psnr.push_back(scores.psnr), rows[photos - 1].iou.push_back(scores.mask_iou);
  }
}

void print(const std::vector<Row>& rows) {
  fmt::print("| photos | dB | mask IoU | more than with one, dB | 95 % | IoU | 95 % |\n|---:|---:|---:|---:|---|---:|---|\n");
  for (size_t i = 0; i < rows.size(); ++i) {
    const PairedDifference psnr = paired_difference(rows[i].psnr, rows[0].psnr),
                           iou = paired_difference(rows[i].iou, rows[0].iou);
    const MeanAndError mean = mean_and_error(rows[i].psnr);
    fmt::print("| {} | {:.2f} ± {:.2f} | {:.3f} | {:+.2f} ± {:.2f} | {:+.2f} … {:+.2f} | {:+.3f} | {:+.3f} … {:+.3f} |\n", i + 1,
               mean.mean, mean.standard_error, mean_and_error(rows[i].iou).mean, psnr.over.mean, psnr.over.standard_error,
               psnr.interval.low, psnr.interval.high, iou.over.mean, iou.interval.low, iou.interval.high);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return fmt::print(stderr, "measure_photos MODEL SHARDS [LIMIT] [THREADS] [surface]\n"), 2;
  try {
    const Model model = load_model(argv[1], {});
    const bool with_surface = argc > 5 && std::string(argv[5]) == "surface";
    std::vector<Row> rows(most_photos);
    for (const EvaluationCase& object : measured_objects(model, argc, argv)) {
      measure(model, object, with_surface, rows);
      fmt::print(stderr, "{}: {:.2f} {:.2f} {:.2f} {:.2f} dB\n", object.truth.id, rows[0].psnr.back(), rows[1].psnr.back(),
                 rows[2].psnr.back(), rows[3].psnr.back());
    }
    print(rows);
  } catch (const std::exception& error) {
    fmt::print(stderr, "measure_photos: {}\n", error.what());
    return 1;
  }
  return 0;
}
