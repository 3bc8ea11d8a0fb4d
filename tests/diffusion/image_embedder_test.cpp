#include "diffusion/image_embedder.h"

#include <c10/core/GradMode.h>

#include <cstring>

#include "core/device.h"
#include "core/error.h"
#include "image/image.h"
#include "sv3d_goldens.h"

namespace gsv3d {
namespace {

using testing::expect_close;
using testing::expect_near;

constexpr const char* prefix = "conditioner.embedders.0.open_clip.model.";

TEST(ImageEmbedderGolden, PhotosOfAllShapes) {
  GSV3D_GOLDEN_OR_SKIP(weights, "sv3d/tiny_sv3d_p.safetensors");
  GSV3D_GOLDEN_OR_SKIP(io_path, "sv3d/clip_io.safetensors");
  const c10::NoGradGuard no_grad;
  const NamedTensors io = read_safetensors(io_path);
  const ImageEmbedderConfig config = testing::sv3d_golden_settings("p").image_embedder;
  const ImageEmbedder embedder(config, nn::Scope(nn::ParameterStore::from_file(weights, at::kFloat, at::kCPU, prefix)));
  int64_t photos = 0;
  for (const auto& [entry, embedding] : io) {  // some shrink along both axes, along one, along neither
    if (!entry.ends_with(".embedding")) continue;
    const std::string name = entry.substr(0, entry.rfind('.'));
    GSV3D_GOLDEN_OR_SKIP(picture, "sv3d/" + name + ".png");
    ++photos;
    const Tensor image = to_tensor(load_image(picture)).narrow(0, 0, 3).unsqueeze(0) * 2 - 1;
    const Tensor preprocessed = clip_preprocess(image, config.image_size);
    if (const auto golden = io.find(name + ".preprocessed"); golden != io.end())
      expect_near(preprocessed, golden->second, 1e-5, name + ".preprocessed");
    expect_close(embedder(preprocessed), embedding, 2e-5, entry);
  }
  EXPECT_GT(photos, 0);
}

TEST(ImageEmbedderGolden, ProceduralWeights) {
  GSV3D_GOLDEN_OR_SKIP(manifest, "sv3d/procedural_1244.json");
  GSV3D_GOLDEN_OR_SKIP(io_path, "sv3d/procedural_1244_io.safetensors");
  const c10::NoGradGuard no_grad;
  const NamedTensors io = read_safetensors(io_path);
  const auto store =
      nn::ParameterStore::from_tensors(testing::procedural_weights(manifest, prefix), "procedural", at::kFloat, at::kCPU, prefix);
  const ImageEmbedderConfig config = testing::sv3d_golden_settings("procedural").image_embedder;
  const ImageEmbedder embedder(config, nn::Scope(store));
  expect_close(embedder(clip_preprocess(io.at("clip.image"), config.image_size)), io.at("clip.embedding"), 2e-5,
               "clip.embedding");
}

TEST(ImageEmbedderGolden, OfficialParameterNames) {
  GSV3D_GOLDEN_OR_SKIP(keys, "sv3d/keys_sv3d_p.json");
  std::ifstream file(keys);
  const auto listed = nlohmann::json::parse(file).at("keys");
  const auto store = nn::ParameterStore::meta();
  const ImageEmbedder embedder(ImageEmbedderConfig{}, nn::Scope(store, std::string(prefix, std::strlen(prefix) - 1)));
  for (const auto& [name, parameter] : store->parameters()) {
    ASSERT_TRUE(listed.contains(name)) << name;
    EXPECT_EQ(parameter.sizes().vec(), listed.at(name).at("shape").get<std::vector<int64_t>>()) << name;
  }
  size_t expected = 0;
  for (const auto& [name, unused] : listed.items()) expected += name.starts_with(std::string(prefix) + "visual.");
  EXPECT_EQ(store->parameters().size(), expected);
}

TEST(ClipPreprocess, ConstantImagesStayConstant) {
  // Blur and interpolation weights sum to one at every size, borders included.
  for (const auto& [height, width] : {std::pair{500, 30}, {20, 24}, {224, 224}}) {
    const Tensor result = clip_preprocess(at::full({1, 3, height, width}, 0.5), 224);
    const Tensor expected = (at::full({3}, 0.75) - at::tensor({0.48145466, 0.4578275, 0.40821073})) /
                            at::tensor({0.26862954, 0.26130258, 0.27577711});
    expect_near(result, expected.to(at::kFloat).view({1, 3, 1, 1}).expand({1, 3, 224, 224}), 1e-5, "constant");
  }
}

TEST(ClipPreprocess, CornersAreAligned) {
  // The corner pixels of the result are those of the input when nothing shrinks.
  const Tensor image = randn({1, 3, 10, 12}, make_generator(1));
  const Tensor result = clip_preprocess(image, 32);
  const Tensor restored = result * at::tensor({0.26862954f, 0.26130258f, 0.27577711f}).view({3, 1, 1}) +
                          at::tensor({0.48145466f, 0.4578275f, 0.40821073f}).view({3, 1, 1});
  const auto corners = [](const Tensor& x) {
    return at::stack(
        {x.select(2, 0).select(2, 0), x.select(2, 0).select(2, -1), x.select(2, -1).select(2, 0), x.select(2, -1).select(2, -1)});
  };
  expect_near(corners(restored) * 2 - 1, corners(image), 1e-5, "corners");
}

TEST(ImageEmbedder, TrainsInBfloat16WithFiniteGradients) {
  ImageEmbedderConfig config;
  config.image_size = 32, config.patch_size = 8, config.width = 32, config.layers = 2, config.head_width = 16,
  config.embed_dim = 12;
  const auto store = nn::ParameterStore::random(1);
  const ImageEmbedder embedder(config, nn::Scope(store));
  store->set_requires_grad(true);
  const Tensor images = randn({3, 3, 32, 32}, make_generator(2));
  const Tensor exact = embedder(images);
  EXPECT_EQ(exact.sizes(), (std::vector<int64_t>{3, 1, 12}));
  Tensor rounded;
  {
    const Autocast autocast(at::kCPU, at::kBFloat16);
    rounded = embedder(images).to(at::kFloat);
  }
  expect_close(rounded, exact, 0.05, "bfloat16");  // 8 bits of mantissa through two blocks
  rounded.square().sum().backward();
  for (const auto& [name, parameter] : store->parameters()) {
    ASSERT_TRUE(parameter.grad().defined()) << name;
    EXPECT_TRUE(at::isfinite(parameter.grad()).all().item<bool>()) << name;
  }
}

TEST(ImageEmbedder, PatchTokensFollowTheClassToken) {
  ImageEmbedderConfig config;
  config.image_size = 32, config.patch_size = 8, config.width = 32, config.layers = 1, config.head_width = 16,
  config.embed_dim = 12;
  const auto store = nn::ParameterStore::random(1);
  const ImageEmbedder alone(config, nn::Scope(store));
  config.patch_tokens = true;
  const ImageEmbedder all(config, nn::Scope(store));
  const Tensor images = randn({2, 3, 32, 32}, make_generator(2)), tokens = all(images);
  EXPECT_EQ(tokens.sizes(), (std::vector<int64_t>{2, 1 + 16, 12}));
  expect_close(tokens.narrow(1, 0, 1), alone(images), 1e-5, "class token");
  Tensor changed = images.clone();
  changed.slice(2, 0, 8).slice(3, 0, 8).add_(1);
  const Tensor moved = (all(changed) - tokens).abs().amax({0, 2});
  EXPECT_EQ(moved.argmax().item<int64_t>(), 1) << "the first patch's own token moves most";
}

TEST(ImageEmbedder, HalfPrecisionWeights) {
  ImageEmbedderConfig config;
  config.image_size = 32, config.patch_size = 8, config.width = 32, config.layers = 1, config.head_width = 16,
  config.embed_dim = 12;
  const c10::NoGradGuard no_grad;
  const auto full = nn::ParameterStore::random(1);
  const ImageEmbedder reference(config, nn::Scope(full));
  const ImageEmbedder half(config, nn::Scope(nn::ParameterStore::from_tensors(full->parameters(), "half", at::kBFloat16)));
  const Tensor images = randn({1, 3, 32, 32}, make_generator(2));
  expect_close(half(images.to(at::kBFloat16)), reference(images), 0.05, "bfloat16 weights");
}

TEST(ImageEmbedder, WrongShapesAreNamed) {
  ImageEmbedderConfig config;
  config.image_size = 32, config.patch_size = 8, config.width = 32, config.layers = 1, config.head_width = 16,
  config.embed_dim = 12;
  const ImageEmbedder embedder(config, nn::Scope(nn::ParameterStore::random(1)));
  EXPECT_THROW(embedder(at::zeros({1, 3, 40, 32})), Error);
  config.head_width = 5;
  EXPECT_THROW(ImageEmbedder(config, nn::Scope(nn::ParameterStore::meta())), Error);
}

}  // namespace
}  // namespace gsv3d
