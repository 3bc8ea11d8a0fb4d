// Time of the rasterizer beside plain_rasterizer.h, in alternating runs, after checking that both give the same images and
// gradients; then where the time goes; last, both for all scenes as the tables of docs/performance.md; then the GPU's, where
// there is one. bench_rasterizer [rounds] [part of a scene's name]
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <fmt/core.h>
#include <torch/csrc/autograd/autograd.h>

#include <cstdlib>
#include <cstring>
#include <memory>

#include "bound_scene.h"
#include "clocks.h"
#include "core/error.h"
#include "plain_rasterizer.h"
#include "rasterizer/cpu/binning.h"
#include "rasterizer/cpu/blending.h"
#include "rasterizer/rasterizer.h"
#include "rasterizer/workspace.h"
#include "rasterizer_on_gpu.h"

namespace gsv3d {
namespace {

struct Case {
  const char* name;
  int64_t scenes, gaussians, views, size;
  double deviation;  ///< mean standard deviation of the Gaussians, pixels
};

constexpr float kWhite[3] = {1, 1, 1};

/// Everything of one case: the same Gaussians and pixel gradients for both rasterizers.
class Contest {
 public:
  explicit Contest(const Case& c) : case_(c), cameras_(c.scenes, orbit_cameras(c.views, 15, c.size)) {
    const auto generator = make_generator(7);
    for (int64_t i = 0; i < c.scenes; ++i) {
      auto g = shell(c.gaussians, c.size, c.deviation, 100 + i);
      bound_.push_back(std::make_unique<BoundScene>(g, cameras_[i]));
      plain_.push_back(std::make_unique<PlainRasterizer>(bound_.back()->projection, kWhite));
      gaussians_.push_back(g.detach());
      for (auto* leaf : leaves(gaussians_.back())) leaf->requires_grad_(true);
      v_tensors_.push_back({randn({c.views, 3, c.size, c.size}, generator), randn({c.views, 1, c.size, c.size}, generator),
                            randn({c.views, 1, c.size, c.size}, generator)});
      v_images_.push_back(images_of(v_tensors_.back()));
      plain_gradients_.push_back(gaussians_.back().detach());
      for (auto* tensor : leaves(plain_gradients_.back())) *tensor = at::empty_like(*tensor);
    }
  }

  void forward() {
    const c10::NoGradGuard no_grad;
    rasterize_batch(gaussians_, cameras_, at::ones({3}), options_);
  }
  std::vector<Rendering> forward_and_backward() { return forward_and_backward(options_); }
  std::vector<Rendering> forward_and_backward(const RasterizeOptions& options) {
    for (auto& g : gaussians_)
      for (auto* leaf : leaves(g)) leaf->mutable_grad() = Tensor();
    auto renderings = rasterize_batch(gaussians_, cameras_, at::ones({3}), options);
    std::vector<Tensor> outputs, v_outputs;
    for (size_t i = 0; i < renderings.size(); ++i) {
      outputs.insert(outputs.end(), {renderings[i].rgb, renderings[i].alpha, renderings[i].depth});
      v_outputs.insert(v_outputs.end(), v_tensors_[i].begin(), v_tensors_[i].end());
    }
    torch::autograd::backward(outputs, v_outputs);
    return renderings;
  }
  void plain_forward() {
    for (auto& plain : plain_) plain->forward();
  }
  void plain_forward_and_backward() {
    for (size_t i = 0; i < plain_.size(); ++i) {
      plain_[i]->forward();
      const auto& g = plain_gradients_[i];
      plain_[i]->backward(v_images_[i],
                          {data(g.means), data(g.quats), data(g.scales), data(g.opacities), data(g.sh), nullptr, nullptr});
    }
  }

  /// Fails unless both give the same images to 1e-3 and gradients to 5e-3 (they are 1e-5 apart as a rule). Where alpha is 1/255
  /// up to rounding, one may take a splat and the other not, so that of a pixel in a hundred thousand a difference of up to 1/255
  /// (of the largest depth, in depth) is no error, and one such pixel may be 1e-3 of a gradient's norm.
  void check() {
    const auto renderings = forward_and_backward();
    plain_forward_and_backward();
    double image = 0, gradient = 0, off = 0, values = 0;
    const auto compare = [&](const Tensor& mine, const std::vector<float>& theirs, float largest) {
      const Tensor difference = (mine - at::from_blob(const_cast<float*>(theirs.data()), mine.sizes())).abs() / largest;
      image = std::max(image, difference.max().item<double>());
      off += (difference > 1e-3).sum().item<double>(), values += static_cast<double>(difference.numel());
    };
    for (size_t i = 0; i < plain_.size(); ++i) {
      const auto& images = plain_[i]->forward();
      for (int64_t v = 0; v < case_.views; ++v) {
        const auto& depth = images[v].depth;
        compare(renderings[i].rgb[v], images[v].rgb, 1);
        compare(renderings[i].alpha[v], images[v].alpha, 1);
        compare(renderings[i].depth[v], depth, std::max(1.0f, *std::max_element(depth.begin(), depth.end())));
      }
      const auto mine = leaves(gaussians_[i]), theirs = leaves(plain_gradients_[i]);
      for (size_t k = 0; k < mine.size(); ++k)
        gradient = std::max(gradient, ((mine[k]->grad() - *theirs[k]).norm() / theirs[k]->norm()).item<double>());
    }
    fmt::print(
        "{}\n  largest difference to the plain loop: image {:.1e} ({} values of {} above 1e-3), gradients {:.1e} (relative)\n",
        case_.name, image, off, values, gradient);
    require(off <= 1e-5 * values && image <= 5e-3 && gradient <= 5e-3, "the two rasterizers disagree");
  }

  const BoundScene& first() const { return *bound_.front(); }
  const std::vector<Tensor>& first_v() const { return v_tensors_.front(); }

 private:
  static std::vector<Tensor*> leaves(Gaussians& g) { return {&g.means, &g.quats, &g.scales, &g.opacities, &g.sh}; }
  static std::vector<PlainImages> images_of(const std::vector<Tensor>& tensors) {
    std::vector<PlainImages> images;
    const auto plane = [](const Tensor& t) { return std::vector<float>(data(t), data(t) + t.numel()); };
    for (int64_t v = 0; v < tensors[0].size(0); ++v)
      images.push_back({plane(tensors[0][v]), plane(tensors[1][v]), plane(tensors[2][v])});
    return images;
  }

  Case case_;
  RasterizeOptions options_ = {.workspace = std::make_shared<RasterizeWorkspace>()};
  std::vector<Cameras> cameras_;
  std::vector<std::unique_ptr<BoundScene>> bound_;
  std::vector<std::unique_ptr<PlainRasterizer>> plain_;
  std::vector<Gaussians> gaussians_, plain_gradients_;
  std::vector<std::vector<Tensor>> v_tensors_;
  std::vector<std::vector<PlainImages>> v_images_;
};

std::vector<double> column(const std::vector<Elapsed>& runs, double Elapsed::*field) {
  std::vector<double> values;
  for (const auto& run : runs) values.push_back(run.*field);
  return values;
}

/// Median, and the ratios' median and range over rounds of which each ran everything once.
void print_row(const char* name, const std::vector<Elapsed>& plain, const std::vector<Elapsed>& ours, double Elapsed::*field) {
  std::vector<double> ratios;
  for (size_t i = 0; i < ours.size(); ++i) ratios.push_back(plain[i].processor / (ours[i].*field));
  const auto [low, high] = std::minmax_element(ratios.begin(), ratios.end());
  fmt::print("  {:<34} {:>9.1f} {:>9.1f} {:>9.1f} {:>8.1f} x  ({:.1f} - {:.1f})\n", name, median(column(ours, &Elapsed::wall)),
             median(column(ours, &Elapsed::processor)), median(column(ours, &Elapsed::busiest)), median(ratios), *low, *high);
}

/// Medians of one scene, ms and ratios.
struct Summary {
  const char* name = "";
  double plain = 0, one = 0, two = 0, ratio_one = 0, ratio_two = 0, low = 0, high = 0, scaling = 0;
  std::vector<double> stages;  ///< ms of each of kStages, one scene on one thread
};
constexpr const char* kStages[] = {"projection", "count pairs",    "sort, list pairs",
                                   "blend",      "blend backward", "projection backward"};

Summary summarize(const Case& c, const std::vector<Elapsed>& plain, const std::vector<Elapsed>& one,
                  const std::vector<Elapsed>& two) {
  std::vector<double> ratio_one, ratio_two, scaling;
  for (size_t i = 0; i < plain.size(); ++i) {
    ratio_one.push_back(plain[i].processor / one[i].processor);
    ratio_two.push_back(plain[i].processor / two[i].busiest);
    scaling.push_back(one[i].processor / two[i].busiest);
  }
  const auto [low, high] = std::minmax_element(ratio_two.begin(), ratio_two.end());
  return {.name = c.name,
          .plain = median(column(plain, &Elapsed::processor)),
          .one = median(column(one, &Elapsed::processor)),
          .two = median(column(two, &Elapsed::busiest)),
          .ratio_one = median(ratio_one),
          .ratio_two = median(ratio_two),
          .low = *low,
          .high = *high,
          .scaling = median(scaling),
          .stages = {}};
}

void print_tables(const std::vector<Summary>& all) {
  fmt::print(
      "\n| forward + backward | plain loop, ms | 1 thread, ms | ratio | 2 threads, ms | ratio (range) | 1 to 2 threads |\n");
  fmt::print("|---|---:|---:|---:|---:|---:|---:|\n");
  for (const auto& s : all)
    fmt::print("| {} | {:.0f} | {:.1f} | {:.1f} | {:.1f} | {:.1f} ({:.1f}-{:.1f}) | {:.2f} |\n", s.name, s.plain, s.one,
               s.ratio_one, s.two, s.ratio_two, s.low, s.high, s.scaling);
  fmt::print("\n| per cent of one thread's time | {} |\n|---|", fmt::join(kStages, " | "));
  for (size_t i = 0; i < std::size(kStages); ++i) fmt::print("---:|");
  for (const auto& s : all) {
    double total = 0;
    for (const double stage : s.stages) total += stage;
    fmt::print("\n| {} |", s.name);
    for (const double stage : s.stages) fmt::print(" {:.0f} |", 100 * stage / total);
  }
  fmt::print("\n");
}

Summary compare(const Case& c, int rounds) {
  Contest contest(c);
  contest.check();
  std::vector<Elapsed> plain[2], one[2], two[2], fresh;
  const auto ours = [&](bool both) { return both ? (void)contest.forward_and_backward() : contest.forward(); };
  const auto theirs = [&](bool both) { return both ? contest.plain_forward_and_backward() : contest.plain_forward(); };
  for (int round = 0; round < rounds; ++round) {
    for (const bool both : {false, true}) {
      at::set_num_threads(1);
      plain[both].push_back(time_once(1, [&] { theirs(both); }));
      one[both].push_back(time_once(1, [&] { ours(both); }));
      at::set_num_threads(2);
      two[both].push_back(time_once(2, [&] { ours(both); }));
    }
    at::set_num_threads(1);
    fresh.push_back(time_once(1, [&] { contest.forward_and_backward({}); }));
  }
  Summary summary;  // in the end that of both directions
  fmt::print("  {:<34} {:>9} {:>9} {:>9} {:>10}\n", "ms, medians", "wall", "processor", "busiest", "ratio (range)");
  for (const bool both : {false, true}) {
    const char* what = both ? "forward + backward" : "forward";
    print_row(fmt::format("plain loop, {}", what).c_str(), plain[both], plain[both], &Elapsed::processor);
    print_row(fmt::format("1 thread, {}", what).c_str(), plain[both], one[both], &Elapsed::processor);
    print_row(fmt::format("2 threads, {}", what).c_str(), plain[both], two[both], &Elapsed::busiest);
    summary = summarize(c, plain[both], one[both], two[both]);
    fmt::print("  {:<34} {:>40.2f} x\n", "1 -> 2 threads", summary.scaling);
  }
  print_row("1 thread, both, without workspace", plain[1], fresh, &Elapsed::processor);
  return summary;
}

/// Processor time of each of kStages in one scene, by calling the kernels one after the other.
std::vector<double> profile(const Case& c, int rounds) {
  Contest contest(c);
  const auto& scene = contest.first();
  const int64_t splat_count = c.gaussians * c.views, tiles = scene.projection.grid.tiles(), pixels = c.views * c.size * c.size;
  std::vector<splat_cpu::Splat> splats(splat_count);
  std::vector<int32_t> first_slot(splat_count + 1), offsets(c.views * tiles + 1), last(pixels);
  std::vector<float> rgb(3 * pixels), alpha(pixels), depth(pixels), left(pixels);
  const splat_cpu::BinningParameters binning = {splats.data(), scene.ranges.data(),   c.views,
                                                splat_count,   scene.projection.grid, 1};
  std::vector<splat_cpu::TileEntry> entries;
  std::vector<splat_cpu::DepthKey> keys(2 * splat_count);
  std::vector<splat_cpu::SplatTiles> splat_tiles(splat_count);
  std::vector<int32_t> next_entry(c.views * tiles), drawn(c.views);
  const splat_cpu::BinningScratch scratch = {keys.data(), splat_tiles.data(), drawn.data(), next_entry.data()};
  std::vector<splat_cpu::SplatMoments> moments;
  auto v = scene.gaussians.detach();
  for (auto* tensor : {&v.means, &v.quats, &v.scales, &v.opacities, &v.sh}) *tensor = at::empty_like(*tensor);
  const std::vector<float> backgrounds(3 * c.views, 1.0f);
  int64_t pairs = 0;

  std::vector<std::vector<double>> times(std::size(kStages));
  for (int round = 0; round < rounds; ++round) {
    const auto step = [&](int i, const auto& work) { times[i].push_back(time_once(1, work).processor); };
    step(0, [&] { splat_cpu::project_forward(scene.projection, 0.01f, 1e10f, splats.data()); });
    step(1, [&] { pairs = splat_cpu::count_tile_entries(binning, scratch, first_slot.data(), offsets.data()); });
    entries.resize(pairs), moments.resize(pairs);
    step(2, [&] { splat_cpu::fill_tile_entries(binning, first_slot.data(), offsets.data(), scratch, entries.data()); });
    const splat_cpu::BlendInputs blending = {splats.data(),      scene.ranges.data(),   c.views, entries.data(), offsets.data(),
                                             backgrounds.data(), scene.projection.grid, 1};
    step(3, [&] {
      splat_cpu::blend_forward(blending, {rgb.data(), alpha.data(), depth.data(), nullptr, left.data(), last.data()});
    });
    const auto& v_out = contest.first_v();
    step(4, [&] {
      splat_cpu::blend_backward(blending, {left.data(), last.data(), data(v_out[0]), data(v_out[1]), data(v_out[2])},
                                moments.data());
    });
    step(5, [&] {
      splat_cpu::project_backward(
          scene.projection, first_slot.data(), moments.data(),
          {data(v.means), data(v.quats), data(v.scales), data(v.opacities), data(v.sh), nullptr, nullptr});
    });
  }
  double total = 0;
  std::vector<double> medians;
  for (const auto& step : times) medians.push_back(median(step)), total += medians.back();
  fmt::print("  where one scene's time goes, 1 thread ({:.2f} M pairs of splat and tile):\n", static_cast<double>(pairs) * 1e-6);
  for (size_t i = 0; i < times.size(); ++i)
    fmt::print("    {:<22} {:>8.2f} ms {:>5.1f} %\n", kStages[i], medians[i], 100 * medians[i] / total);
  return medians;
}

}  // namespace
}  // namespace gsv3d

int main(int argc, char** argv) {
  using gsv3d::Case;
  const Case cases[] = {
      {"100k Gaussians of 1.7 px, 4 views of 512²", 1, 100000, 4, 512, 1.7},
      {"100k Gaussians of 5 px, 4 views of 512²", 1, 100000, 4, 512, 5},
      {"10k Gaussians of 1.3 px, 4 views of 128²", 1, 10000, 4, 128, 1.3},
      {"435k Gaussians of 1 px, 2 views of 576²", 1, 435456, 2, 576, 1},
      {"training: 8 scenes x 12 views of 64², 10k Gaussians of 0.6 px", 8, 10000, 12, 64, 0.6},
  };
  const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 5;
  try {
    std::vector<gsv3d::Summary> all;
    for (const auto& c : cases) {
      if (argc > 2 && !std::strstr(c.name, argv[2])) continue;
      all.push_back(gsv3d::compare(c, rounds));
      all.back().stages = gsv3d::profile(c, rounds);
    }
    gsv3d::print_tables(all);
    gsv3d::measure_on_gpu(rounds, argc > 2 ? argv[2] : "");
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_rasterizer: {}\n", error.what());
    return 1;
  }
}
