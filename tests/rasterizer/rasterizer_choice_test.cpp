// GSV3D_RASTERIZER: every implementation that it names draws the same.
#include "rasterizer/rasterizer_choice.h"

#include "core/error.h"
#include "goldens.h"
#include "random_scenes.h"

namespace gsv3d {
namespace {

TEST(RasterizerChoice, Names) {
  EXPECT_EQ(parse_rasterizer_choice(""), RasterizerChoice::automatic);
  EXPECT_EQ(parse_rasterizer_choice("cuda"), RasterizerChoice::automatic);
  EXPECT_EQ(parse_rasterizer_choice("cpu"), RasterizerChoice::cpu);
  EXPECT_EQ(parse_rasterizer_choice("reference"), RasterizerChoice::reference);
  EXPECT_THROW(parse_rasterizer_choice("gpu"), UsageError);
}

TEST(RasterizerChoice, AllDrawTheSame) {
  std::vector<std::vector<Tensor>> results;
  for (const auto choice : {RasterizerChoice::automatic, RasterizerChoice::cpu, RasterizerChoice::reference}) {
    std::vector<RasterizeScene> scenes;
    for (const int64_t count : {60, 20})
      scenes.push_back(testing::leaf_copy(
          {testing::random_gaussians(count, 4, 5), {}, testing::wide_cameras(2, 43, 30), at::tensor({0.2f, 0.5f, 0.9f})},
          at::kFloat));
    std::vector<Tensor> result;
    Tensor sum = at::zeros({});
    for (const Rendering& r : rasterize_scenes(scenes, {}, choice)) {
      result.insert(result.end(), {r.rgb.detach(), r.alpha.detach(), r.depth.detach()});
      sum = sum + r.rgb.square().sum() + r.alpha.sum() + r.depth.sum();
    }
    sum.backward();
    for (auto& scene : scenes)
      // Of a camera's matrix, the three rows that the kernels read.
      for (const Tensor& leaf : testing::leaves(scene)) {
        const bool matrix = leaf.dim() == 3 && leaf.size(2) == 4;
        result.push_back(matrix ? leaf.grad().narrow(1, 0, 3) : leaf.grad());
      }
    results.push_back(result);
  }
  for (size_t i = 0; i < results[0].size(); ++i) {
    EXPECT_TRUE(at::equal(results[0][i], results[1][i])) << "result " << i;
    EXPECT_LE(((results[2][i] - results[0][i]).norm() / results[0][i].norm()).item<double>(), i < 6 ? 1e-4 : 5e-3)
        << "result " << i;
  }
}

}  // namespace
}  // namespace gsv3d
