// Scores with users' weights: preprocessing and formulas against goldens, networks read from files, and what a report says of
// them.
#include "evaluation/perceptual_networks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "errors.h"
#include "evaluation/html_report.h"
#include "evaluation/report.h"
#include "evaluation/score_columns.h"
#include "goldens.h"
#include "temporary_folder.h"

namespace gsv3d {
namespace {

using testing::expect_near;
using testing::TemporaryFolder;

TEST(ClipGolden, PreprocessingAndSimilarity) {
  GSV3D_GOLDEN_OR_SKIP(path, "metrics/clip_similarity.safetensors");
  const SafetensorsFile file(path);
  const Tensor expected = file.tensor("resized_cropped_u8_hwc").permute({2, 0, 1}).to(at::kFloat);
  const Tensor image = file.tensor("image_u8_hwc").permute({2, 0, 1}).unsqueeze(0).to(at::kFloat) / 255;
  const auto constants = [&](const char* key) {
    return at::tensor(testing::golden_metadata(file, key).get<std::vector<double>>(), at::kFloat).view({3, 1, 1});
  };
  const Tensor levels = (clip_pictures(image, expected.size(1))[0] * constants("std") + constants("mean")) * 255;
  const auto worst = testing::golden_metadata(file, "torch_antialias_bicubic_vs_pil_max_levels").get<double>();
  const auto average = testing::golden_metadata(file, "mean_levels").get<double>();
  expect_near(levels, expected, worst + 1e-3, "LibTorch's bicubic against Pillow's");
  EXPECT_LE((levels - expected).abs().mean().item<double>(), average + 1e-3);
  const Tensor cosines = row_cosines(file.tensor("view_embeddings"), file.tensor("ref_embedding"));
  expect_near(cosines, file.tensor("cosine"), 1e-6, "cosines");
  EXPECT_NEAR(cosines.mean().item<double>(), file.tensor("mean_cosine").item<float>(), 1e-6);
}

TEST(ClipIqa, IsTheSoftmaxOfTwoCosines) {
  const Tensor texts = at::tensor({1.0f, 0.0f, 0.0f, 2.0f}).view({2, 2});
  const double angle = 0.79;  // a little nearer to the second text than 45 degrees
  const Tensor pictures =
      at::tensor({3.0f, 3.0f, static_cast<float>(std::cos(angle)), static_cast<float>(std::sin(angle))}).view({2, 2});
  const double good = std::exp(100 * std::cos(angle)), bad = std::exp(100 * std::sin(angle));
  expect_near(clip_iqa(pictures, texts), at::tensor({0.5, good / (good + bad)}, at::kDouble), 1e-5, "CLIP-IQA");
}

/// Parameters of a network that begins at random.
template <class Make>
NamedTensors random_weights(uint64_t seed, const Make& make) {
  const auto store = nn::ParameterStore::random(seed);
  make(nn::Scope(store));
  return store->parameters();
}

NamedTensors clip_weights() {
  ImageEmbedderConfig config;
  config.image_size = 32, config.patch_size = 8, config.width = 64, config.layers = 2, config.head_width = 64,
  config.embed_dim = 16;
  return random_weights(5, [&](const nn::Scope& scope) { ImageEmbedder(config, scope / "model"); });
}

/// Small networks of every kind in files; the backbone and the heads of LPIPS apart, with what a user's files hold beside them.
struct PerceptualFiles : ::testing::Test {
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TemporaryFolder>();
    const TemporaryFolder& folder = *folder_;
    NamedTensors backbone = random_weights(1, [](const nn::Scope&scope) { Lpips(LpipsBackbone::alexnet, scope); }), heads;
    for (auto it = backbone.begin(); it != backbone.end();)
      if (it->first.starts_with("lin"))
        heads[it->first] = it->second.abs(), it = backbone.erase(it);
      else
        ++it;
    backbone["classifier.1.weight"] = at::zeros({2, 2});
    write_safetensors(folder / "alexnet.safetensors", backbone);
    write_safetensors(folder / "heads.safetensors", heads);
    write_safetensors(folder / "vgg.safetensors",
                      random_weights(2, [](const nn::Scope& scope) { Lpips(LpipsBackbone::vgg16, scope); }));
    write_safetensors(folder / "clip.safetensors", clip_weights());
    write_safetensors(folder / "texts.safetensors", {{"text_embeddings", randn({2, 16}, make_generator(6))}});
    Dinov2Config dino;
    dino.embed_dim = 64, dino.num_heads = 1, dino.depth = 1, dino.pretrain_image_size = 56;
    write_safetensors(folder / "dino.safetensors", random_weights(3, [&](const nn::Scope& scope) { Dinov2(dino, scope); }));
    NamedTensors inception = random_weights(4, [](const nn::Scope& scope) { Inception{scope}; });
    for (auto& [name, tensor] : inception)
      if (name.ends_with("conv.weight")) tensor = 2.4 * tensor;  // so that activations do not fade from layer to layer
    write_safetensors(folder / "inception.safetensors", inception);
  }
  static void TearDownTestSuite() { folder_.reset(); }

  std::string file(const std::string& kind, const std::string& name) const {
    return kind + "=" + (*folder_ / (name + ".safetensors")).string();
  }
  std::vector<std::string> all() const {
    return {file("lpips-alex", "alexnet"), file("lpips-alex", "heads"), file("lpips-vgg", "vgg"),      file("clip", "clip"),
            file("clip-iqa", "texts"),     file("dino", "dino"),        file("inception", "inception")};
  }
  static PerceptualNetworks load(const std::vector<std::string>& texts) { return {parse_weight_files(texts), at::kCPU}; }

  static std::unique_ptr<TemporaryFolder> folder_;
};
std::unique_ptr<TemporaryFolder> PerceptualFiles::folder_;

ObjectViews noise_views(const std::string& id, uint64_t seed) {
  ObjectViews views;
  views.id = id;
  views.orbit_views = 4;
  views.elevation_degrees = 10;
  views.cameras = concatenate({orbit_cameras(4, 10, 36), look_at_cameras({40}, {30}, 36)});
  views.rgba = at::randint(0, 256, {5, 4, 36, 36}, make_generator(seed), at::kByte);
  views.depth = at::full({5, 36, 36}, 2.0f);
  return views;
}

TEST_F(PerceptualFiles, TheTruthIsIdealAndAnotherPictureIsNot) {
  EvaluationExtras extras;
  extras.networks = std::make_shared<const PerceptualNetworks>(load(all()));
  const std::vector<EvaluationCase> cases = {make_case(noise_views("a", 1), 0), make_case(noise_views("b", 2), 1)};
  const auto shown = [](double darker) {
    return [darker](const EvaluationCase& object, const Cameras&) {
      ViewSet views = true_views(object.truth, 1, 5);
      views.rgb = views.rgb * (1 - darker);
      return views;
    };
  };
  const std::vector<MethodScores> results = evaluate(cases, {{"truth", "", shown(0)}, {"dark", "", shown(0.5)}}, {}, extras);
  for (const Scores& ideal : {results[0].objects[0].orbit, results[0].objects[1].random}) {
    EXPECT_EQ(ideal.lpips_alex, 0);
    EXPECT_EQ(ideal.lpips_vgg, 0);
    EXPECT_NEAR(ideal.clip_similarity, 1, 1e-9);
    EXPECT_NEAR(ideal.dino_similarity, 1, 1e-9);
    EXPECT_TRUE(ideal.clip_iqa >= 0 && ideal.clip_iqa <= 1);
  }
  EXPECT_EQ(results[0].set.pictures, 6) << "three of the orbit of each object";
  EXPECT_NEAR(results[0].set.fid, 0, 1e-6);
  EXPECT_GT(results[1].set.fid, 1e-3);
  EXPECT_GT(results[1].objects[0].orbit.lpips_alex, 1e-3);
  EXPECT_LT(results[1].objects[0].orbit.clip_similarity, 1 - 1e-5);
  EXPECT_LT(results[1].objects[0].orbit.dino_similarity, 1 - 1e-5);

  ReportContent content;
  content.methods = results;
  const std::string markdown = markdown_report(content), html = html_report(content, {}), latex = latex_rows(results);
  EXPECT_THAT(markdown, ::testing::HasSubstr("orbit LPIPS (Alex)"));
  EXPECT_THAT(markdown, ::testing::HasSubstr("| FID [95 % jackknife interval] | KID | pictures |"));
  EXPECT_THAT(html, ::testing::HasSubstr("<table id=\"sets\">"));
  EXPECT_THAT(latex, ::testing::HasSubstr("orbit FID & orbit KID"));
  const Json json = evaluation_json({}, results);
  EXPECT_EQ(json.at("methods")[0].at("set").at("pictures"), 6);
  EXPECT_EQ(json.at("methods")[0].at("objects")[0].at("orbit").at("lpips_alex"), 0);
}

TEST_F(PerceptualFiles, ScoresAreThoseOfEachViewsNetworks) {
  const PerceptualNetworks networks = load(all());
  const Tensor a = true_views(noise_views("a", 1), 0, 5).rgb, b = true_views(noise_views("b", 2), 0, 5).rgb;
  Scores scores;
  networks.add_scores(scores, a, networks.features(a), b, networks.features(b));
  double lpips = 0, clip = 0;
  const auto alexnet = random_weights(1, [](const nn::Scope& scope) { Lpips(LpipsBackbone::alexnet, scope); });
  NamedTensors positive = alexnet;
  for (auto& [name, tensor] : positive)
    if (name.starts_with("lin")) tensor = tensor.abs();
  const Lpips network(LpipsBackbone::alexnet, nn::Scope(nn::ParameterStore::from_tensors(positive, "test")));
  ImageEmbedderConfig config = image_embedder_config_of(clip_weights(), "model.");
  EXPECT_EQ(config.image_size, 32);
  EXPECT_EQ(config.layers, 2);
  EXPECT_EQ(config.head_width, 64);
  const ImageEmbedder embedder(
      config, nn::Scope(nn::ParameterStore::from_tensors(clip_weights(), "test", at::kFloat, at::kCPU, "model.")));
  for (int64_t i = 0; i < 5; ++i) {  // one by one, not four at a time
    const Tensor one = a.slice(0, i, i + 1), other = b.slice(0, i, i + 1);
    lpips += network(one, other).item<double>() / 5;
    const auto embedding = [&](const Tensor& picture) { return embedder(clip_pictures(picture, 32)).flatten(); };
    clip += at::cosine_similarity(embedding(one), embedding(other), 0).item<double>() / 5;
  }
  EXPECT_NEAR(scores.lpips_alex, lpips, 1e-5);
  EXPECT_NEAR(scores.clip_similarity, clip, 1e-5);
}

TEST_F(PerceptualFiles, WithoutWeightsTheReportSaysWhichOptionGivesThem) {
  EXPECT_TRUE(needs_weights_note(parse_weight_files(all())).empty());
  const std::string note = needs_weights_note(parse_weight_files({file("dino", "dino")}));
  EXPECT_EQ(
      note,
      "Needs weights, so not scored: LPIPS (Alex) (--weights lpips-alex=FILE), LPIPS (VGG) (--weights lpips-vgg=FILE), CLIP "
      "(--weights clip=FILE), CLIP-IQA (--weights clip-iqa=FILE), FID and KID (--weights inception=FILE); which files: "
      "docs/evaluation.md.");
  ReportContent content;
  ObjectScores scored;
  scored.id = "a";
  content.methods = {{"method", "", {scored}}};
  content.needs_weights = note;
  EXPECT_THAT(markdown_report(content), ::testing::HasSubstr(note));
  EXPECT_THAT(html_report(content, {}), ::testing::HasSubstr("Needs weights"));
  EXPECT_THAT(markdown_report(content), ::testing::Not(::testing::HasSubstr("| FID |")));
}

TEST_F(PerceptualFiles, WrongFilesAreOneLine) {
  using testing::error_of;
  const auto expect_error = [&](const std::vector<std::string>& texts, const std::string& part) {
    const std::string message = error_of([&] { load(texts); });
    EXPECT_THAT(message, ::testing::HasSubstr(part));
    EXPECT_THAT(message, ::testing::Not(::testing::HasSubstr("\n")));
  };
  expect_error({file("lpips-alex", "alexnet")}, "no tensor \"lin0.model.1.weight\"");
  expect_error({file("lpips-vgg", "alexnet")}, "\"features.0.weight\" has shape");
  expect_error({file("clip", "dino")}, "OpenCLIP's names are needed");
  expect_error({file("dino", "clip")}, "DINOv2");
  expect_error({file("inception", "clip")}, "no tensor \"Conv2d_1a_3x3.conv.weight\"");
  expect_error({file("clip", "clip"), file("clip-iqa", "clip")}, "\"text_embeddings\" [2, 16]");
  expect_error({file("dino", "missing")}, "missing.safetensors");
  for (const std::string wrong : {"lpips=x", "clip", "clip=", "=x"})
    EXPECT_THROW(parse_weight_files({wrong}), UsageError) << wrong;
  EXPECT_THROW(parse_weight_files({"clip-iqa=texts.safetensors"}), UsageError) << "needs clip, too";
}

}  // namespace
}  // namespace gsv3d
