#include "evaluation/score_columns.h"

#include <map>

namespace gsv3d {
namespace {

/// A column of one of the structs that an object's scores consist of.
template <class Part>
struct PartScore {
  const char *name, *label;
  int digits;
  bool higher_is_better;
  double Part::*of;
  bool on_demand = false;
};

constexpr PartScore<Scores> view_scores[] = {{"psnr", "PSNR, dB", 2, true, &Scores::psnr},
                                             {"ssim_zero_pad", "SSIM (zero pad)", 3, true, &Scores::ssim_zero_pad},
                                             {"ssim_valid", "SSIM (valid)", 3, true, &Scores::ssim_valid},
                                             {"mask_iou", "mask IoU", 3, true, &Scores::mask_iou},
                                             {"depth_error", "depth error", 3, false, &Scores::depth_error},
                                             {"lpips_alex", "LPIPS (Alex)", 3, false, &Scores::lpips_alex, true},
                                             {"lpips_vgg", "LPIPS (VGG)", 3, false, &Scores::lpips_vgg, true},
                                             {"clip_similarity", "CLIP", 3, true, &Scores::clip_similarity, true},
                                             {"dino_similarity", "DINO", 3, true, &Scores::dino_similarity, true},
                                             {"clip_iqa", "CLIP-IQA", 3, true, &Scores::clip_iqa, true}};

constexpr PartScore<GeometryScores> surface_scores[] = {
    {"chamfer", "Chamfer", 4, false, &GeometryScores::chamfer},
    {"f_score_1", "F at 0.01", 3, true, &GeometryScores::f_score_1},
    {"f_score_2", "F at 0.02", 3, true, &GeometryScores::f_score_2},
    {"f_score_5", "F at 0.05", 3, true, &GeometryScores::f_score_5},
    {"normal_consistency", "normals", 3, true, &GeometryScores::normal_consistency},
    {"volume_iou", "volume IoU", 3, true, &GeometryScores::volume_iou}};

constexpr PartScore<ConsistencyScores> consistency_scores[] = {
    {"render_psnr", "PSNR to the object, dB", 2, true, &ConsistencyScores::render_psnr},
    {"render_mask_iou", "mask IoU to the object", 3, true, &ConsistencyScores::render_mask_iou},
    {"near_color_error", "near color error", 4, false, &ConsistencyScores::near_color_error},
    {"near_outline_error", "near outline error", 4, false, &ConsistencyScores::near_outline_error},
    {"far_color_error", "far color error", 4, false, &ConsistencyScores::far_color_error},
    {"far_outline_error", "far outline error", 4, false, &ConsistencyScores::far_outline_error},
    {"fit_psnr", "PSNR of a fit, dB", 2, true, &ConsistencyScores::fit_psnr},
    {"half_psnr", "PSNR between halves, dB", 2, true, &ConsistencyScores::half_psnr},
    {"half_ssim", "SSIM between halves (valid)", 3, true, &ConsistencyScores::half_ssim},
    {"half_mask_iou", "mask IoU between halves", 3, true, &ConsistencyScores::half_mask_iou}};

std::vector<ScoreColumn> all_columns() {
  std::vector<ScoreColumn> columns;
  for (const auto& [group, views] : {std::pair{"orbit", &ObjectScores::orbit}, std::pair{"random", &ObjectScores::random}})
    for (const PartScore<Scores>& score : view_scores)
      columns.push_back({group, score.name, score.label, score.digits, score.higher_is_better, score.on_demand,
                         [views = views, of = score.of](const ObjectScores& object) { return object.*views.*of; }});
  for (const PartScore<GeometryScores>& score : surface_scores)
    columns.push_back({"geometry", score.name, score.label, score.digits, score.higher_is_better, score.on_demand,
                       [of = score.of](const ObjectScores& object) { return object.geometry.*of; }});
  for (const PartScore<GeometryScores>& score : surface_scores)
    if (score.of != &GeometryScores::volume_iou)
      columns.push_back({"sparse", score.name, score.label, score.digits, score.higher_is_better, true,
                         [of = score.of](const ObjectScores& object) { return object.sparse.*of; }});
  for (const PartScore<ConsistencyScores>& score : consistency_scores)
    columns.push_back({"views", score.name, score.label, score.digits, score.higher_is_better, true,
                       [of = score.of](const ObjectScores& object) { return object.views.*of; }});
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
