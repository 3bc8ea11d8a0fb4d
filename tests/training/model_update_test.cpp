// What a run may do to a model folder.
#include "training/model_update.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/atomic_file.h"
#include "errors.h"
#include "toy_data.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;
using testing::error_of;
using ::testing::HasSubstr;

class ModelUpdating : public ::testing::Test {
 protected:
  ModelUpdating() : folder_("model-update") {
    fs::create_directories(model());
    write_json_file(model() / "config.json", config_to_json(testing::toy_model()));
    put(model(), "unet", 1), put(model(), "vae", 2), put(model(), "image_embedder", 3), put(model(), "distilled_lora", 4);
  }
  fs::path model() const { return folder_.path / "model"; }
  fs::path run(const std::string& name = "run") const { return folder_.path / name; }
  static void put(const fs::path& folder, const std::string& part, double value) {
    export_parameters(folder / (part + ".safetensors"), {{"a", at::full({2}, value)}});
  }
  static double value(const fs::path& folder, const std::string& part) {
    return read_safetensors(folder / (part + ".safetensors")).at("a")[0].item<double>();
  }
  ModelUpdate further(const std::string& run_name = "run", bool resumes = false) const {
    return {model(), run(run_name), {{"unet.safetensors", true}, {"image_embedder.safetensors", true}}, resumes, false};
  }
  void finish(ModelUpdate update, double trained, const Json& patch = Json::object()) const {
    put(update.result(), "unet", trained), put(update.result(), "image_embedder", trained);
    update.complete(patch), update.install(patch);
  }
  const testing::TemporaryFolder folder_;
};

TEST_F(ModelUpdating, PutsAsideWhatItReplacesAndTheLoraOverIt) {
  const std::string config = read_file(model() / "config.json");
  finish(further(), 10, {{"radius", 3}});
  EXPECT_EQ(value(model(), "unet"), 10);
  EXPECT_EQ(value(model(), "image_embedder"), 10);
  EXPECT_EQ(value(model(), "vae"), 2);
  EXPECT_EQ(read_model_config(model()).radius, 3);
  const fs::path previous = model() / "previous-1";
  EXPECT_EQ(value(previous, "unet"), 1);
  EXPECT_EQ(value(previous, "image_embedder"), 3);
  EXPECT_EQ(value(previous, "distilled_lora"), 4);
  EXPECT_EQ(read_file(previous / "config.json"), config);
  EXPECT_FALSE(fs::exists(previous / "vae.safetensors"));
  EXPECT_FALSE(fs::exists(model() / "distilled_lora.safetensors")) << "it belongs to the UNet before";
  for (const auto& entry : fs::directory_iterator(model())) EXPECT_NE(entry.path().extension(), ".part") << entry.path();
}

TEST_F(ModelUpdating, OnlyWhatTheRunItselfMadeGoesForGood) {
  finish(further(), 10);
  finish(further("run", true), 11);
  EXPECT_EQ(value(model(), "unet"), 11);
  EXPECT_FALSE(fs::exists(model() / "previous-2"));
  finish(further("other"), 12);
  EXPECT_EQ(value(model() / "previous-2", "unet"), 11);
}

TEST_F(ModelUpdating, FinishedRunThatIsStartedAgainChangesNothing) {
  finish(further(), 10, {{"radius", 3}});
  put(model(), "distilled_lora", 5);  // over the new UNet
  write_json_file(model() / "config.json", config_to_json(testing::toy_model()));
  finish(further("run", true), 10, {{"radius", 3}});
  EXPECT_EQ(value(model(), "distilled_lora"), 5);
  EXPECT_EQ(read_model_config(model()).radius, 2);
  EXPECT_FALSE(fs::exists(model() / "previous-2"));
}

TEST_F(ModelUpdating, WeightsThatChangedMeanwhileAreNotReplaced) {
  ModelUpdate slow = further("slow");
  finish(further("quick"), 10);
  put(slow.result(), "unet", 20), put(slow.result(), "image_embedder", 20);
  slow.complete({});
  const std::string message = error_of([&] { slow.install({}); });
  EXPECT_THAT(message, HasSubstr((model() / "unet.safetensors").string()));
  EXPECT_THAT(message, HasSubstr("weights are in " + (run("slow") / "model").string()));
  EXPECT_EQ(value(model(), "unet"), 10);
  EXPECT_EQ(value(slow.result(), "unet"), 20);
  EXPECT_THAT(error_of([&] { further("slow", true); }), HasSubstr("holds trained weights"));
  ModelUpdate forced(model(), run("slow"), {{"unet.safetensors", true}}, true, /*replace=*/true);
  forced.complete({}), forced.install({});
  EXPECT_EQ(value(model(), "unet"), 20);
  EXPECT_EQ(value(model() / "previous-2", "unet"), 10);
}

TEST_F(ModelUpdating, ResultIsAWholeModelFolder) {
  ModelUpdate update = further();
  put(update.result(), "unet", 10), put(update.result(), "image_embedder", 10);
  update.complete({{"radius", 3}});
  EXPECT_EQ(value(update.result(), "vae"), 2);
  EXPECT_TRUE(fs::is_symlink(update.result() / "vae.safetensors"));
  EXPECT_FALSE(fs::exists(update.result() / "distilled_lora.safetensors"));
  EXPECT_EQ(read_model_config(update.result()).radius, 3);
  EXPECT_EQ(value(model(), "unet"), 1) << "nothing is installed yet";
  EXPECT_EQ(read_model_config(model()).radius, 2);
}

TEST(WeightsFingerprint, IsTheSameWithAndWithoutAHeader) {
  const testing::TemporaryFolder folder("fingerprint");
  export_parameters(folder.path / "with.safetensors", {{"a", at::ones({3})}, {"b", at::zeros({2, 2})}});
  write_safetensors(folder.path / "without.safetensors", read_safetensors(folder.path / "with.safetensors"));
  EXPECT_EQ(weights_fingerprint(folder.path / "with.safetensors"), weights_fingerprint(folder.path / "without.safetensors"));
  export_parameters(folder.path / "other.safetensors", {{"a", at::ones({3})}, {"b", at::ones({2, 2})}});
  EXPECT_NE(weights_fingerprint(folder.path / "with.safetensors"), weights_fingerprint(folder.path / "other.safetensors"));
}

}  // namespace
}  // namespace gsv3d
