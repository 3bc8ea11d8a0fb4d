#include "evaluation/method.h"

#include "core/error.h"

namespace gsv3d {

ViewSet true_views(const ObjectViews& views, int64_t begin, int64_t end) {
  const Tensor rgba = views.rgba.slice(0, begin, end).to(at::kFloat) / 255;
  const Tensor alpha = rgba.slice(1, 3, 4), rgb = rgba.slice(1, 0, 3) * alpha + (1 - alpha);
  return {rgb, alpha, views.depth.slice(0, begin, end).unsqueeze(1)};
}

ObjectViews recolored(ObjectViews views) {
  const Tensor source = at::tensor({2, 0, 1, 3}, at::kLong);  // the new red is the old blue, and so on
  views.rgba = views.rgba.index_select(1, source);
  return views;
}

EvaluationCase make_case(ObjectViews views, uint64_t seed) {
  require(views.orbit_views > 1 && views.rgba.dim() == 4 && views.rgba.size(0) >= views.orbit_views &&
              views.rgba.size(2) == views.rgba.size(3),
          "{}: an evaluation needs square views on an orbit", views.id);
  EvaluationCase result;
  result.seed = seed;
  result.input_rgba = views.rgba[0].to(at::kFloat) / 255;
  result.input_rgb = true_views(views, 0, 1).rgb;
  result.truth = std::move(views);
  return result;
}

}  // namespace gsv3d
