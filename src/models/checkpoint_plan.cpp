#include "models/checkpoint_plan.h"

#include <algorithm>
#include <set>

#include "core/error.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

std::string shape_text(at::IntArrayRef shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

/// The first few of many names.
std::string some(const std::vector<std::string>& names) {
  const size_t shown = std::min<size_t>(names.size(), 3);
  return fmt::format("{}{}", fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), ", "),
                     shown < names.size() ? ", ..." : "");
}

/// Extents of 1 do not count: [C, C, 1, 1] is what a linear layer's [C, C] becomes.
std::vector<int64_t> without_ones(at::IntArrayRef shape) {
  std::vector<int64_t> kept;
  for (const int64_t extent : shape)
    if (extent != 1) kept.push_back(extent);
  return kept;
}

/// What the recipe makes, from the headers alone.
std::vector<int64_t> made_shape(const Checkpoint& source, const TensorRecipe& recipe) {
  std::vector<int64_t> shape = source.entry(recipe.parts.front()).shape;
  for (size_t i = 1; i < recipe.parts.size(); ++i) {
    const auto& part = source.entry(recipe.parts[i]).shape;
    if (part.empty() || part.size() != shape.size() || !std::equal(part.begin() + 1, part.end(), shape.begin() + 1)) return {};
    shape.front() += part.front();
  }
  if (recipe.transposed) std::reverse(shape.begin(), shape.end());
  return shape;
}

/// What is wrong with the source, collected to be said in one line.
struct Problems {
  std::vector<std::string> missing, misshapen;
  size_t planned = 0;

  void report(const std::string& kind, const fs::path& path, const std::vector<std::string>& unknown) const {
    if (missing.empty() && misshapen.empty()) return;
    std::string text;
    if (!missing.empty()) text += fmt::format("{} of {} tensors missing ({}); ", missing.size(), planned, some(missing));
    if (!misshapen.empty()) text += fmt::format("{} of another shape ({}); ", misshapen.size(), some(misshapen));
    if (!unknown.empty()) text += fmt::format("{} unknown ({}); ", unknown.size(), some(unknown));
    text.resize(text.size() - 2);
    const bool other_size = misshapen.size() > planned / 4;
    fail("{}: not a complete {} checkpoint: {}{}", path.string(), kind, text,
         other_size ? ": a model of other widths; give them with --config" : "");
  }
};

PlannedPart plan_part(const std::string& name, const NamedTensors& shapes, const CheckpointLayout& layout, Problems& problems) {
  PlannedPart part{name, layout.sources.at(name), {}};
  const Checkpoint& source = *part.source;
  for (const auto& [tensor_name, tensor] : shapes) {
    PlannedTensor planned{tensor_name, tensor.sizes().vec(), layout.recipe(name, tensor_name)};
    ++problems.planned;
    const auto absent = std::find_if(planned.recipe.parts.begin(), planned.recipe.parts.end(),
                                     [&](const std::string& source_name) { return !source.contains(source_name); });
    if (absent != planned.recipe.parts.end()) {
      problems.missing.push_back(*absent);
      continue;
    }
    for (const std::string& source_name : planned.recipe.parts)
      require(at::isFloatingType(source.entry(source_name).dtype), "{}: tensor \"{}\" is not of a floating-point type",
              source.path().string(), source_name);
    const auto shape = made_shape(source, planned.recipe);
    if (without_ones(shape) != without_ones(planned.shape)) {
      problems.misshapen.push_back(fmt::format("{} is {}, not {}", planned.recipe.parts.front(),
                                               shape_text(source.entry(planned.recipe.parts.front()).shape),
                                               shape_text(planned.shape)));
    }
    part.tensors.push_back(std::move(planned));
  }
  return part;
}

std::string unknown_reason(const CheckpointLayout& layout) {
  return "unknown to " + layout.kind;
}

std::vector<IgnoredTensors> find_ignored(const CheckpointLayout& layout, const std::vector<PlannedPart>& parts) {
  std::map<const Checkpoint*, std::set<std::string>> used;
  for (const PlannedPart& part : parts)
    for (const PlannedTensor& tensor : part.tensors)
      used[part.source.get()].insert(tensor.recipe.parts.begin(), tensor.recipe.parts.end());
  std::map<std::string, std::vector<std::string>> by_reason;
  std::set<const Checkpoint*> seen;
  for (const auto& [part, source] : layout.sources) {
    if (!seen.insert(source.get()).second) continue;
    for (const std::string& name : source->names()) {
      if (used[source.get()].count(name)) continue;
      const std::string_view reason = layout.ignored_reason(part, name);
      by_reason[reason.empty() ? unknown_reason(layout) : std::string(reason)].push_back(name);
    }
  }
  std::vector<IgnoredTensors> ignored;
  for (auto& [reason, names] : by_reason) ignored.push_back({reason, std::move(names)});
  return ignored;
}

}  // namespace

PlannedParts plan_parts(const CheckpointLayout& layout, const std::vector<std::pair<std::string, NamedTensors>>& parts,
                        const fs::path& path) {
  PlannedParts plan;
  Problems problems;
  for (const auto& [name, shapes] : parts) plan.parts.push_back(plan_part(name, shapes, layout, problems));
  plan.ignored = find_ignored(layout, plan.parts);
  std::vector<std::string> unknown;
  for (const IgnoredTensors& group : plan.ignored)
    if (group.reason == unknown_reason(layout)) unknown = group.names;
  problems.report(layout.kind, path, unknown);
  return plan;
}

Tensor read_planned(const Checkpoint& source, const PlannedTensor& planned) {
  const TensorRecipe& recipe = planned.recipe;
  std::vector<Tensor> parts;
  for (const std::string& name : recipe.parts) parts.push_back(source.tensor(name));
  const Tensor whole = parts.size() == 1 ? parts.front() : at::cat(parts);
  return (recipe.transposed ? whole.t() : whole).reshape(planned.shape);
}

void release_planned(const Checkpoint& source, const PlannedTensor& planned) {
  for (const std::string& name : planned.recipe.parts) source.release(name);
}

}  // namespace gsv3d
