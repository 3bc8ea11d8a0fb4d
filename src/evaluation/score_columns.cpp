#include "evaluation/score_columns.h"

#include <map>

namespace gsv3d {
namespace {

struct ViewScore {
  const char *name, *label;
  int digits;
  bool higher_is_better;
  double Scores::*of;
};

constexpr ViewScore view_scores[] = {{"psnr", "PSNR, dB", 2, true, &Scores::psnr},
                                     {"ssim_zero_pad", "SSIM (zero pad)", 3, true, &Scores::ssim_zero_pad},
                                     {"ssim_valid", "SSIM (valid)", 3, true, &Scores::ssim_valid},
                                     {"mask_iou", "mask IoU", 3, true, &Scores::mask_iou},
                                     {"depth_error", "depth error", 3, false, &Scores::depth_error}};

struct SurfaceScore {
  const char *name, *label;
  int digits;
  bool higher_is_better;
  double GeometryScores::*of;
};

constexpr SurfaceScore surface_scores[] = {{"chamfer", "Chamfer", 4, false, &GeometryScores::chamfer},
                                           {"f_score_1", "F at 0.01", 3, true, &GeometryScores::f_score_1},
                                           {"f_score_2", "F at 0.02", 3, true, &GeometryScores::f_score_2},
                                           {"f_score_5", "F at 0.05", 3, true, &GeometryScores::f_score_5},
                                           {"normal_consistency", "normals", 3, true, &GeometryScores::normal_consistency},
                                           {"volume_iou", "volume IoU", 3, true, &GeometryScores::volume_iou}};

std::vector<ScoreColumn> all_columns() {
  std::vector<ScoreColumn> columns;
  for (const auto& [group, views] : {std::pair{"orbit", &ObjectScores::orbit}, std::pair{"random", &ObjectScores::random}})
    for (const ViewScore& score : view_scores)
      columns.push_back({group, score.name, score.label, score.digits, score.higher_is_better,
                         [views = views, of = score.of](const ObjectScores& object) { return object.*views.*of; }});
  for (const SurfaceScore& score : surface_scores)
    columns.push_back({"geometry", score.name, score.label, score.digits, score.higher_is_better,
                       [of = score.of](const ObjectScores& object) { return object.geometry.*of; }});
  return columns;
}

}  // namespace

const std::vector<ScoreColumn>& score_columns() {
  static const std::vector<ScoreColumn> columns = all_columns();
  return columns;
}

std::vector<double> column_values(const MethodScores& method, const ScoreColumn& column) {
  std::vector<double> values;
  for (const auto& object : method.objects) values.push_back(column.of(object));
  return values;
}

PairedDifference difference_to(const MethodScores& method, const MethodScores& reference, const ScoreColumn& column) {
  std::map<std::string, double> known;
  for (const auto& object : reference.objects) known[object.id] = column.of(object);
  std::vector<double> values, references;
  for (const auto& object : method.objects) {
    const auto found = known.find(object.id);
    if (found == known.end()) continue;
    values.push_back(column.of(object));
    references.push_back(found->second);
  }
  return paired_difference(values, references);
}

}  // namespace gsv3d
