// From a photo to its orbit views on the CPU: image encoder, autoencoder of the photo, all guided denoising steps, decoding.
//   bench_views [WIDTH] [SIZE] [STEPS] [THREADS] [fp32 | bf16]      without arguments: a small model, both precisions
// SV3D's structure with random weights, 21 views; WIDTH: channels of the UNet (SV3D: 320), SIZE: of the latents (72). Beside it:
// bench/peers/diffusers_views.py, with compare_views.sh there. Each run is cold, as a user's is: the process's first.
// Lines: program, precision, stage, CPU seconds of the process, wall seconds; and at last megabytes: peak, before the run.
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <fmt/core.h>

#include <cstdlib>
#include <string>

#include "clocks.h"
#include "core/device.h"
#include "core/error.h"
#include "pipeline/pipeline.h"
#include "random_sv3d.h"
#include "resident_memory.h"

namespace {

using namespace gsv3d;

constexpr int64_t kDecodedTogether = 8;

Model random_model(int64_t width, int64_t size, at::ScalarType dtype) {
  Model model;
  model.config = sv3d_model_config(width, size);
  model.dtype = dtype;
  const AutoencoderConfig& vae = model.config.vae;
  const auto weights = random_weights(dtype, [&](const nn::Scope& scope) {
    AutoencoderEncoder(vae, scope);
    AutoencoderDecoder(vae, scope);
  });
  model.vae_encoder.emplace(vae, nn::Scope(weights));
  model.vae_decoder.emplace(vae, nn::Scope(weights));
  model.image_embedder.emplace(random_network<ImageEmbedder>(model.config.image_embedder, dtype));
  model.unet.emplace(random_network<VideoUNet>(model.config.unet, dtype));
  return model;
}

/// Prints what each stage took, and the sum.
class StageClock {
 public:
  explicit StageClock(std::string row) : row_(std::move(row)) {}

  template <class Work>
  auto operator()(const char* stage, const Work& work) {
    const double cpu = clock_milliseconds(CLOCK_PROCESS_CPUTIME_ID), wall = clock_milliseconds(CLOCK_MONOTONIC);
    auto result = work();
    print(stage, clock_milliseconds(CLOCK_PROCESS_CPUTIME_ID) - cpu, clock_milliseconds(CLOCK_MONOTONIC) - wall);
    return result;
  }
  void print_total() { print("total", cpu_, wall_); }

 private:
  void print(const char* stage, double cpu, double wall) {
    fmt::print("{} {} {:.3f} {:.3f}\n", row_, stage, cpu / 1e3, wall / 1e3);
    std::fflush(stdout);
    cpu_ += cpu, wall_ += wall;
  }

  std::string row_;
  double cpu_ = 0, wall_ = 0;
};

/// generate_latents' conditioning, without the photo's noise, which costs nothing.
Conditioning encode(const Model& model, const Tensor& photo) {
  const c10::NoGradGuard no_grad;
  const Autocast autocast(at::kCPU, model.dtype);
  const ModelConfig& config = model.config;
  Conditioning conditioning;
  conditioning.frames = config.frames;
  conditioning.crossattn =
      (*model.image_embedder)(clip_preprocess(photo * 2 - 1, config.image_embedder.image_size)).to(at::kFloat);
  conditioning.concat = encode_photo(model, photo);
  conditioning.vector =
      camera_vector(sv3d_orbit_angles(config.frames, {config.elevation_degrees}), config.cond_aug, config.vector_dimensions);
  return conditioning;
}

void run(int64_t width, int64_t size, int64_t steps, at::ScalarType dtype) {
  Model model = random_model(width, size, dtype);
  model.config.sampler.steps = steps;
  const ModelConfig& config = model.config;
  const auto generator = make_generator(2);
  const Tensor photo = at::sigmoid(randn({1, 3, config.image_size, config.image_size}, generator));
  const Tensor noise = randn({config.frames, config.vae.z_channels, size, size}, generator);
  reset_peak();
  const double before = resident("VmRSS:");
  const std::string row = "gsv3d " + dtype_name(dtype);
  StageClock stage(row);
  const Conditioning conditioning = stage("photo", [&] { return encode(model, photo); });
  const Tensor latents = stage("steps", [&] {
    const c10::NoGradGuard no_grad;
    const Autocast autocast(at::kCPU, dtype);
    return sample(*model.unet, config.sampler, noise, conditioning);
  });
  const Tensor views = stage("decoding", [&] { return decode_views(model, latents, kDecodedTogether); });
  stage.print_total();
  fmt::print("{} peak_mb {:.0f} {:.0f}\n", row, resident("VmHWM:"), before);
  require(at::isfinite(views).all().item<bool>(), "bench_views: the views are not finite");
}

}  // namespace

int main(int argc, char** argv) {
  const auto number = [&](int i, int64_t otherwise) { return argc > i ? std::atoll(argv[i]) : otherwise; };
  at::set_num_threads(static_cast<int>(number(4, 1)));
  for (const at::ScalarType precision : {at::kFloat, at::kBFloat16})
    if (argc <= 5 || precision == gsv3d::parse_dtype(argv[5])) run(number(1, 64), number(2, 16), number(3, 2), precision);
}
