// What users get wrong: every bad input ends with exit code 1, exactly one line that says what is wrong, and no files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/config.h"
#include "core/safetensors.h"
#include "gaussian_files/gaussian_file.h"
#include "image/image.h"
#include "program.h"
#include "toy_model.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::ProgramResult;
using testing::run_program;
using ::testing::StartsWith;
using testing::TemporaryFolder;

/// An opaque square on transparent ground.
Image square_photo() {
  Image image{32, 32, std::vector<uint8_t>(32 * 32 * 4, 0), true};
  for (int64_t y = 8; y < 24; ++y) {
    for (int64_t x = 8; x < 24; ++x)
      image.at(x, y)[0] = 200, image.at(x, y)[1] = static_cast<uint8_t>(9 * y), image.at(x, y)[3] = 255;
  }
  return image;
}

uint32_t crc32(const std::string& bytes) {
  uint32_t crc = 0xFFFFFFFFu;
  for (const unsigned char byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? crc >> 1 ^ 0xEDB88320u : crc >> 1;
  }
  return ~crc;
}

std::string big_endian(uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
          static_cast<char>(value)};
}

/// A PNG whose header promises 30000 × 30000 pixels.
std::string huge_png() {
  std::string png = encode_png(square_photo());
  const std::string header = png.substr(12, 4) + big_endian(30000) + big_endian(30000) + png.substr(24, 5);
  return png.replace(12, header.size() + 4, header + big_endian(crc32(header)));
}

class Generate : public testing::CommandTest {
 protected:
  Generate() : CommandTest("generate --device cpu --model toy -o out") {
    testing::initialise_toy_model(folder_ / "toy", 1);
    save_png(folder_ / "good.png", square_photo());
  }
  /// The promise of this file's first line.
  void expect_one_line(const ProgramResult& result, const std::string& part) const {
    testing::expect_one_line(result, 1, part);
    EXPECT_EQ(result.out, "");
    EXPECT_FALSE(fs::exists(folder_ / "out"));
  }
};

TEST_F(Generate, ThePaletteIsAsTheModelAsksUnlessTold) {
  const auto has_palette = [&](const std::string& options) {
    const ProgramResult result = run("good.png --steps 1 --no-mesh --no-viewer --no-refinement " + options);
    EXPECT_EQ(result.code, 0) << result.err;
    return read_json_file(folder_ / "out" / "good" / "result.json").at("seconds").contains("photo palette");
  };
  for (const bool asks : {false, true}) {
    Json config = read_json_file(folder_ / "toy" / "config.json");
    config["photo_palette"] = asks;
    write_json_file(folder_ / "toy" / "config.json", config);
    EXPECT_EQ(has_palette(""), asks);
    EXPECT_TRUE(has_palette("--photo-palette"));
    EXPECT_FALSE(has_palette("--no-photo-palette"));
  }
}

TEST_F(Generate, SaysHowSureEachGaussianIs) {
  const std::string quick = "good.png --steps 1 --no-mesh --no-viewer --no-refinement ";
  const ProgramResult result = run(quick + "--confidence-seeds 3");
  EXPECT_EQ(result.code, 0) << result.err;
  const fs::path made = folder_ / "out" / "good";
  const Json confidence = read_json_file(made / "result.json").at("confidence");
  const double value = confidence.at("gaussians").at("value");
  EXPECT_EQ(confidence["gaussians"]["seeds"], 3);
  EXPECT_FALSE(confidence["view_spread"].is_null());
  EXPECT_GT(value, 0);
  EXPECT_LE(value, 1);
  EXPECT_THAT(result.out, HasSubstr(fmt::format("confidence of the Gaussians {:.2f} over 3 seeds", value)));
  const GaussianFile sure = read_gaussians(made / "object.ply");
  ASSERT_TRUE(sure.confidence.defined());
  EXPECT_EQ(sure.confidence.numel(), sure.gaussians.count());

  ASSERT_EQ(run(quick).code, 0);
  EXPECT_TRUE(read_json_file(made / "result.json").at("confidence").at("gaussians").is_null());
  const GaussianFile plain = read_gaussians(made / "object.ply");
  EXPECT_FALSE(plain.confidence.defined());
  EXPECT_TRUE(at::equal(plain.gaussians.means, sure.gaussians.means));

  for (const auto& [options, part] : {std::pair("--confidence-seeds 1", "--confidence-seeds"),
                                      {"--confidence-seeds 3 --spread 3", "excludes"},
                                      {"--confidence-seeds 3 --views-only", "needs Gaussians"}}) {
    const ProgramResult refused = run(quick + options);
    EXPECT_EQ(refused.code, 2) << options;
    EXPECT_THAT(refused.err, HasSubstr(part)) << options;
  }
}

TEST_F(Generate, MakesTheFolderOfResults) {
  const ProgramResult result = run("good.png --seed 4 --steps 2");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("out/good/object.ply"));
  for (const char* name : {"object.ply", "views.png", "result.json"})
    EXPECT_TRUE(fs::exists(folder_ / "out" / "good" / name)) << name;
#if GSV3D_WITH_MESH_LIBRARIES
  EXPECT_TRUE(fs::exists(folder_ / "out" / "good" / "object.glb") || !result.err.empty());
#endif
#if GSV3D_WITH_VIDEO
  EXPECT_TRUE(fs::exists(folder_ / "out" / "good" / "orbit.mp4"));
#endif
  const Json record = read_json_file(folder_ / "out" / "good" / "result.json");
  EXPECT_EQ(record["seed"], 4);
  EXPECT_EQ(record["settings"]["steps"], 2);
  EXPECT_EQ(record["input"], "good.png");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_ / "out"), fs::directory_iterator()), 1);
}

TEST_F(Generate, TheMeshHasTheSizeThatWasAskedFor) {
  const ProgramResult wrong = run("good.png --up z");
  testing::expect_one_line(wrong, 2, "glTF");
  ASSERT_EQ(run("good.png --quiet --steps 2 --mesh-size 12cm").code, 0);
  const Json mesh = read_json_file(folder_ / "out" / "good" / "result.json")["mesh"];
  if (mesh.is_null()) GTEST_SKIP() << "no mesh libraries, or no surface in the toy model's Gaussians";
  EXPECT_EQ(mesh["unit"], "metre");
  const auto size = mesh["size"].get<std::vector<double>>();
  EXPECT_NEAR(*std::max_element(size.begin(), size.end()), 0.12, 1e-6);
}

TEST_F(Generate, SameSeedSameFile) {
  EXPECT_EQ(run("good.png --quiet").code, 0);
  const std::string first = read_file(folder_ / "out" / "good" / "object.ply");
  const ProgramResult again = run("good.png --quiet --threads 1");
  EXPECT_EQ(again.code, 0);
  EXPECT_EQ(again.out + again.err, "");
  // Rounding differs between numbers of threads, which may move a pixel of the photo across a threshold: 68 bytes each.
  EXPECT_NEAR(static_cast<double>(read_file(folder_ / "out" / "good" / "object.ply").size()), static_cast<double>(first.size()),
              680);
  EXPECT_EQ(run("good.png --quiet").code, 0);
  EXPECT_TRUE(read_file(folder_ / "out" / "good" / "object.ply") == first);
}

TEST_F(Generate, TwoProcessesOnOneFolderLeaveTheResultsOfOne) {
  const std::string command = "generate --device cpu --model toy --quiet good.png";
  for (const char* seed : {"1", "2"})
    ASSERT_EQ(run_program(folder_.path(), command + " -o alone" + seed + " --seed " + seed).code, 0);
  const ProgramResult both = run_program(folder_.path(), command + " -o out --seed 1 & " + testing::program_path() + " " +
                                                             command + " -o out --seed 2; second=$?; wait $! && [ $second = 0 ]");
  EXPECT_EQ(both.code, 0) << both.err;
  const Json result = read_json_file(folder_ / "out" / "good" / "result.json");
  const fs::path alone = folder_ / ("alone" + std::to_string(result.at("seed").get<int>()));
  for (const char* name : {"object.ply", "views.png"})
    EXPECT_TRUE(read_file(folder_ / "out" / "good" / name) == read_file(alone / "good" / name)) << name;
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_ / "out"), fs::directory_iterator()), 1);
}

TEST_F(Generate, MissingFile) {
  expect_one_line(run("nowhere.png"), "nowhere.png");
}

TEST_F(Generate, TruncatedJpeg) {
  const std::string jpeg = read_file(fs::path(GSV3D_SOURCE_DIR) / "examples" / "apple.jpg");
  put("cut.jpg", jpeg.substr(0, jpeg.size() / 2));
  expect_one_line(run("cut.jpg"), "cut.jpg");
}

TEST_F(Generate, TextRenamedToPng) {
  put("text.png", "this is not a picture\n");
  expect_one_line(run("text.png"), "text.png");
}

TEST_F(Generate, EmptyFileAndFolder) {
  put("empty.jpg", "");
  expect_one_line(run("empty.jpg"), "empty.jpg");
  fs::create_directory(folder_ / "folder");
  expect_one_line(run("folder"), "folder");
}

TEST_F(Generate, OnePixel) {
  save_png(folder_ / "one.png", Image{1, 1, {255, 0, 0, 255}, false});
  expect_one_line(run("one.png"), "one.png");
}

TEST_F(Generate, FullyTransparent) {
  save_png(folder_ / "glass.png", Image{32, 32, std::vector<uint8_t>(32 * 32 * 4, 0), true});
  expect_one_line(run("glass.png"), "transparent");
}

TEST_F(Generate, HugeHeader) {
  put("huge.png", huge_png());
  expect_one_line(run("huge.png"), "30000");
}

TEST_F(Generate, DamagedWeights) {
  const std::string content = read_file(folder_ / "toy" / "unet.safetensors");
  put("toy/unet.safetensors", content.substr(0, content.size() - 10));
  expect_one_line(run("good.png"), "unet.safetensors");
  put("toy/unet.safetensors", std::string(100, 'x'));
  expect_one_line(run("good.png"), "unet.safetensors");
}

TEST_F(Generate, WeightsThatAreNotNumbers) {
  for (const char* part : {"unet", "vae", "dino", "gaussian_decoder", "image_embedder"}) {
    testing::initialise_toy_model(folder_ / "toy", 1);
    const fs::path path = folder_ / "toy" / (std::string(part) + ".safetensors");
    NamedTensors weights;
    for (const auto& [name, tensor] : read_safetensors(path)) weights[name] = at::full_like(tensor, NAN);
    write_safetensors(path, weights);
    expect_one_line(run("good.png --quiet"), "not finite");
  }
}

TEST_F(Generate, WeightsThatArePipesOrDeepJson) {
  fs::remove(folder_ / "toy" / "unet.safetensors");
  ASSERT_EQ(::mkfifo((folder_ / "toy" / "unet.safetensors").c_str(), 0600), 0);
  expect_one_line(run("good.png", "timeout 20"), "not a regular file");
  put("toy/config.json", "{\"frames\":" + std::string(1'000'000, '[') + std::string(1'000'000, ']') + "}");
  expect_one_line(run("good.png"), "nested");
  put("toy/config.json", "{\"frames\":18446744073709551615}");
  expect_one_line(run("good.png"), "out of range");
}

TEST_F(Generate, UnusualNames) {
  const std::string longest = std::string(251, 'a') + ".png", latin1 = "caf\xe9.png", lines = "two\nlines.png";
  for (const std::string& name : {longest, latin1, lines, std::string("-dash.png"), std::string("quo\"te {}%s.png")}) {
    fs::copy(folder_ / "good.png", folder_ / name);
    // Given by a pattern that only this file matches, so that no shell quoting is needed.
    const std::string pattern = "./" + name.substr(0, 2) + "*" + name.substr(name.size() - 5);
    const ProgramResult result = run("--quiet --steps 1 -- " + pattern);
    EXPECT_EQ(result.code, 0) << name << result.err;
    EXPECT_TRUE(fs::exists(folder_ / "out" / fs::path(name).stem() / "object.ply")) << name;
    fs::remove(folder_ / name);
  }
  fs::remove_all(folder_ / "out");
  put("no\npicture\x1b[31m.png", "text");
  expect_one_line(run("./no*"), "not a picture");
}

TEST_F(Generate, FormatsThatAreNotPhotosAreNamed) {
  put("drawing.svg", "<svg xmlns='http://www.w3.org/2000/svg' width='64' height='64'><rect width='30' height='30'/></svg>");
  put("paper.pdf", "%PDF-1.4\n%%EOF");
  put("stub.png", read_file(folder_ / "good.png").substr(0, 20));
  for (const char* name : {"drawing.svg", "paper.pdf"}) expect_one_line(run(name), "not a picture");
  expect_one_line(run("stub.png"), "stub.png");
}

TEST_F(Generate, ClosedStandardStreams) {
  // The first file opened would take a closed stream's number and receive its messages.
  for (const char* streams : {"<&-", ">&-", "<&- >&-"}) {
    EXPECT_EQ(run("good.png --steps 1 " + std::string(streams)).code, 0) << streams;
    EXPECT_NO_THROW(read_json_file(folder_ / "out" / "good" / "result.json")) << streams;
  }
  const ProgramResult full = run("good.png --steps 1 >/dev/full");
  EXPECT_EQ(full.code, 1);
  EXPECT_THAT(full.err, HasSubstr("standard output"));
}

TEST_F(Generate, LeftoversOfKilledRunsAreRemoved) {
  const pid_t dead = 0x3fffffff;  // above the largest process number of Linux
  fs::create_directories(folder_ / "out" / (".good." + std::to_string(dead) + ".part"));
  fs::create_directories(folder_ / "out" / (".good." + std::to_string(::getpid()) + ".part"));
  EXPECT_EQ(run("good.png --quiet --steps 1").code, 0);
  EXPECT_FALSE(fs::exists(folder_ / "out" / (".good." + std::to_string(dead) + ".part")));
  EXPECT_TRUE(fs::exists(folder_ / "out" / (".good." + std::to_string(::getpid()) + ".part")));
}

TEST_F(Generate, IgnoredSignalsStayIgnored) {
  const ProgramResult result = run("good.png --quiet --steps 300", "trap '' HUP; (sleep 1; kill -HUP $$) & exec");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(fs::exists(folder_ / "out" / "good" / "object.ply"));
}

TEST_F(Generate, MissingPartAndMissingModel) {
  fs::remove(folder_ / "toy" / "image_embedder.safetensors");
  expect_one_line(run("good.png"), "image_embedder.safetensors");
  fs::rename(folder_ / "toy", folder_ / "elsewhere");
  expect_one_line(run("good.png"), "no such model folder");
}

TEST_F(Generate, OutputThatIsAFile) {
  put("taken", "1");
  expect_one_line(run_program(folder_.path(), "generate --device cpu --model toy good.png -o taken/out"), "taken/out");
  expect_one_line(run_program(folder_.path(), "generate --device cpu --model toy good.png -o /dev/full"), "/dev/full");
}

TEST_F(Generate, DiskFull) {
  // A limit on the size of files fails writes in the middle of a file, as a full disk does. 4 blocks are 2 or 4 KB by the shell.
  expect_one_line(run("good.png --quiet", "ulimit -f 4;"), "cannot write");
}

TEST_F(Generate, OneBadPhotoDoesNotStopTheOthers) {
  put("bad.png", "no");
  const ProgramResult result = run("bad.png good.png --quiet");
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.err_lines(), 1) << result.err;
  EXPECT_THAT(result.err, HasSubstr("bad.png"));
  EXPECT_TRUE(fs::exists(folder_ / "out" / "good" / "object.ply"));
  EXPECT_FALSE(fs::exists(folder_ / "out" / "bad"));
}

TEST_F(Generate, FolderMeansItsPictures) {
  fs::create_directories(folder_ / "photos" / "below");
  for (const char* name : {"photos/b.PNG", "photos/a.png", "photos/.hidden.png", "photos/below/c.png"})
    fs::copy(folder_ / "good.png", folder_ / name);
  put("photos/notes.txt", "no picture");
  const ProgramResult result = run("photos good.png --steps 1 --no-viewer");
  EXPECT_EQ(result.code, 0) << result.err;
  const size_t a = result.out.find("out/a: "), b = result.out.find("out/b: "), good = result.out.find("out/good: ");
  ASSERT_NE(good, std::string::npos) << result.out;
  EXPECT_LT(a, b);
  EXPECT_LT(b, good);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_ / "out"), fs::directory_iterator()), 3);
  EXPECT_THAT(result.out, HasSubstr("made 3, skipped 0, failed 0 of 3 photos in "));
}

TEST_F(Generate, ClosingSummarySaysWhatFailedAndWhy) {
  put("bad.png", "no");
  fs::create_directory(folder_ / "empty");
  EXPECT_EQ(run("good.png --quiet --steps 1").code, 0);
  const auto time = fs::last_write_time(folder_ / "out" / "good" / "object.ply");
  fs::copy(folder_ / "good.png", folder_ / "new.png");
  const ProgramResult people = run("bad.png good.png new.png empty --steps 1 --skip-existing");
  EXPECT_EQ(people.code, 1);
  EXPECT_THAT(people.err, HasSubstr("gsv3d: bad.png: "));
  EXPECT_THAT(people.err, HasSubstr("gsv3d: empty: "));
  EXPECT_THAT(people.out, HasSubstr("made 1, skipped 1, failed 2 of 4 photos in "));
  EXPECT_THAT(people.out, HasSubstr("  failed: bad.png: "));
  EXPECT_THAT(people.out, HasSubstr("  failed: empty: a folder without pictures"));
  EXPECT_EQ(fs::last_write_time(folder_ / "out" / "good" / "object.ply"), time);

  fs::remove_all(folder_ / "out" / "new");
  const ProgramResult programs = run("bad.png good.png new.png --steps 1 --skip-existing --json");
  EXPECT_EQ(programs.code, 1);
  const Json json = parse_json(programs.out, "stdout");
  ASSERT_EQ(json["made"].size(), 1u);
  EXPECT_EQ(json["made"][0]["input"], "new.png");
  EXPECT_EQ(json["made"][0]["folder"], "out/new");
  EXPECT_GT(json["made"][0]["gaussians"].get<int64_t>(), 0);
  EXPECT_EQ(json["skipped"][0]["input"], "good.png");
  EXPECT_EQ(json["failed"][0]["input"], "bad.png");
  EXPECT_THAT(json["failed"][0]["why"].get<std::string>(), HasSubstr("not a picture"));
  EXPECT_EQ(json["not_begun"], 0);
}

TEST_F(Generate, PhotosOfOneNameGetFoldersOfTheirOwn) {
  fs::create_directory(folder_ / "b");
  fs::copy(folder_ / "good.png", folder_ / "b" / "good.png");
  EXPECT_EQ(run("good.png b/good.png --quiet --steps 1").code, 0);
  EXPECT_TRUE(fs::exists(folder_ / "out" / "good" / "object.ply"));
  EXPECT_TRUE(fs::exists(folder_ / "out" / "good-2" / "object.ply"));
}

TEST_F(Generate, InterruptEndsWith130AndLeavesNothing) {
  const ProgramResult result = run("good.png --quiet --steps 1000", "timeout --preserve-status -s INT 1.5");
  EXPECT_EQ(result.code, 130) << result.err;
  EXPECT_FALSE(fs::exists(folder_ / "out"));
}

TEST_F(Generate, WrongUsageExitsWithTwo) {
  for (const char* arguments : {"", "good.png --colour", "good.png --steps 0", "good.png --device tpu", "good.png --dtype int8",
                                "good.png --elevation 90", "good.png --elevation nan", "good.png --guidance nan",
                                "good.png --seed x", "good.png --seed -1", "good.png --seed 18446744073709551616"}) {
    const ProgramResult result = run(arguments);
    EXPECT_EQ(result.code, 2) << arguments << ": " << result.err;
    EXPECT_EQ(result.err_lines(), 1) << arguments << ": " << result.err;
    EXPECT_THAT(result.err, StartsWith("gsv3d: ")) << arguments;
  }
}

}  // namespace
}  // namespace gsv3d
