#include "evaluation/baselines.h"

#include <limits>
#include <map>
#include <memory>
#include <set>

#include "core/cancel.h"
#include "core/error.h"
#include "dataset/shards.h"

namespace gsv3d {
namespace {

Tensor over_white(const Tensor& rgb, const Tensor& alpha) {
  return rgb * alpha + (1 - alpha);
}

/// Bilinear samples of the input [4, S, S] at normalised coordinates [C, H, W, 2] (-1 and 1 at the image's edges), transparent
/// outside. Colours are weighted by alpha, so that the black behind transparent pixels does not bleed in.
ViewSet sample_input(const Tensor& rgba, const Tensor& grid) {
  const Tensor alpha = rgba.slice(0, 3, 4), premultiplied = at::cat({rgba.slice(0, 0, 3) * alpha, alpha});
  const Tensor samples = at::grid_sampler_2d(premultiplied.unsqueeze(0).expand({grid.size(0), -1, -1, -1}), grid, /*bilinear=*/0,
                                             /*zeros=*/0, /*align_corners=*/false);
  const Tensor sampled_alpha = samples.slice(1, 3, 4);
  return {samples.slice(1, 0, 3) + (1 - sampled_alpha), sampled_alpha, {}};
}

ViewSet billboard_views(const EvaluationCase& object, const Cameras& targets) {
  const Cameras input = object.input_camera();
  const Rays rays = camera_rays(targets, targets.height, targets.width);
  const Tensor normal = -input.positions()[0];  // the camera looks at the origin
  // Ray o + t d meets the plane n · x = 0 at t = -(n · o) / (n · d); rays along the plane miss it.
  const Tensor towards = (rays.directions * normal.view({1, 3, 1, 1})).sum(1, /*keepdim=*/true);
  const Tensor offset = (rays.origins * normal).sum(1).view({-1, 1, 1, 1});
  const Tensor distance = -offset / at::where(towards.abs().lt(1e-9), 1e-9, towards);
  const Tensor points = rays.origins.view({-1, 3, 1, 1}) + distance * rays.directions;

  const auto project = [&points](const Tensor& matrix) {  // [4, 4] or [C, 4, 4] → camera coordinates [C, 3, H, W]
    const Tensor batch = matrix.dim() == 2 ? matrix.unsqueeze(0) : matrix;
    const Tensor rotation = batch.slice(1, 0, 3).slice(2, 0, 3).contiguous(),
                 translation = batch.slice(1, 0, 3).slice(2, 3, 4).unsqueeze(-1);
    return (rotation.unsqueeze(-1).unsqueeze(-1) * points.unsqueeze(1)).sum(2) + translation;
  };
  const Tensor seen = project(input.world_to_camera[0]);
  const Tensor k = input.intrinsics[0];
  const Tensor x = (k[0][0] * seen.select(1, 0) / seen.select(1, 2) + k[0][2]) * (2.0 / input.width) - 1;
  const Tensor y = (k[1][1] * seen.select(1, 1) / seen.select(1, 2) + k[1][2]) * (2.0 / input.height) - 1;
  const Tensor in_front = seen.select(1, 2).gt(0).logical_and(distance.squeeze(1).gt(0));
  const Tensor outside = at::full_like(x, 10);
  ViewSet result =
      sample_input(object.input_rgba, at::stack({at::where(in_front, x, outside), at::where(in_front, y, outside)}, -1));
  result.depth = project(targets.world_to_camera).slice(1, 2, 3);
  return result;
}

/// For every case the id of the training object with the most similar input view.
std::vector<std::string> nearest_ids(const std::filesystem::path& shards, const std::vector<EvaluationCase>& cases) {
  std::vector<Tensor> inputs;
  for (const auto& object : cases) inputs.push_back(object.input_rgb);
  const Tensor wanted = at::cat(inputs);
  std::vector<double> best(cases.size(), std::numeric_limits<double>::infinity());
  std::vector<std::string> ids(cases.size());
  read_shards(find_shards(shards), [&](const ObjectViews& views) {
    throw_if_cancelled();
    const Tensor candidate = true_views(views, 0, 1).rgb;
    require(candidate.sizes().slice(1) == wanted.sizes().slice(1), "{}: training views of {} pixels, the evaluated ones have {}",
            views.id, candidate.size(3), wanted.size(3));
    const Tensor errors = (wanted - candidate).square().mean({1, 2, 3});
    for (size_t i = 0; i < cases.size(); ++i) {
      const double error = errors[static_cast<int64_t>(i)].item<double>();
      if (error < best[i]) best[i] = error, ids[i] = views.id;
    }
  });
  require(!ids.empty() && !ids.front().empty(), "{}: no training objects", shards.string());
  return ids;
}

ViewSet views_from_nearest_directions(const std::vector<ObjectViews>& samples, const Cameras& targets) {
  std::vector<Tensor> rgb, alpha, depth, positions;
  for (const auto& sample : samples) {
    const ViewSet views = true_views(sample, 0, sample.rgba.size(0));
    rgb.push_back(views.rgb), alpha.push_back(views.alpha), depth.push_back(views.depth),
        positions.push_back(sample.cameras.positions());
  }
  const auto unit = [](const Tensor& x) { return x / at::linalg_vector_norm(x, 2, {1}, /*keepdim=*/true); };
  const Tensor nearest = at::matmul(unit(targets.positions()), unit(at::cat(positions)).t()).argmax(1);
  return {at::cat(rgb).index_select(0, nearest), at::cat(alpha).index_select(0, nearest),
          at::cat(depth).index_select(0, nearest)};
}

}  // namespace

Method repeated_input_method() {
  const auto predict = [](const EvaluationCase& object, const Cameras& targets) {
    const int64_t count = targets.count();
    const Tensor alpha = object.input_rgba.slice(0, 3, 4).unsqueeze(0);
    return ViewSet{over_white(object.input_rgba.slice(0, 0, 3).unsqueeze(0), alpha).repeat({count, 1, 1, 1}),
                   alpha.repeat({count, 1, 1, 1}),
                   {}};
  };
  return {"input repeated", "the input picture for every camera", predict};
}

Method billboard_method() {
  return {"billboard", "the input picture on a plane through the object's centre facing the input camera", billboard_views};
}

Method nearest_object_method(const std::filesystem::path& training_shards, const std::vector<EvaluationCase>& cases) {
  const std::vector<std::string> ids = cases.empty() ? std::vector<std::string>() : nearest_ids(training_shards, cases);
  const std::set<std::string> needed(ids.begin(), ids.end());
  const auto samples = std::make_shared<std::map<std::string, std::vector<ObjectViews>>>();
  const std::vector<std::filesystem::path> shards = find_shards(training_shards);
  if (!needed.empty())
    read_shards(shards, [&](ObjectViews views) {
      throw_if_cancelled();
      if (needed.count(views.id)) (*samples)[views.id].push_back(std::move(views));
    });
  const auto chosen = std::make_shared<std::map<std::string, std::string>>();
  for (size_t i = 0; i < cases.size(); ++i) (*chosen)[cases[i].truth.id] = ids[i];
  const auto predict = [samples, chosen](const EvaluationCase& object, const Cameras& targets) {
    const auto found = chosen->find(object.truth.id);
    require(found != chosen->end(), "{}: not among the objects the nearest training objects were looked up for", object.truth.id);
    return views_from_nearest_directions(samples->at(found->second), targets);
  };
  return {"nearest training object", "views of the training object whose input view is most similar", predict};
}

}  // namespace gsv3d
