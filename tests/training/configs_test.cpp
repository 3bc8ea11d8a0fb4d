// Every configuration of a stage that is shipped can be used.
#include <gtest/gtest.h>

#include "training/decoder_stage.h"
#include "training/diffusion_stage.h"
#include "training/distill_stage.h"
#include "training/text_stage.h"
#include "training/vae_stage.h"

namespace gsv3d {
namespace {

template <class Config>
void read(const std::filesystem::path& path) {
  EXPECT_NO_THROW(check_settings(config_from_json<Config>(read_json_file(path), path.string()), path.string()));
}

TEST(Configs, ShippedOnesHaveKnownKeysAndSensibleValues) {
  int64_t count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(std::filesystem::path(GSV3D_SOURCE_DIR) / "configs")) {
    const std::string name = entry.path().stem().string();
    if (!name.starts_with("train_")) continue;
    ++count;
    const auto is = [&](const char* stage) { return name.find(stage) != std::string::npos; };
    if (is("vae"))
      read<VaeStageConfig>(entry.path());
    else if (is("diffusion"))
      read<DiffusionStageConfig>(entry.path());
    else if (is("decoder"))
      read<DecoderStageConfig>(entry.path());
    else if (is("distill"))
      read<DistillStageConfig>(entry.path());
    else if (is("text"))
      read<TextStageConfig>(entry.path());
    else
      FAIL() << entry.path() << ": of which stage?";
  }
  EXPECT_GE(count, 10);
}

}  // namespace
}  // namespace gsv3d
