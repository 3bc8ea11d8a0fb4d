// What the sampler's approximations cost in accuracy and save in time, on a model folder and a framed photo:
//   measure_samplers MODEL PHOTO.png [SEED] [THREADS]
// Each row is one setting; its views are compared with those of 200 Euler steps, guided everywhere. Times are CPU seconds of the
// process, the settings run in turn, and the least of three rounds counts.
#include <ATen/Parallel.h>
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

#include "pipeline/pipeline.h"

namespace {

using namespace gsv3d;

struct Row {
  std::string name;
  GenerateOptions options;
  double seconds = 1e9;
  Tensor views = Tensor();
};

GenerateOptions with_steps(int64_t steps, const char* sampler = "euler") {
  GenerateOptions options;
  options.sampling = {{"steps", steps}, {"sampler", sampler}};
  return options;
}

std::vector<Row> settings() {
  std::vector<Row> rows = {{"euler, 200 (the reference)", with_steps(200)}, {"euler, 50", with_steps(50)}};
  for (const int64_t steps : {25, 15, 9, 5}) rows.push_back({fmt::format("euler, {}", steps), with_steps(steps)});
  for (const int64_t steps : {25, 13, 8, 5}) rows.push_back({fmt::format("heun, {}", steps), with_steps(steps, "heun")});
  for (const int64_t steps : {25, 15, 9, 5}) rows.push_back({fmt::format("dpmpp2m, {}", steps), with_steps(steps, "dpmpp2m")});
  const std::vector<std::vector<double>> ranges = {{0, 20}, {0.1, 80}, {0.3, 80}, {0.3, 20}, {0.3, 5}};
  for (const auto& range : ranges) {
    rows.push_back({fmt::format("euler, 50, guided at {:g}:{:g}", range[0], range[1]), with_steps(50)});
    rows.back().options.sampling["guidance_range"] = range;
  }
  for (const int64_t period : {2, 3, 5}) {
    rows.push_back({fmt::format("euler, 50, cache {}", period), with_steps(50)});
    rows.back().options.sampling["cache_steps"] = period;
  }
  rows.push_back({"dpmpp2m, 25, cache 2", with_steps(25, "dpmpp2m")});
  rows.back().options.sampling["cache_steps"] = 2;
  return rows;
}

/// Clips of N views through the network, and how many of them through its outer stages only.
struct Evaluations {
  int64_t all = 0, shallow = 0;
};

Evaluations evaluations(const ModelConfig& model, const GenerateOptions& options) {
  const SamplerConfig config = with_settings(model.sampler, options.sampling, "sampling");
  const Tensor sigmas = edm_sigmas(config.steps, config.sigma_min, config.sigma_max, config.rho);
  const int64_t period = std::max<int64_t>(config.cache_steps, 1);
  Evaluations count;
  for (int64_t i = 0; i < config.steps; ++i) {
    int64_t here = is_guided(config, sigmas[i].item<double>()) ? 2 : 1;
    if (config.method == "heun" && i + 1 < config.steps) here += is_guided(config, sigmas[i + 1].item<double>()) ? 2 : 1;
    count.all += here;
    if (i % period != 0) count.shallow += here;
  }
  return count;
}

double psnr(const Tensor& a, const Tensor& b) {
  return -10 * std::log10((a - b).square().mean().item<double>());
}

void print(const Row& row, const Row& reference, const ModelConfig& config) {
  const Evaluations count = evaluations(config, row.options);
  const std::string evaluated =
      count.shallow ? fmt::format("{}, {} of them outer", count.all, count.shallow) : fmt::format("{}", count.all);
  if (&row == &reference) {
    fmt::print("| {} | {} | | | {:.2f} |\n", row.name, evaluated, row.seconds);
    return;
  }
  double worst = 1e9;
  for (int64_t i = 0; i < row.views.size(0); ++i) worst = std::min(worst, psnr(row.views[i], reference.views[i]));
  fmt::print("| {} | {} | {:.1f} ({:.1f}) | {:.3f} | {:.2f} |\n", row.name, evaluated, psnr(row.views, reference.views), worst,
             (row.views - reference.views).abs().max().item<double>(), row.seconds);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return fmt::print(stderr, "measure_samplers MODEL PHOTO.png [SEED] [THREADS]\n"), 2;
  at::set_num_threads(argc > 4 ? std::atoi(argv[4]) : 1);
  const Model model = load_model(argv[1], {});
  GenerateOptions common;
  common.seed = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : common.seed;
  const Tensor photo = prepare_photo(load_image(argv[2]), model.config, common).picture;
  std::vector<Row> rows = settings();
  for (int round = 0; round < 3; ++round) {
    for (Row& row : rows) {
      row.options.seed = common.seed;
      const std::clock_t start = std::clock();
      const Tensor latents = generate_latents(model, photo, row.options).latents;
      row.seconds = std::min(row.seconds, static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
      if (round == 0) row.views = decode_views(model, latents.slice(0, 1));
    }
  }
  fmt::print(
      "| sampler, steps | evaluations | PSNR (worst view), dB | largest error | CPU s |\n| --- | ---: | ---: | ---: | ---: |\n");
  for (const Row& row : rows) print(row, rows.front(), model.config);
}
