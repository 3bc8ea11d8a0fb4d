// The rasterizer against float64 numbers of gsplat 1.5.3's projection and a dense compositor: tests/goldens/gaussians/README.md.
// Tolerances are its suggested ones: about 10 times what its own float32 re-run differs.
#include "core/tensor.h"
#include "golden_sets.h"
#include "rasterizer/cpu/projection.h"
#include "rasterizer/rasterize_scenes.h"

namespace gsv3d {
namespace {

struct GoldenScene {
  NamedTensors tensors;
  const Tensor& operator[](const std::string& name) const { return tensors.at(name); }

  Cameras cameras() const {
    const auto size = tensors.at("in/image_size_wh");
    return {tensors.at("in/viewmats").clone(), tensors.at("in/Ks"), size[0].item<int64_t>(), size[1].item<int64_t>()};
  }
};

/// All scenes of the set.
std::vector<std::string> scenes() {
  return testing::golden_names("gaussians", ".safetensors");
}

struct Inputs {
  RasterizeScene scene;
  RasterizeOptions options;
};

/// Leaves that require gradients, for one mode of the goldens.
Inputs inputs_for(const GoldenScene& golden, const std::string& mode) {
  const auto leaf = [&](const char* name) { return golden[std::string("in/") + name].clone().requires_grad_(true); };
  Inputs in;
  in.scene.gaussians = {leaf("means"), leaf("quats"), leaf("scales"), leaf("opacities"), {}};
  if (mode == "sh")
    in.scene.gaussians.sh = leaf("sh");
  else
    in.scene.colors = leaf("colors");
  in.scene.cameras = golden.cameras();
  in.scene.cameras.world_to_camera.requires_grad_(true);
  in.scene.background = golden["in/background"];
  in.options.antialiased = mode == "aa";
  return in;
}

class RasterizerGolden : public ::testing::TestWithParam<std::tuple<std::string, std::string>> {};

TEST_P(RasterizerGolden, ImagesAndGradients) {
  const auto& [scene_name, mode] = GetParam();
  GSV3D_GOLDEN_OR_SKIP(path, "gaussians/" + scene_name + ".safetensors");
  const GoldenScene golden{read_safetensors(path)};
  const auto in = inputs_for(golden, mode);
  const auto rendering = rasterize_scenes({in.scene}, in.options).front();

  const bool depth_mode = mode == "D" || mode == "ED";
  const Tensor out = (mode == "ED"  ? expected_depth(rendering)
                      : mode == "D" ? rendering.depth
                                    : rendering.rgb)
                         .permute({0, 2, 3, 1});
  const Tensor alpha = rendering.alpha.permute({0, 2, 3, 1});
  const Tensor stable = golden["stable"].to(at::kFloat).unsqueeze(-1);
  testing::expect_near(out * stable, golden[mode + "/out"] * stable, depth_mode ? 1e-4 : 2e-5, "image");
  testing::expect_near(alpha * stable, golden[mode == "aa" ? "aa/alpha" : "rgb/alpha"] * stable, 2e-5, "alpha");

  ((out * golden[depth_mode ? "ct/depth" : "ct/rgb"]).sum() + (alpha * golden["ct/alpha"]).sum()).backward();
  const double tolerance = mode == "ED" ? 3e-3 : 5e-4;
  const auto& g = in.scene.gaussians;
  testing::expect_close(g.means.grad(), golden[mode + "/grad_means"], tolerance, "means");
  testing::expect_close(g.quats.grad(), golden[mode + "/grad_quats"], tolerance, "quats");
  testing::expect_close(g.scales.grad(), golden[mode + "/grad_scales"], tolerance, "scales");
  testing::expect_close(g.opacities.grad(), golden[mode + "/grad_opacities"], tolerance, "opacities");
  if (mode == "sh") testing::expect_close(g.sh.grad(), golden["sh/grad_sh"], tolerance, "sh");
  if (mode == "rgb" || mode == "aa")
    testing::expect_close(in.scene.colors.grad(), golden[mode + "/grad_colors"], tolerance, "colors");
  testing::expect_close(in.scene.cameras.world_to_camera.grad().slice(1, 0, 3), golden[mode + "/grad_viewmats"], tolerance,
                        "viewmats");
}

INSTANTIATE_TEST_SUITE_P(, RasterizerGolden,
                         ::testing::Combine(::testing::ValuesIn(scenes()), ::testing::Values("rgb", "sh", "D", "ED", "aa")),
                         [](const auto& info) {
                           return testing::test_name(std::get<0>(info.param) + "_" + std::get<1>(info.param));
                         });

class ProjectionGolden : public ::testing::TestWithParam<std::string> {};

/// Runs the projection kernel alone on view `v` of a golden scene.
std::vector<splat_cpu::Splat> project(const GoldenScene& golden, int64_t v) {
  const int64_t count = golden["in/means"].size(0);
  const Tensor viewmat = golden["in/viewmats"][v], k = golden["in/Ks"][v], inverse = at::linalg_inv(viewmat.to(at::kDouble));
  splat_cpu::View view = {};
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) view.rotation[3 * i + j] = viewmat[i][j].item<float>();
    view.translation[i] = viewmat[i][3].item<float>();
    view.position[i] = inverse[i][3].item<float>();
  }
  view.fx = k[0][0].item<float>(), view.fy = k[1][1].item<float>(), view.cx = k[0][2].item<float>(),
  view.cy = k[1][2].item<float>();
  const auto data = [&](const char* name) { return golden[name].data_ptr<float>(); };
  const splat_cpu::SceneRange scene = {0, count, 0, 1, 0};
  const auto cameras = golden.cameras();
  const splat_cpu::ProjectionParameters parameters = {
      .gaussians = {data("in/means"), data("in/quats"), data("in/scales"), data("in/opacities"), data("in/sh"),
                    static_cast<int>(golden["in/sh"].size(1))},
      .scenes = &scene,
      .scene_count = 1,
      .views = &view,
      .grid = splat_cpu::Grid(static_cast<int>(cameras.width), static_cast<int>(cameras.height)),
      .antialiased = false,
      .threads = 1};
  std::vector<splat_cpu::Splat> splats(count);
  const RasterizeOptions options;
  splat_cpu::project_forward(parameters, static_cast<float>(options.near_plane), static_cast<float>(options.far_plane),
                             splats.data());
  return splats;
}

TEST_P(ProjectionGolden, SplatsMatch) {
  GSV3D_GOLDEN_OR_SKIP(path, "gaussians/" + GetParam() + ".safetensors");
  const GoldenScene golden{read_safetensors(path)};
  for (int64_t v = 0; v < golden["in/viewmats"].size(0); ++v) {
    const auto splats = project(golden, v);
    const auto count = static_cast<int64_t>(splats.size());
    const Tensor radii = golden["proj/radii"][v], ambiguous = golden["proj/radii_ambiguous"][v];
    const Tensor all = at::from_blob(const_cast<splat_cpu::Splat*>(splats.data()), {count, splat_cpu::kSplatFloats}, at::kFloat);
    const Tensor drawn = (all.select(1, 10) > 0).unsqueeze(1);
    const Tensor clear = (ambiguous == 0);
    const Tensor mine = (all.slice(1, 10, 12) * drawn).ceil().to(at::kInt);
    EXPECT_TRUE(((mine == radii).all(1) | ~clear).all().item<bool>()) << "radii differ in view " << v;
    EXPECT_LE((mine - radii).abs().max().item<int>(), 1) << "an ambiguous radius may differ by one";
    const auto masked = [&](const char* name) { return golden[std::string("proj/") + name][v].reshape({count, -1}) * drawn; };
    testing::expect_close(all.slice(1, 0, 2) * drawn, masked("means2d"), 2e-6, "means2d");
    testing::expect_close(all.slice(1, 2, 5) * drawn, masked("conics"), 2e-5, "conics");
    testing::expect_close(all.slice(1, 6, 9) * drawn, masked("sh_colors"), 2e-6, "colours");
    testing::expect_close(all.slice(1, 9, 10) * drawn, masked("depths"), 1e-6, "depths");
  }
}

INSTANTIATE_TEST_SUITE_P(, ProjectionGolden, ::testing::ValuesIn(scenes()),
                         [](const auto& info) { return testing::test_name(info.param); });

}  // namespace
}  // namespace gsv3d
