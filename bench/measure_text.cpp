// Whether pictures of words show what the words say, judged without CLIP: a linear classifier, fitted to renders of the training
// objects painted in the named colours, names thing and colour of pictures that a model makes.
//   measure_text MODEL SHARDS [PER_PROMPT] [SEED]
// Things are the last words of names that at least three objects share. Prints accuracy on renders that the fit did not see (the
// mirrored ones) and on pictures of every thing in every colour, as a Markdown table.
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

#include "core/error.h"
#include "image/picture.h"
#include "image/resize.h"
#include "pipeline/text_pictures.h"
#include "training/object_names.h"
#include "training/training_set.h"

namespace {

using namespace gsv3d;

constexpr int64_t side = 16;  // pixels of what the classifier sees

/// Pictures [B, 3 or 4, S, S] over white → rows of what the classifier sees, and a one.
Tensor features(const Tensor& pictures) {
  const Tensor small = at::_adaptive_avg_pool2d(pictures.narrow(1, 0, 3), {side, side}).flatten(1);
  return at::cat({small - 1, at::ones({small.size(0), 1})}, 1);
}

/// Ridge regression to one column per class.
Tensor fitted(const Tensor& rows, const Tensor& classes, int64_t count) {
  constexpr double ridge = 0.3;
  const Tensor x = rows.to(at::kDouble), y = at::one_hot(classes, count).to(at::kDouble) - 1.0 / static_cast<double>(count);
  const Tensor normal = at::matmul(x.t(), x) + ridge * at::eye(x.size(1), at::TensorOptions(at::kDouble));
  return at::linalg_solve(normal, at::matmul(x.t(), y)).to(at::kFloat);
}

double accuracy(const Tensor& rows, const Tensor& weights, const Tensor& classes) {
  return at::matmul(rows, weights).argmax(1).eq(classes).to(at::kDouble).mean().item<double>();
}

/// Renders of every object of a thing, in every colour; classes beside them.
struct Renders {
  std::vector<Tensor> rows;
  std::vector<int64_t> things, colors;
  Tensor all() const { return at::cat(rows); }
};

Renders renders_of(const TrainingSet& set, const std::map<std::string, std::vector<std::string>>& names,
                   const std::vector<std::string>& things, bool mirrored) {
  Renders result;
  for (int64_t i = 0; i < set.size(); ++i) {
    const auto name = names.find(set.orbit(i).id);
    if (name == names.end()) continue;
    const auto thing = std::find(things.begin(), things.end(), name->second.back());
    if (thing == things.end()) continue;
    for (const int64_t offset : {int64_t{-1}, int64_t{0}, int64_t{1}}) {
      const int64_t view = set.orbit(i).first + (offset + set.orbit_views()) % set.orbit_views();
      const Tensor straight = straight_views(set, {view}, {mirrored}, at::kCPU);
      for (size_t color = 0; color < named_colors().size(); ++color) {
        const Tensor rgb = at::tensor(at::ArrayRef<float>(named_colors()[color].rgb)).unsqueeze(0);
        result.rows.push_back(features(picture(painted(straight, rgb))));
        result.things.push_back(thing - things.begin());
        result.colors.push_back(static_cast<int64_t>(color));
      }
    }
  }
  return result;
}

std::vector<std::string> things_of(const TrainingSet& set, const std::map<std::string, std::vector<std::string>>& names) {
  std::map<std::string, std::set<std::string>> objects;
  for (int64_t i = 0; i < set.size(); ++i)
    if (const auto name = names.find(set.orbit(i).id); name != names.end()) objects[name->second.back()].insert(name->first);
  std::vector<std::string> things;
  for (const auto& [thing, ids] : objects)
    if (ids.size() >= 3) things.push_back(thing);
  return things;
}

void run(const std::string& folder, const std::string& shards, int64_t per_prompt, uint64_t seed) {
  const c10::NoGradGuard no_grad;
  const TrainingSet set = load_training_set({{shards, 1}}, /*with_depth=*/false);
  const auto names = object_names(shards);
  const std::vector<std::string> things = things_of(set, names);
  const auto count = static_cast<int64_t>(things.size()), colors = static_cast<int64_t>(named_colors().size());
  const Renders seen = renders_of(set, names, things, false), unseen = renders_of(set, names, things, true);
  const Tensor thing_weights = fitted(seen.all(), at::tensor(seen.things), count);
  const Tensor color_weights = fitted(seen.all(), at::tensor(seen.colors), colors);
  const TextModel model = load_text_model(folder, {});
  std::vector<Tensor> rows;
  std::vector<int64_t> asked_things, asked_colors;
  TextOptions options;
  options.matting = false, options.seed = seed, options.candidates = per_prompt;
  for (int64_t thing = 0; thing < count; ++thing) {
    for (int64_t color = 0; color < colors; ++color) {
      const std::string words = named_colors()[static_cast<size_t>(color)].name + " " + things[static_cast<size_t>(thing)];
      for (const PictureCandidate& made : make_pictures(model, words, options).candidates) {
        rows.push_back(features(to_tensor(made.picture).narrow(0, 0, 3).unsqueeze(0)));
        asked_things.push_back(thing), asked_colors.push_back(color);
      }
    }
  }
  const Tensor made = at::cat(rows);
  fmt::print("| what is named | chance | mirrored renders | pictures of the model ({}) |\n|---|---:|---:|---:|\n", rows.size());
  fmt::print("| thing, of {} | {:.3f} | {:.3f} | {:.3f} |\n", count, 1.0 / static_cast<double>(count),
             accuracy(unseen.all(), thing_weights, at::tensor(unseen.things)),
             accuracy(made, thing_weights, at::tensor(asked_things)));
  fmt::print("| colour, of {} | {:.3f} | {:.3f} | {:.3f} |\n", colors, 1.0 / static_cast<double>(colors),
             accuracy(unseen.all(), color_weights, at::tensor(unseen.colors)),
             accuracy(made, color_weights, at::tensor(asked_colors)));
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
