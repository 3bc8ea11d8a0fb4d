// Whether pictures of words show what the words say, judged without CLIP: a linear classifier, fitted to renders of the training
// objects painted in the named colours, names thing and colour of the pictures that a model makes.
//   measure_text MODEL SHARDS [PER_PROMPT] [SEED]
// Things are the last words of names whose objects belong to at least four groups of near-duplicates. Prints a Markdown table of
// how often it is right: about renders of groups that it was not fitted to (four folds), without which the rest would say
// nothing; about those that it was fitted to; and about pictures of every thing in every colour.
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <numbers>

#include "core/error.h"
#include "core/progress.h"
#include "image/picture.h"
#include "pipeline/text_pictures.h"
#include "training/object_names.h"
#include "training/training_set.h"

namespace {

using namespace gsv3d;

constexpr int64_t folds = 4;

/// How far pixels [B, 3, S, S] stand out from white, [B, 1, S, S].
Tensor distance_from_white(const Tensor& pictures) {
  return (1 - pictures).abs().amax(1, /*keepdim=*/true);
}

/// [B, 8·8·8] square roots of gradients' histograms: 8 directions without sign in 8 × 8 cells (Dalal and Triggs 2005), of what
/// stands out from white, its largest value brought to 1. What colour an object has matters little to them.
Tensor shape_features(const Tensor& pictures) {
  constexpr int64_t directions = 8, cells = 8;
  const Tensor far = distance_from_white(pictures);
  const Tensor height = far / far.amax({2, 3}, true).clamp_min(1e-3);
  const Tensor padded = at::replication_pad2d(height, {1, 1, 1, 1});
  const int64_t side = height.size(3);
  const auto shifted = [&](int64_t y, int64_t x) { return padded.narrow(2, 1 + y, side).narrow(3, 1 + x, side); };
  const Tensor dx = shifted(0, 1) - shifted(0, -1), dy = shifted(1, 0) - shifted(-1, 0);
  const Tensor length = (dx.square() + dy.square()).sqrt();
  const Tensor place = at::atan2(dy, dx).remainder(std::numbers::pi) * (directions / std::numbers::pi);
  std::vector<Tensor> histogram;
  for (int64_t k = 0; k < directions; ++k) {
    const Tensor away = (place - static_cast<double>(k)).abs();
    histogram.push_back(length * (1 - at::minimum(away, static_cast<double>(directions) - away)).clamp_min(0));
  }
  return at::adaptive_avg_pool2d(at::cat(histogram, 1), {cells, cells}).sqrt().flatten(1);
}

/// [B, 27] means of the colours that stand out from white, all alike and those farther from it more, and the means' products.
Tensor color_features(const Tensor& pictures) {
  constexpr double paper = 0.04;
  const Tensor far = distance_from_white(pictures);
  const Tensor weight = far * (far > paper);
  const auto mean = [&](const Tensor& w) { return (pictures * w).sum({2, 3}) / w.sum({2, 3}).clamp_min(1e-3); };
  const Tensor means = at::cat({mean(weight), mean(weight.square())}, 1);
  std::vector<Tensor> columns = {means};
  for (int64_t i = 0; i < means.size(1); ++i) columns.push_back(means.narrow(1, i, 1) * means.slice(1, i));
  return at::cat(columns, 1);
}

/// One-against-all ridge regression [columns + 1, count], every class of the same weight however many rows it has.
Tensor fitted(const Tensor& rows, const Tensor& classes, int64_t count, double ridge) {
  const Tensor x = at::cat({rows, at::ones({rows.size(0), 1})}, 1).to(at::kDouble);
  const Tensor y = 2 * at::one_hot(classes, count).to(at::kDouble) - 1;
  Tensor weight = (1 / at::bincount(classes, {}, count).to(at::kDouble)).index({classes}).unsqueeze(1);
  weight = weight / weight.sum();
  Tensor normal = at::matmul(x.t(), x * weight);
  normal = normal + ridge * normal.diagonal().mean() * at::eye(x.size(1), normal.options());
  return at::linalg_solve(normal, at::matmul(x.t(), y * weight)).to(at::kFloat);
}

/// How often the class is the first, or among the first three, that the classifier names; each class of the same weight.
struct Hits {
  double first = 0, among_three = 0;
};

/// For each row, at how many classes the classifier would guess before the right one.
Tensor ranks(const Tensor& rows, const Tensor& weights, const Tensor& classes) {
  const Tensor scores = at::matmul(at::cat({rows, at::ones({rows.size(0), 1})}, 1), weights);
  return scores.gt(scores.gather(1, classes.unsqueeze(1))).sum(1);
}

Hits hits(const Tensor& ranks, const Tensor& classes, int64_t count) {
  Hits mean;
  for (int64_t c = 0; c < count; ++c) {
    const Tensor own = ranks.index({classes == c});
    mean.first += own.eq(0).to(at::kDouble).mean().item<double>() / static_cast<double>(count);
    mean.among_three += own.lt(3).to(at::kDouble).mean().item<double>() / static_cast<double>(count);
  }
  return mean;
}

/// Rows of features and what is asked of them.
struct Samples {
  std::vector<Tensor> shapes, colors;
  std::vector<int64_t> thing_of, color_of, fold_of;
  void add(const Tensor& pictures, int64_t thing, int64_t color, int64_t fold) {
    shapes.push_back(shape_features(pictures)), colors.push_back(color_features(pictures));
    for (int64_t i = 0; i < pictures.size(0); ++i) thing_of.push_back(thing), color_of.push_back(color), fold_of.push_back(fold);
  }
};

/// One question about samples: which class, told by which features.
struct Question {
  Tensor rows, classes, folds;
  int64_t count = 0;
  double ridge = 0;

  Tensor weights_without(int64_t fold) const {
    const Tensor kept = folds != fold;
    return fitted(rows.index({kept}), classes.index({kept}), count, ridge);
  }
  Hits of_other_groups() const {
    Tensor all = at::empty_like(classes);
    for (int64_t fold = 0; fold < ::folds; ++fold) {
      const Tensor held = folds == fold;
      all.index_put_({held}, ranks(rows.index({held}), weights_without(fold), classes.index({held})));
    }
    return hits(all, classes, count);
  }
  /// By a classifier of all renders.
  Hits of(const Question& asked) const {
    return hits(ranks(asked.rows, weights_without(-1), asked.classes), asked.classes, count);
  }
};

Question thing_question(const Samples& samples, int64_t count) {
  return {at::cat(samples.shapes), at::tensor(samples.thing_of), at::tensor(samples.fold_of), count, 1.0};
}

Question color_question(const Samples& samples) {
  const auto count = static_cast<int64_t>(named_colors().size());
  return {at::cat(samples.colors), at::tensor(samples.color_of), at::tensor(samples.fold_of), count, 1e-2};
}

/// Thing → its groups of near-duplicates, in the order of the shards.
using Things = std::map<std::string, std::vector<std::string>>;

Things things_of(const TrainingSet& set, const std::map<std::string, std::vector<std::string>>& names) {
  constexpr size_t fewest_groups = 4;
  Things things;
  for (int64_t i = 0; i < set.size(); ++i) {
    const auto name = names.find(set.orbit(i).id);
    if (name == names.end()) continue;
    std::vector<std::string>& groups = things[name->second.back()];
    if (std::find(groups.begin(), groups.end(), set.orbit(i).group) == groups.end()) groups.push_back(set.orbit(i).group);
  }
  std::erase_if(things, [](const auto& thing) { return thing.second.size() < fewest_groups; });
  require(!things.empty(), "no word names objects of {} groups", fewest_groups);
  return things;
}

/// Three views about the front of every object of a thing, in every colour.
Samples renders_of(const TrainingSet& set, const std::map<std::string, std::vector<std::string>>& names, const Things& things) {
  Samples result;
  for (int64_t i = 0; i < set.size(); ++i) {
    const TrainingSet::Orbit& orbit = set.orbit(i);
    const auto name = names.find(orbit.id);
    const auto thing = name == names.end() ? things.end() : things.find(name->second.back());
    if (thing == things.end()) continue;
    const auto group = std::find(thing->second.begin(), thing->second.end(), orbit.group) - thing->second.begin();
    const int64_t last = orbit.first + set.orbit_views() - 1;
    const Tensor straight = straight_views(set, {last, orbit.first, orbit.first + 1}, {false, false, false}, at::kCPU);
    for (size_t color = 0; color < named_colors().size(); ++color) {
      const Tensor rgb = at::tensor(at::ArrayRef<float>(named_colors()[color].rgb)).unsqueeze(0);
      result.add(picture(painted(straight, rgb)).narrow(1, 0, 3), std::distance(things.begin(), thing),
                 static_cast<int64_t>(color), group % folds);
    }
  }
  return result;
}

/// Every thing in every colour, as the model shows it, brought to the renders' size.
Samples pictures_of(const TextModel& model, const Things& things, int64_t size, int64_t per_prompt, uint64_t seed) {
  Samples result;
  TextOptions options;
  options.matting = false, options.seed = seed, options.candidates = per_prompt;
  Progress bar("pictures", static_cast<int64_t>(things.size() * named_colors().size()));
  int64_t index = 0, done = 0;
  for (const auto& [thing, groups] : things) {
    for (size_t color = 0; color < named_colors().size(); ++color) {
      for (const PictureCandidate& made : make_pictures(model, named_colors()[color].name + " " + thing, options).candidates) {
        const Tensor pixels = to_tensor(made.picture).narrow(0, 0, 3).unsqueeze(0);
        result.add(at::adaptive_avg_pool2d(pixels, {size, size}), index, static_cast<int64_t>(color), 0);
      }
      bar.update(++done);
    }
    ++index;
  }
  return result;
}

void print_row(const std::string& what, double chance, double others, double seen, double made) {
  fmt::print("| {} | {:.3f} | {:.3f} | {:.3f} | {:.3f} |\n", what, chance, others, seen, made);
}

void run(const std::string& folder, const std::string& shards, int64_t per_prompt, uint64_t seed) {
  const c10::NoGradGuard no_grad;
  const TextModel model = load_text_model(folder, {});
  const TrainingSet set = load_training_set({{shards, 1}}, /*with_depth=*/false);
  const auto names = object_names(shards);
  const Things things = things_of(set, names);
  const auto count = static_cast<int64_t>(things.size());
  const Samples renders = renders_of(set, names, things);
  const Samples made = pictures_of(model, things, set.image_size(), per_prompt, seed);
  fmt::print("| named rightly | chance | renders of other objects ({}) | renders that it was fitted to | pictures ({}) |\n",
             renders.thing_of.size(), made.thing_of.size());
  fmt::print("|---|---:|---:|---:|---:|\n");
  const Question thing = thing_question(renders, count), color = color_question(renders);
  const Hits others = thing.of_other_groups(), seen = thing.of(thing), shown = thing.of(thing_question(made, count));
  const double one = 1 / static_cast<double>(count);
  print_row(fmt::format("thing, of {}", count), one, others.first, seen.first, shown.first);
  print_row("thing, among three named", 3 * one, others.among_three, seen.among_three, shown.among_three);
  print_row(fmt::format("colour, of {}", color.count), 1 / static_cast<double>(color.count), color.of_other_groups().first,
            color.of(color).first, color.of(color_question(made)).first);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    fmt::print(stderr, "use: measure_text MODEL SHARDS [PER_PROMPT] [SEED]\n");
    return 2;
  }
  at::set_num_threads(1);
  try {
    run(argv[1], argv[2], argc > 3 ? std::atoll(argv[3]) : 1, argc > 4 ? std::strtoull(argv[4], nullptr, 10) : 1);
  } catch (const std::exception& error) {
    fmt::print(stderr, "measure_text: {}\n", error.what());
    return 1;
  }
}
