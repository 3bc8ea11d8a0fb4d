// gsv3d import as a user runs it, and generate's options of the sampler.
#include "image/image.h"
#include "program.h"
#include "public_checkpoints.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;
using testing::expect_one_line;
using ::testing::HasSubstr;

class ImportCommand : public testing::CommandTest {
 protected:
  ImportCommand() {
    testing::initialise_toy_model(folder_ / "toy", 1);
    write_safetensors(folder_ / "sv3d.safetensors", testing::official_toy_checkpoint(folder_ / "toy"));
    Image photo = blank_image(32, 32, 0, 0, 0, 0);
    for (int64_t y = 6; y < 26; ++y)
      for (int64_t x = 6; x < 26; ++x) std::fill_n(photo.at(x, y), 4, uint8_t{200});
    save_png(folder_ / "photo.png", photo);
  }
};

TEST_F(ImportCommand, FileBecomesAModelThatRuns) {
  const auto imported = run("import --sv3d sv3d.safetensors --config toy/config.json --dtype bf16 -o models/sv3d");
  ASSERT_EQ(imported.code, 0) << imported.err;
  EXPECT_THAT(imported.out, HasSubstr("ignored      3 tensors"));
  EXPECT_THAT(imported.out, HasSubstr("missing      0 tensors"));
  for (const char* dtype : {"fp32", "bf16"}) {
    const auto generated = run(std::string("generate photo.png --model models/sv3d --views-only -o out --dtype ") + dtype);
    EXPECT_EQ(generated.code, 0) << generated.err;
    EXPECT_TRUE(fs::exists(folder_ / "out/photo/views.png"));
  }
}

TEST_F(ImportCommand, EveryFailureIsOneLineAndLeavesNothing) {
  write_file(folder_ / "model.ckpt", std::string("PK\x03\x04") + std::string(64, 'x'));
  expect_one_line(run("import --sv3d model.ckpt -o m"), 1, ".safetensors release");
  expect_one_line(run("import --sv3d toy/dino.safetensors -o m"), 1, "--dino");
  expect_one_line(run("import --sv3d sv3d.safetensors -o m"), 1, "per frame");
  expect_one_line(run("import -o m"), 2, "nothing to import");
  expect_one_line(run("import --sv3d sv3d.safetensors --config toy/config.json --dtype int4 -o m"), 2, "int4");
  expect_one_line(run("import --sv3d sv3d.safetensors --config toy/config.json -o toy"), 1, "exists already");
  // A disk that fills up, as a limit on the size of files.
  expect_one_line(run("import --sv3d sv3d.safetensors --config toy/config.json -o m", "ulimit -f 8;"), 1, "cannot write");
  EXPECT_FALSE(fs::exists(folder_ / "m"));
  for (const auto& entry : fs::directory_iterator(folder_.path())) EXPECT_NE(entry.path().extension(), ".part") << entry.path();
}

TEST_F(ImportCommand, SamplerOptionsReachTheRecord) {
  const auto result =
      run("generate photo.png --model toy --views-only --steps 2 --guidance linear:1:2 --sampler heun --cache-steps 2 "
          "--guidance-range 0.1:9 "
          "--orbit sine:15 --frames 4 --size 48 "
          "--decode-chunk 1 --guidance-batch split --offload --preview --resume -o out");
  ASSERT_EQ(result.code, 0) << result.err;
  const Json json = read_json_file(folder_ / "out/photo/result.json");
  EXPECT_EQ(json["settings"]["guider"], "linear");
  EXPECT_EQ(json["settings"]["guidance"], 2.0);
  EXPECT_EQ(json["settings"]["sampler"], "heun");
  EXPECT_EQ(json["settings"]["guidance_range"], Json({0.1, 9.0}));
  EXPECT_EQ(json["settings"]["cache_steps"], 2);
  EXPECT_EQ(json["settings"]["views"], 4);
  EXPECT_EQ(json["settings"]["image_size"], 48);
  EXPECT_EQ(json["settings"]["orbit"]["elevations_degrees"].size(), 4u);
  EXPECT_FALSE(fs::exists(folder_ / "out/photo-preview.png"));
  EXPECT_FALSE(fs::exists(folder_ / "out/photo-sampling.safetensors"));
}

TEST_F(ImportCommand, WrongSamplerOptionsAreUsageErrors) {
  for (const char* wrong :
       {"--guidance circle:1:2", "--guidance constant:1:2", "--guidance linear:3:1", "--guidance 99", "--guidance nan",
        "--sampler rk4", "--cache-steps -1", "--guidance-range 3", "--guidance-range 3:1", "--guidance-range -1:2",
        "--guidance-range 1:2:3", "--orbit sine:x", "--guidance-batch both", "--decode-chunk 0"}) {
    SCOPED_TRACE(wrong);
    expect_one_line(run(std::string("generate photo.png --model toy -o out ") + wrong), 2, "");
  }
  expect_one_line(run("generate photo.png --model toy -o out --size 50"), 1, "multiple of");
}

TEST_F(ImportCommand, InfoForetellsMemory) {
  const auto result = run("info --model toy --size 64 --frames 4");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("memory, bf16"));
  EXPECT_THAT(result.out, HasSubstr("4 views of 64 x 64"));
}

}  // namespace
}  // namespace gsv3d
