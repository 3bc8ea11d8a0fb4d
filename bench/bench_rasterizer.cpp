// Time of the rasterizer, forward and backward, beside a plain loop over pixels and Gaussians on one thread (the kind of CPU
// rasterizer that OpenSplat has). bench_rasterizer [threads]
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <vector>

#include "camera/camera.h"
#include "splat/cpu/projection.h"
#include "splat/rasterizer.h"

namespace gsv3d {
namespace {

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Medians of one call's time, and of its processor time over all threads, which other work on the machine disturbs less.
struct Milliseconds {
  double wall, processor;
};

template <class Work>
Milliseconds measure(int rounds, const Work& work) {
  work();
  std::vector<double> wall, processor;
  for (int i = 0; i < rounds; ++i) {
    const double start = seconds_now();
    const auto clock = std::clock();
    work();
    wall.push_back((seconds_now() - start) * 1e3);
    processor.push_back(static_cast<double>(std::clock() - clock) * 1e3 / CLOCKS_PER_SEC);
  }
  std::sort(wall.begin(), wall.end());
  std::sort(processor.begin(), processor.end());
  return {wall[wall.size() / 2], processor[processor.size() / 2]};
}

/// Gaussians on a sphere of radius 0.4, as a decoder with one Gaussian per pixel puts them: small, of mixed opacity.
Gaussians shell(int64_t count, double scale, int64_t sh_coefficients) {
  const auto generator = make_generator(1);
  const auto uniform = [&](at::IntArrayRef shape) { return at::rand(shape, generator, at::kFloat); };
  const Tensor direction = randn({count, 3}, generator);
  return {0.4 * direction / direction.norm(2, 1, true), randn({count, 4}, generator), scale * (0.5 + uniform({count, 3})),
          0.05 + 0.9 * uniform({count}), 0.3 * randn({count, sh_coefficients, 3}, generator)};
}

struct Case {
  const char* name;
  int64_t scenes, gaussians, views, size, sh_coefficients;
  double scale;
  int rounds;
};

void run(const Case& c) {
  std::vector<Gaussians> scenes;
  std::vector<Cameras> cameras;
  for (int64_t i = 0; i < c.scenes; ++i) {
    auto g = shell(c.gaussians, c.scale, c.sh_coefficients);
    for (auto* tensor : {&g.means, &g.quats, &g.scales, &g.opacities, &g.sh}) tensor->requires_grad_(true);
    scenes.push_back(g);
    cameras.push_back(orbit_cameras(c.views, 15, c.size));
  }
  const Tensor white = at::ones({3});
  const auto forward = measure(c.rounds, [&] {
    const c10::NoGradGuard no_grad;
    rasterize_batch(scenes, cameras, white);
  });
  const auto both = measure(c.rounds, [&] {
    Tensor loss = at::zeros({});
    for (const auto& r : rasterize_batch(scenes, cameras, white))
      loss = loss + r.rgb.square().sum() + r.alpha.sum() + r.depth.sum();
    loss.backward();
  });
  fmt::print("{:<44} {:>10.2f} {:>10.2f} {:>10.2f} {:>10.2f}\n", c.name, forward.wall, both.wall, forward.processor,
             both.processor);
}

/// The plain loop: every pixel walks over all Gaussians that the camera sees, nearest first. Forward only.
Milliseconds plain_loop(const Case& c) {
  const c10::NoGradGuard no_grad;
  const auto g = shell(c.gaussians, c.scale, c.sh_coefficients);
  const auto cameras = orbit_cameras(1, 15, c.size);
  const float* m = cameras.world_to_camera.data_ptr<float>();
  const float* k = cameras.intrinsics.data_ptr<float>();
  splat_cpu::View view = {};
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) view.rotation[3 * i + j] = m[4 * i + j];
    view.translation[i] = m[4 * i + 3];
  }
  view.fx = k[0], view.fy = k[4], view.cx = k[2], view.cy = k[5];
  const splat_cpu::SceneRange scene = {0, c.gaussians, 0, 1, 0};
  const auto data = [](const Tensor& tensor) { return tensor.data_ptr<float>(); };
  const int size = static_cast<int>(c.size);
  const splat_cpu::ProjectionParameters parameters = {
      .gaussians = {data(g.means), data(g.quats), data(g.scales), data(g.opacities), data(g.sh),
                    static_cast<int>(c.sh_coefficients)},
      .scenes = &scene,
      .scene_count = 1,
      .views = &view,
      .grid = splat_cpu::Grid(size, size),
      .antialiased = false,
      .threads = 1};
  std::vector<splat_cpu::Splat> splats(c.gaussians);
  std::vector<float> image(3 * c.size * c.size);
  return measure(3, [&] {
    splat_cpu::project_forward(parameters, 0.01f, 1e10f, splats.data());
    std::vector<splat_cpu::Splat> seen;
    std::copy_if(splats.begin(), splats.end(), std::back_inserter(seen), [](const auto& s) { return s.extent_x > 0; });
    std::stable_sort(seen.begin(), seen.end(), [](const auto& a, const auto& b) { return a.depth < b.depth; });
    for (int y = 0; y < size; ++y) {
      for (int x = 0; x < size; ++x) {
        float left = 1, rgb[3] = {};
        for (const auto& s : seen) {
          const float dx = static_cast<float>(x) + 0.5f - s.x, dy = static_cast<float>(y) + 0.5f - s.y;
          if (std::abs(dx) > s.extent_x || std::abs(dy) > s.extent_y) continue;
          const float sigma = 0.5f * (s.a * dx * dx + s.c * dy * dy) + s.b * dx * dy;
          const float alpha = std::min(splat_cpu::kMaxAlpha, s.opacity * std::exp(-sigma));
          if (alpha < splat_cpu::kMinAlpha) continue;
          if (left * (1 - alpha) <= splat_cpu::kMinTransmittance) break;
          rgb[0] += s.red * alpha * left, rgb[1] += s.green * alpha * left, rgb[2] += s.blue * alpha * left;
          left *= 1 - alpha;
        }
        for (int channel = 0; channel < 3; ++channel) image[(channel * size + y) * size + x] = rgb[channel] + left;
      }
    }
  });
}

void main_table() {
  const Case training = {"1 scene, 7k Gaussians, 4 views of 64²", 1, 7000, 4, 64, 1, 0.01, 40};
  fmt::print("{} threads\n{:<44} {:>10} {:>10} {:>10} {:>10}\n", at::get_num_threads(), "median ms", "forward", "fwd+bwd",
             "CPU fwd", "CPU both");
  run(training);
  run({"8 scenes, 7k Gaussians, 4 views of 64²", 8, 7000, 4, 64, 1, 0.01, 10});
  run({"1 scene, 7k Gaussians, 4 views of 64², SH 3", 1, 7000, 4, 64, 16, 0.01, 40});
  run({"1 scene, 7k Gaussians, 1 view of 512²", 1, 7000, 1, 512, 1, 0.01, 10});
  run({"1 scene, 330k Gaussians, 1 view of 576²", 1, 330000, 1, 576, 1, 0.002, 5});
  const auto plain = plain_loop(training);
  fmt::print("{:<44} {:>10.2f} {:>10} {:>10.2f}\n", "plain loop, 1 thread, 7k, ONE view of 64²", plain.wall, "", plain.processor);
}

}  // namespace
}  // namespace gsv3d

int main(int argc, char** argv) {
  at::set_num_threads(argc > 1 ? std::max(1, std::atoi(argv[1])) : 2);
  gsv3d::main_table();
}
