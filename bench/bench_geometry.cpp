// The scores of geometry between two spheres: Chamfer distance and F-scores of 100,000 points, and all of them together.
//   bench_geometry [POINTS]
#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <cmath>
#include <numbers>

#include "clocks.h"
#include "evaluation/geometry.h"

namespace gsv3d {
namespace {

TriangleSurface sphere(double radius, int64_t rings) {
  const Tensor polar = at::linspace(0, std::numbers::pi, rings + 1, at::kDouble).view({-1, 1}),
               turn = at::linspace(0, 2 * std::numbers::pi, 2 * rings + 1, at::kDouble).view({1, -1});
  const Tensor points =
      at::stack({polar.sin() * turn.sin(), polar.cos().expand({-1, 2 * rings + 1}), polar.sin() * turn.cos()}, 2);
  const Tensor rows = at::arange(rings).view({-1, 1}) * (2 * rings + 1), first = rows + at::arange(2 * rings).view({1, -1});
  const Tensor a = first.reshape({-1}), b = a + 1, c = a + 2 * rings + 1, d = c + 1;
  return {(radius * points).to(at::kFloat).view({-1, 3}), at::cat({at::stack({a, c, b}, 1), at::stack({b, c, d}, 1)})};
}

void print_row(const char* name, int threads, const std::function<void()>& work) {
  std::vector<double> wall, processor, busiest;
  for (int i = 0; i < 5; ++i) {
    const Elapsed elapsed = time_once(threads, work);
    wall.push_back(elapsed.wall), processor.push_back(elapsed.processor), busiest.push_back(elapsed.busiest);
  }
  fmt::print("| {} | {:.0f} | {:.0f} | {:.0f} |\n", name, median(wall), median(processor), median(busiest));
}

void run(int64_t points) {
  const int threads = at::get_num_threads();
  const TriangleSurface ours = sphere(0.5, 64), theirs = sphere(0.45, 64);
  const Tensor a = sample_surface(ours, points, make_generator(1)).points,
               b = sample_surface(theirs, points, make_generator(2)).points;
  fmt::print("| {} points each, {} threads | wall ms | processor ms | busiest thread ms |\n|---|---:|---:|---:|\n", points,
             threads);
  print_row("Chamfer distance and three F-scores", threads, [&] { score_surface(a, b, {0.01, 0.02, 0.05}); });
  print_row("all scores of geometry, sampling 100,000 and volume IoU included", threads, [&] { score_geometry(ours, theirs); });
}

}  // namespace
}  // namespace gsv3d

int main(int count, char** arguments) {
  gsv3d::run(count > 1 ? std::stoll(arguments[1]) : 100'000);
}
