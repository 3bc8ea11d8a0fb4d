// Which numbers that are known without the truth rank objects by their real error: for every validation object several of them
// beside its true scores, as CSV on the standard output.
//   measure_confidence MODEL SHARDS [LIMIT] [THREADS] [BEGIN END] > confidence.csv     (BEGIN END: of the objects, for a part)
#include <c10/core/GradMode.h>
#include <fmt/core.h>

#include <chrono>
#include <cstdlib>
#include <map>
#include <string>

#include "core/error.h"
#include "diffusion/autoencoder.h"
#include "evaluation/gaussian_views.h"
#include "evaluation/model_methods.h"
#include "image/picture.h"
#include "measured_objects.h"
#include "pipeline/pipeline.h"

namespace {

using namespace gsv3d;
using Numbers = std::vector<std::pair<std::string, double>>;

double average(const Tensor& t) {
  return t.mean().item<double>();
}

double iou(const Tensor& a, const Tensor& b) {
  const Tensor x = a > 0.5, y = b > 0.5;
  return (x & y).sum().item<double>() / std::max(1.0, (x | y).sum().item<double>());
}
/// Mean over views of soft IoU
double soft_iou(const Tensor& a, const Tensor& b) {
  return average(at::minimum(a, b).sum({1, 2, 3}) / at::maximum(a, b).sum({1, 2, 3}).clamp_min(1));
}

Tensor gradient_energy(const Tensor& x) {
  return (x.diff(1, 2).abs().sum({1, 2, 3}) + x.diff(1, 3).abs().sum({1, 2, 3}));
}

struct Sampled {
  Tensor latents, pictures;
};
Sampled sample_views(const Model& model, const Tensor& photo, GenerateOptions options, uint64_t seed) {
  options.seed = seed;
  const GeneratedLatents generated = generate_latents(model, photo, options);
  return {generated.latents, decode_views(model, generated.latents)};
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void spread(Numbers& n, const std::string& name, const std::vector<Sampled>& runs) {
  std::vector<Tensor> pictures, latents;
  for (const Sampled& run : runs) pictures.push_back(run.pictures.slice(0, 1)), latents.push_back(run.latents.slice(0, 1));
  const Tensor p = at::stack(pictures), l = at::stack(latents);
  const Tensor rgb = p.narrow(2, 0, 3), a = p.narrow(2, 3, 1);
  const double area = a.sum().item<double>() / static_cast<double>(runs.size());
  n.emplace_back(name + "_latent", std::sqrt(average(l.var(0))));
  n.emplace_back(name + "_rgb", std::sqrt(average(rgb.var(0))));
  n.emplace_back(name + "_rgb_per_area", std::sqrt(rgb.var(0).sum().item<double>() / 3 / area));
  n.emplace_back(name + "_alpha_per_area", std::sqrt(a.var(0).sum().item<double>() / area));
  double sum = 0;
  int pairs = 0;
  for (size_t i = 0; i < runs.size(); ++i)
    for (size_t j = i + 1; j < runs.size(); ++j) sum += soft_iou(a[i], a[j]), ++pairs;
  n.emplace_back(name + "_silhouettes", 1 - sum / pairs);
}

/// Spearman's, of two rows of numbers.
double rank_correlation(const Tensor& a, const Tensor& b) {
  const auto ranks = [](const Tensor& values) {
    const Tensor order = values.argsort(), places = at::arange(values.numel(), at::kDouble);
    const Tensor ranked = at::empty({values.numel()}, at::kDouble).index_put_({order}, places);
    return (ranked - ranked.mean()) / ranked.std();
  };
  return a.numel() < 2 ? 0 : average(ranks(a) * ranks(b));
}

Numbers measure(const Model& model, const EvaluationCase& object) {
  const c10::NoGradGuard no_grad;
  Numbers n;
  GenerateOptions options;
  options.seed = object.seed;
  options.elevation_degrees = object.elevation_degrees();
  const PreparedPhoto prepared = prepared_input(object);
  const auto start = std::chrono::steady_clock::now();
  options.spread_seeds = 3, options.confidence = true;
  const Result result = generate(model, prepared, options);
  double seconds = seconds_since(start), seconds_confidence = 0;
  for (const StageTime& time : result.times)
    if (time.stage == "spread" || time.stage == "confidence") seconds_confidence += time.seconds;
  n.emplace_back("seconds_generate", seconds - seconds_confidence);
  n.emplace_back("seconds_confidence", seconds_confidence);
  const int64_t all = object.truth.rgba.size(0);
  const ViewSet truth = true_views(object.truth, 1, all);
  const ViewSet seen = views_of_gaussians(*result.gaussians, object.truth.cameras.slice(1, all), object.truth.id);
  const Scores scores = score_views({seen.rgb, seen.alpha, seen.depth}, truth);
  n.emplace_back("psnr", scores.psnr), n.emplace_back("iou", scores.mask_iou), n.emplace_back("ssim", scores.ssim_valid);
  n.emplace_back("depth_error", scores.depth_error);
  const Tensor error = (seen.rgb - truth.rgb).square().sum();
  n.emplace_back("error_per_area", std::sqrt(error.item<double>() / 3 / truth.alpha.sum().item<double>()));
  n.emplace_back("gaussian_doubt", 1 - result.confidence->value);
  // Where its Gaussians are unsure, is the object's picture farther from the truth? Over the pixels of views not from the photo's
  // side.
  Gaussians doubts = *result.gaussians;
  doubts.sh = rgb_to_sh((1 - result.confidence->values).unsqueeze(1).expand({-1, 3}));
  const ViewSet doubt = views_of_gaussians(doubts, object.truth.cameras.slice(1, all), object.truth.id);
  const Tensor solid = (seen.alpha > 0.5).squeeze(1);
  n.emplace_back("doubt_error_rank_correlation",
                 rank_correlation(doubt.rgb.select(1, 0).index({solid}), (seen.rgb - truth.rgb).square().mean(1).index({solid})));

  // Without another sample.
  const Tensor views = result.views.slice(0, 1), alphas = result.alphas.slice(0, 1);
  n.emplace_back("photo_area", average(prepared.picture.narrow(1, 3, 1)));
  n.emplace_back("softness", (alphas * (1 - alphas)).sum().item<double>() / alphas.sum().item<double>());
  n.emplace_back("soft_rim", (alphas * (1 - alphas)).sum().item<double>() / gradient_energy(alphas).sum().item<double>());
  const Tensor photo = prepared.picture;
  const double photo_edges = gradient_energy(photo.narrow(1, 0, 3)).item<double>() / photo.narrow(1, 3, 1).sum().item<double>();
  const double view_edges = gradient_energy(views).sum().item<double>() / alphas.sum().item<double>();
  n.emplace_back("blur", photo_edges / view_edges);
  n.emplace_back("view_smoothness", -view_edges);
  n.emplace_back("photo_edges", photo_edges);
  const ViewSet own = views_of_gaussians(*result.gaussians, result.cameras, object.truth.id);
  const Tensor own_rgb = own.rgb.slice(0, 1), own_alpha = own.alpha.slice(0, 1);
  n.emplace_back("object_to_views_rgb", std::sqrt(average((own_rgb - views).square())));
  n.emplace_back("object_to_views_per_area",
                 std::sqrt((own_rgb - views).square().sum().item<double>() / 3 / alphas.sum().item<double>()));
  n.emplace_back("object_to_views_silhouette", 1 - soft_iou(own_alpha, alphas));
  n.emplace_back("object_to_views_iou", 1 - iou(own_alpha, alphas));
  // The unrefined object.
  const Tensor pictures = at::cat({result.views, result.alphas}, 1);
  const Gaussians raw = decode_gaussians(model, result.latents.latents, prepared.picture, result.cameras, pictures);
  const ViewSet rough = views_of_gaussians(raw, result.cameras, object.truth.id);
  n.emplace_back("decoder_to_views_rgb", std::sqrt(average((rough.rgb.slice(0, 1) - views).square())));
  n.emplace_back("decoder_to_views_silhouette", 1 - soft_iou(rough.alpha.slice(0, 1), alphas));
  n.emplace_back("decoder_to_photo_silhouette", 1 - soft_iou(rough.alpha.slice(0, 0, 1), photo.narrow(1, 3, 1)));

  // With other seeds.
  const auto sampling = std::chrono::steady_clock::now();
  std::vector<Sampled> runs = {{result.latents.latents, pictures}};
  for (uint64_t seed = 1; seed <= 2; ++seed) runs.push_back(sample_views(model, photo, options, object.seed + 1000 * seed));
  n.emplace_back("seconds_seeds", seconds_since(sampling));
  spread(n, "seeds", runs);
  // Mirrored photo: its views should be the mirrored ones of the other side of the orbit.
  const Tensor mirrored = photo.flip({3});
  Sampled mirror = sample_views(model, mirrored, options, object.seed);
  const auto back = [](const Tensor& t) { return at::cat({t.slice(0, 0, 1), t.slice(0, 1).flip({0})}).flip({3}); };
  mirror.pictures = back(mirror.pictures), mirror.latents = back(mirror.latents);
  spread(n, "mirror", {runs[0], mirror});
  return n;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return fmt::print(stderr, "measure_confidence MODEL SHARDS [LIMIT] [THREADS] [BEGIN END]\n"), 2;
  try {
    const Model model = load_model(argv[1], {});
    bool first = true;
    const std::vector<EvaluationCase> cases = measured_objects(model, argc, argv);
    const size_t begin = argc > 5 ? std::strtoul(argv[5], nullptr, 10) : 0,
                 end = argc > 6 ? std::min(std::strtoul(argv[6], nullptr, 10), cases.size()) : cases.size();
    for (size_t i = begin; i < end; ++i) {
      const EvaluationCase& object = cases[i];
      const Numbers numbers = measure(model, object);
      if (first) {
        fmt::print("id");
        for (const auto& [name, value] : numbers) fmt::print(",{}", name);
        fmt::print("\n");
      }
      first = false;
      fmt::print("{}", object.truth.id);
      for (const auto& [name, value] : numbers) fmt::print(",{:.6g}", value);
      fmt::print("\n");
      std::fflush(stdout);
    }
  } catch (const std::exception& error) {
    fmt::print(stderr, "measure_confidence: {}\n", error.what());
    return 1;
  }
  return 0;
}
