// LoRA files for other programs: what our own reader of their formats makes of them, and merging there and back.
#include "models/lora_export.h"

#include <gmock/gmock.h>

#include "core/error.h"
#include "diffusion/video_unet.h"
#include "models/lora_file.h"
#include "models/lora_import.h"
#include "temporary_folder.h"
#include "toy_model.h"

namespace gsv3d {
namespace {

struct Adapted {
  VideoUNetConfig config = testing::toy_config().unet;
  NamedTensors base, lora;
  explicit Adapted(int64_t rank) {
    const auto store = nn::ParameterStore::random(3);
    store->enable_lora({rank, 0, {"attn1.to_q", "to_v", "to_out.0"}}, {}, 5);
    const VideoUNet unet(config, nn::Scope(store));
    base = store->parameters();
    int64_t seed = 0;
    for (const auto& [name, tensor] : store->lora_parameters())  // lora_B would begin with zeros
      lora.emplace(name, randn(tensor.sizes(), make_generator(++seed)) * 0.1);
  }
};

double largest(const Tensor& tensor) {
  return tensor.abs().max().item<double>();
}

TEST(LoraExport, EveryFormatKeepsLayersAndStrength) {
  const Adapted adapted(4);
  const testing::TemporaryFolder folder;
  constexpr double alpha = 6;  // a strength of 1.5
  for (const LoraNames names : {LoraNames::peft, LoraNames::diffusers, LoraNames::kohya}) {
    const NamedLora named = named_lora(adapted.lora, alpha, adapted.config, names);
    write_safetensors(folder / "out.safetensors", named.tensors, named.header);
    const NamedTensors read = import_lora(folder / "out.safetensors", adapted.config);
    ASSERT_EQ(read.size(), adapted.lora.size());
    for (const auto& [name, tensor] : adapted.lora) {
      const double scale = name.ends_with("lora_B.weight") ? alpha / 4 : 1;
      EXPECT_LE(largest(read.at(name) - tensor * scale), 1e-7) << name;
    }
  }
}

TEST(LoraExport, NamesAreThoseOfTheFormats) {
  const Adapted adapted(4);
  const auto has = [&](LoraNames names, const std::string& name) {
    return named_lora(adapted.lora, 0, adapted.config, names).tensors.contains(name);
  };
  EXPECT_TRUE(has(LoraNames::peft, "base_model.model.input_blocks.3.1.transformer_blocks.0.attn1.to_q.lora_A.weight"));
  EXPECT_TRUE(has(LoraNames::diffusers, "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q.lora_A.weight"));
  EXPECT_TRUE(
      has(LoraNames::diffusers, "unet.down_blocks.1.attentions.0.temporal_transformer_blocks.0.attn2.to_out.0.lora_B.weight"));
  EXPECT_TRUE(has(LoraNames::kohya, "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_out_0.lora_up.weight"));
  EXPECT_TRUE(has(LoraNames::kohya, "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_out_0.alpha"));
}

TEST(LoraExport, LayersOfOtherRanksKeepTheirStrength) {
  Adapted adapted(4);
  const std::string layer = "middle_block.1.transformer_blocks.0.attn1.to_q";
  for (const char* half : {".lora_A.weight", ".lora_B.weight"}) {
    Tensor& tensor = adapted.lora.at(layer + half);
    tensor = tensor.narrow(std::string(half) == ".lora_A.weight" ? 0 : 1, 0, 2).contiguous();
  }
  const testing::TemporaryFolder folder;
  for (const LoraNames names : {LoraNames::peft, LoraNames::diffusers, LoraNames::kohya})
    for (const double alpha : {0.0, 6.0}) {
      const NamedLora named = named_lora(adapted.lora, alpha, adapted.config, names);
      write_safetensors(folder / "out.safetensors", named.tensors, named.header);
      const NamedTensors read = import_lora(folder / "out.safetensors", adapted.config);
      const Tensor& up = adapted.lora.at(layer + ".lora_B.weight");
      EXPECT_LE(largest(read.at(layer + ".lora_B.weight") - up * (alpha > 0 ? alpha / 2 : 1)), 1e-7);
    }
}

TEST(LoraExport, MergedAndTakenOutAgainIsTheBase) {
  const Adapted adapted(4);
  const testing::TemporaryFolder folder;
  const NamedLora named = named_lora(adapted.lora, 6, adapted.config, LoraNames::kohya);
  write_safetensors(folder / "out.safetensors", named.tensors, named.header);
  // import multiplies the strength into lora_B: alpha is 0 from then on.
  const NamedTensors merged = merged_lora_weights(adapted.base, import_lora(folder / "out.safetensors", adapted.config), 0, "x");
  const NamedTensors back =
      merged_lora_weights(merged, import_lora(folder / "out.safetensors", adapted.config, /*weight=*/-1), 0, "x");
  ASSERT_EQ(back.size(), adapted.lora.size() / 2);
  for (const auto& [name, tensor] : back) {
    EXPECT_LE(largest(tensor - adapted.base.at(name)), 1e-6) << name;
    EXPECT_GT(largest(merged.at(name) - adapted.base.at(name)), 1e-3) << name;
  }
}

TEST(LoraExport, ModelsWithoutOneAreNamed) {
  const testing::TemporaryFolder folder;
  write_json_file(folder / "config.json", config_to_json(testing::toy_config()));
  EXPECT_THAT([&] { export_lora(folder.path(), LoraNames::peft, folder / "out.safetensors"); },
              ::testing::ThrowsMessage<Error>(::testing::HasSubstr("has no LoRA")));
  EXPECT_FALSE(std::filesystem::exists(folder / "out.safetensors"));
}

}  // namespace
}  // namespace gsv3d
