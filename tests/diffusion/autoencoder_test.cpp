#include "diffusion/autoencoder.h"

#include <c10/core/GradMode.h>

#include "core/device.h"
#include "core/error.h"
#include "sv3d_goldens.h"

namespace gsv3d {
namespace {

using testing::expect_close;

constexpr const char* encoder_prefix = "conditioner.embedders.1.encoder.";
constexpr const char* decoder_prefix = "first_stage_model.";

AutoencoderConfig tiny_config() {
  AutoencoderConfig config;
  config.ch = 8, config.ch_mult = {1, 2, 4, 6}, config.norm_groups = 4, config.num_res_blocks = 1;
  return config;
}

AutoencoderConfig patch_config() {
  AutoencoderConfig config = tiny_config();
  config.in_channels = config.out_ch = 4, config.patch_size = 2, config.ch_mult = {1, 2, 4};
  return config;
}

/// Tolerances of the golden notes: about 10 times what the reference moves when its own kernels are swapped.
void compare(const AutoencoderConfig& config, std::shared_ptr<nn::ParameterStore> encoder_weights,
             std::shared_ptr<nn::ParameterStore> decoder_weights, const NamedTensors& io, const std::string& prefix) {
  const c10::NoGradGuard no_grad;
  const AutoencoderEncoder encoder(config, nn::Scope(encoder_weights));
  const AutoencoderDecoder decoder(config, nn::Scope(decoder_weights));
  const auto golden = [&](const char* name) { return io.at(prefix + name); };
  expect_close(encoder.moments(golden("image")), golden("moments"), 5e-5, "moments");
  expect_close(encoder.mode(golden("image")), golden("latent_mode"), 5e-5, "latent_mode");
  expect_close(decoder(unscaled_latents(config, golden("z_scaled"))), golden("decoded"), 1e-4, "decoded");
  expect_close(decoder(golden("latent_mode"), /*chunk=*/1), golden("decoded_of_latent_mode"), 1e-4, "decoded_of_latent_mode");
}

TEST(AutoencoderGolden, TinyCheckpoint) {
  GSV3D_GOLDEN_OR_SKIP(weights, "sv3d/tiny_sv3d_p.safetensors");
  GSV3D_GOLDEN_OR_SKIP(io, "sv3d/vae_io.safetensors");
  compare(testing::sv3d_golden_settings("p").vae, nn::ParameterStore::from_file(weights, at::kFloat, at::kCPU, encoder_prefix),
          nn::ParameterStore::from_file(weights, at::kFloat, at::kCPU, decoder_prefix), read_safetensors(io), "");
}

TEST(AutoencoderGolden, OfficialChannelMultipliers) {
  GSV3D_GOLDEN_OR_SKIP(manifest, "sv3d/procedural_1244.json");
  GSV3D_GOLDEN_OR_SKIP(io, "sv3d/procedural_1244_io.safetensors");
  const auto store = [&](const char* prefix) {
    return nn::ParameterStore::from_tensors(testing::procedural_weights(manifest, prefix), "procedural", at::kFloat, at::kCPU,
                                            prefix);
  };
  compare(testing::sv3d_golden_settings("procedural").vae, store(encoder_prefix), store(decoder_prefix), read_safetensors(io),
          "vae.");
}

TEST(AutoencoderGolden, OfficialParameterNames) {
  GSV3D_GOLDEN_OR_SKIP(keys, "sv3d/keys_sv3d_p.json");
  std::ifstream file(keys);
  const auto listed = nlohmann::json::parse(file).at("keys");
  const auto store = nn::ParameterStore::meta();
  const nn::Scope root(store);
  const AutoencoderEncoder encoder(AutoencoderConfig{}, root / "conditioner.embedders.1.encoder");
  const AutoencoderDecoder decoder(AutoencoderConfig{}, root / "first_stage_model");
  for (const auto& [name, parameter] : store->parameters()) {
    ASSERT_TRUE(listed.contains(name)) << name;
    EXPECT_EQ(parameter.sizes().vec(), listed.at(name).at("shape").get<std::vector<int64_t>>()) << name;
  }
  // All of the two networks, and nothing of the decoder that the encoder's checkpoint carries along.
  size_t expected = 0;
  for (const auto& [name, unused] : listed.items())
    expected += name.starts_with(decoder_prefix) || name.starts_with(std::string(encoder_prefix) + "encoder.") ||
                name.starts_with(std::string(encoder_prefix) + "quant_conv.");
  EXPECT_EQ(store->parameters().size(), expected);
}

TEST(Autoencoder, ChunkedDecodingIsTheSame) {
  const c10::NoGradGuard no_grad;
  const AutoencoderDecoder decoder(tiny_config(), nn::Scope(nn::ParameterStore::random(1)));
  const Tensor latents = randn({5, 4, 3, 2}, make_generator(2));
  const Tensor whole = decoder(latents);
  EXPECT_EQ(whole.sizes(), (std::vector<int64_t>{5, 3, 24, 16}));
  expect_close(decoder(latents, 2), whole, 1e-5, "chunks of 2");
}

TEST(Autoencoder, PatchesAreTheSameNetworkOnRearrangedPixels) {
  const c10::NoGradGuard no_grad;
  const auto store = nn::ParameterStore::random(7);
  const nn::Scope scope(store);
  const AutoencoderEncoder encoder(patch_config(), scope);
  const AutoencoderDecoder decoder(patch_config(), scope);
  EXPECT_EQ(patch_config().downsampling(), 8);
  AutoencoderConfig plain = patch_config();
  plain.patch_size = 1, plain.in_channels = plain.out_ch = 16;
  const nn::Scope same(nn::ParameterStore::from_tensors(store->parameters(), "the same", at::kFloat, at::kCPU));
  const Tensor pictures = randn({2, 4, 32, 16}, make_generator(8));
  const Tensor latents = encoder.mode(pictures);
  EXPECT_EQ(latents.sizes(), (std::vector<int64_t>{2, 4, 4, 2}));
  // Channel 4 c + 2 y + x of the patches is pixel (y, x) of each square of channel c.
  const Tensor patches = pictures.view({2, 4, 16, 2, 8, 2}).permute({0, 1, 3, 5, 2, 4}).reshape({2, 16, 16, 8});
  EXPECT_TRUE(at::equal(latents, AutoencoderEncoder(plain, same).mode(patches)));
  const Tensor decoded = decoder(latents);
  EXPECT_EQ(decoded.sizes(), pictures.sizes());
  const Tensor rearranged = AutoencoderDecoder(plain, same)(latents).view({2, 4, 2, 2, 16, 8}).permute({0, 1, 4, 2, 5, 3});
  EXPECT_TRUE(at::equal(decoded, rearranged.reshape({2, 4, 32, 16})));
}

TEST(Autoencoder, PatchNetworksStartWithIdleBlocks) {
  const auto second_convolution = [](const AutoencoderConfig& config) {
    const auto store = nn::ParameterStore::random(7);
    const AutoencoderEncoder encoder(config, nn::Scope(store));
    return store->parameters().at("encoder.mid.block_1.conv2.weight").abs().max().item<double>();
  };
  EXPECT_EQ(second_convolution(patch_config()), 0);
  EXPECT_GT(second_convolution(tiny_config()), 0) << "as in SV3D's";
}

TEST(Autoencoder, ScaledLatentsAndBack) {
  AutoencoderConfig config;
  config.scale_factor = 0.5;
  const Tensor latents = randn({2, 3, 4, 5, 6}, make_generator(1));
  EXPECT_TRUE(at::equal(scaled_latents(config, latents), latents * 0.5));
  EXPECT_TRUE(at::equal(conditioning_latents(config, latents), latents)) << "SV3D's convention: the unscaled mode";
  expect_close(unscaled_latents(config, scaled_latents(config, latents)), latents, 1e-6, "one factor");
  config.z_channels = 4, config.latent_shift = {1, -2, 0.5, 0}, config.latent_scale = {2, 0.5, 1, 4};
  const Tensor z = randn({2, 3, 4, 5, 6}, make_generator(2)), scaled = scaled_latents(config, z);
  expect_close(scaled.select(2, 1), (z.select(2, 1) + 2) * 0.5, 1e-6, "second channel");
  expect_close(unscaled_latents(config, scaled), z, 1e-6, "each channel's own");
  EXPECT_TRUE(at::equal(conditioning_latents(config, z), scaled));
  EXPECT_THROW(scaled_latents(config, z.narrow(2, 0, 3)), Error);
}

TEST(Autoencoder, PicturesBecomeWhatTheEncoderTakes) {
  const Tensor picture = at::rand({2, 4, 3, 3}, make_generator(3));
  AutoencoderConfig config;
  EXPECT_TRUE(at::equal(signed_pictures(config, picture), picture.narrow(1, 0, 3) * 2 - 1));
  config.in_channels = 4;
  EXPECT_TRUE(at::equal(signed_pictures(config, picture), picture * 2 - 1));
  EXPECT_THROW(signed_pictures(config, picture.narrow(1, 0, 3)), Error);
}

class AutoencoderGradients : public ::testing::TestWithParam<bool> {};

TEST_P(AutoencoderGradients, MatchFiniteDifferences) {
  const AutoencoderConfig config = GetParam() ? patch_config() : tiny_config();
  const auto random = nn::ParameterStore::random(3);
  AutoencoderEncoder(config, nn::Scope(random)), AutoencoderDecoder(config, nn::Scope(random));
  NamedTensors weights;  // no zeros, behind which nothing has a gradient
  for (const auto& [name, tensor] : random->parameters())
    weights[name] = tensor.eq(0).all().item<bool>() ? 0.05 * randn(tensor.sizes(), make_generator(9)) : tensor;
  const auto store = nn::ParameterStore::from_tensors(weights, "random", at::kFloat, at::kCPU);
  const nn::Scope scope(store);
  const AutoencoderEncoder encoder(config, scope);
  const AutoencoderDecoder decoder(config, scope);
  const Tensor image = randn({1, config.in_channels, 16, 16}, make_generator(4)).clamp(-1, 1);
  const auto loss = [&] { return (decoder(encoder.mode(image)) - image).square().mean(); };

  store->set_requires_grad(true);
  loss().backward();
  for (const auto& [name, parameter] : store->parameters()) {
    ASSERT_TRUE(parameter.grad().defined()) << name;
    ASSERT_TRUE(at::isfinite(parameter.grad()).all().item<bool>()) << name;
  }
  // The slope along each parameter's own gradient; float32 losses near 1 with a step of 1e-2 leave about 1 % of noise.
  const c10::NoGradGuard no_grad;
  for (const char* name : {"encoder.conv_in.weight", "encoder.down.1.downsample.conv.weight", "encoder.mid.attn_1.v.weight",
                           "decoder.mid.block_1.norm1.weight", "decoder.up.1.upsample.conv.weight", "decoder.conv_out.bias"}) {
    Tensor parameter = store->parameters().at(name);
    const Tensor original = parameter.detach().clone(), gradient = parameter.grad();
    const double norm = gradient.norm().item<double>(), step = 1e-2;
    const auto at_distance = [&](double distance) {
      parameter.copy_(original + gradient * (distance / norm));
      return loss().item<double>();
    };
    const double slope = (at_distance(step) - at_distance(-step)) / (2 * step);
    parameter.copy_(original);
    EXPECT_NEAR(slope / norm, 1.0, 0.03) << name << " (norm " << norm << ")";
  }
}

INSTANTIATE_TEST_SUITE_P(RgbAndPatches, AutoencoderGradients, ::testing::Bool());

TEST(Autoencoder, Bfloat16StaysClose) {
  const c10::NoGradGuard no_grad;
  const nn::Scope scope(nn::ParameterStore::random(5));
  const AutoencoderEncoder encoder(tiny_config(), scope);
  const AutoencoderDecoder decoder(tiny_config(), scope);
  const Tensor image = randn({2, 3, 32, 32}, make_generator(6)).clamp(-1, 1);
  const Tensor exact = decoder(encoder.mode(image));
  Tensor rounded;
  {
    const Autocast autocast(at::kCPU, at::kBFloat16);
    rounded = decoder(encoder.mode(image));
  }
  EXPECT_EQ(rounded.scalar_type(), at::kBFloat16);
  expect_close(rounded, exact, 0.05, "bfloat16");  // 8 bits of mantissa through some 30 layers
}

TEST(Autoencoder, WrongShapesAreNamed) {
  const nn::Scope scope(nn::ParameterStore::random(7));
  const AutoencoderEncoder encoder(tiny_config(), scope);
  const AutoencoderDecoder decoder(tiny_config(), scope);
  EXPECT_THROW(encoder.moments(at::zeros({1, 3, 20, 16})), Error);
  EXPECT_THROW(encoder.moments(at::zeros({1, 4, 16, 16})), Error);
  EXPECT_THROW(decoder(at::zeros({1, 3, 2, 2})), Error);
  AutoencoderConfig odd = tiny_config();
  odd.norm_groups = 3;
  EXPECT_THROW(AutoencoderEncoder(odd, nn::Scope(nn::ParameterStore::meta())), Error);
}

}  // namespace
}  // namespace gsv3d
