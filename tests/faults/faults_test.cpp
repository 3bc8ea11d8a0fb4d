// Every writer of the program while one call of the system fails (faults.c): it ends with one line and without a half-written
// file, or succeeds with the files of an undisturbed run. A few places of each fault here; GSV3D_FAULT_SWEEP=full tries them all,
// GSV3D_FAULT_SWEEP=60 sixty of each, and prints the counts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <sstream>

#include "core/config.h"
#include "gaussian_files/ply.h"
#include "image/image.h"
#include "program.h"
#include "toy_model.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;
using testing::ProgramResult;
using testing::run_program;
using testing::TemporaryFolder;

struct Fault {
  std::string call, kind;
  bool stays = false;  ///< everything after it fails, too, as on a disk that stays full
};

const std::vector<Fault>& faults() {
  static const std::vector<Fault> all = {
      {"write", "ENOSPC"}, {"write", "ENOSPC", true}, {"write", "EIO"},      {"write", "EINTR"},   {"write", "short"},
      {"sync", "EIO"},     {"sync", "ENOSPC"},        {"rename", "EIO"},     {"rename", "EACCES"}, {"open", "ENOSPC"},
      {"open", "EMFILE"},  {"mkdir", "ENOSPC"},       {"allocate", "ENOMEM"}};
  return all;
}

/// A command that writes `output`, a file or a folder.
struct Writer {
  std::string name, command, output;
  std::vector<std::string> changing = {};  ///< parts of the names of files that hold times, or are named by them
  std::string model = {};                  ///< inside the output folder: where a model lies that the command changes
};

using Files = std::map<std::string, std::string>;

Files files_below(const fs::path& path) {
  Files files;
  if (fs::is_regular_file(path)) files[path.filename().string()] = read_file(path);
  if (!fs::is_directory(path)) return files;
  for (const auto& entry : fs::recursive_directory_iterator(path))
    if (entry.is_regular_file()) files[entry.path().lexically_relative(path).string()] = read_file(entry.path());
  return files;
}

std::vector<std::string> leftovers(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.path().filename().string().ends_with(".part")) names.push_back(entry.path().string());
  return names;
}

class Faults : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::getenv("GSV3D_PROGRAM")) GTEST_SKIP() << "another program may have an allocator of its own";
    testing::initialise_toy_model(base_ / "toy", 1);
    Image photo{32, 32, std::vector<uint8_t>(32 * 32 * 4, 0), true};
    for (int64_t y = 8; y < 24; ++y)
      for (int64_t x = 8; x < 24; ++x) photo.at(x, y)[0] = 200, photo.at(x, y)[3] = 255;
    save_png(base_ / "good.png", photo);
    if (undisturbed("info --model toy").code == 77) GTEST_SKIP() << "no seccomp filters here";
  }

  std::string preload(const std::string& variables) const { return variables + " LD_PRELOAD=" GSV3D_FAULTS; }
  ProgramResult undisturbed(const std::string& command) const {
    return run_program(base_.path(), command, preload("GSV3D_FAULT_COUNTS=counts.txt"));
  }
  /// What an earlier run left: of files another content, of folders nothing but the model.
  void clear(const Writer& writer) {
    fs::remove_all(base_ / writer.output);
    if (fs::path(writer.output).has_extension()) write_file(base_ / writer.output, "what stood here before");
    if (!writer.model.empty()) {
      fs::create_directories(base_ / writer.output);
      fs::copy(base_ / "toy", base_ / writer.output / writer.model, fs::copy_options::recursive);
    }
    before_ = files_below(base_ / writer.output);
  }

  /// Files of the run that nothing disturbs, and how often it called what can fail.
  void learn(const Writer& writer) {
    clear(writer);
    const ProgramResult result = undisturbed(writer.command);
    ASSERT_EQ(result.code, 0) << writer.name << ": " << result.err;
    whole_ = files_below(base_ / writer.output);
    ASSERT_FALSE(whole_.empty());
    std::istringstream lines(read_file(base_ / "counts.txt"));
    std::string call;
    int64_t count = 0;
    while (lines >> call >> count) counts_[call] = count;
  }

  /// At most `most` numbers from 1 to count, the first and the last among them.
  static std::vector<int64_t> places(int64_t count, int64_t most) {
    std::set<int64_t> chosen;
    for (int64_t i = 0; i < most && count > 0; ++i) chosen.insert(most == 1 ? (count + 1) / 2 : 1 + i * (count - 1) / (most - 1));
    return {chosen.begin(), chosen.end()};
  }

  void check(const Writer& writer, const std::string& fault, const ProgramResult& result) {
    SCOPED_TRACE(writer.name + ", GSV3D_FAULT=" + fault + ": exit code " + std::to_string(result.code) + ", " + result.err);
    const Files files = files_below(base_ / writer.output);
    EXPECT_THAT(leftovers(base_.path()), ::testing::IsEmpty());
    const auto changes = [&](const std::string& name) {
      return std::any_of(writer.changing.begin(), writer.changing.end(),
                         [&](const std::string& part) { return name.find(part) != std::string::npos; });
    };
    for (const auto& [name, content] : files) {
      // A run of several files may end between two of them.
      const auto after = whole_.find(name), before = before_.find(name);
      if (result.code != 0 && before != before_.end() && content == before->second) continue;
      if (changes(name)) {
        EXPECT_TRUE(!name.ends_with(".safetensors") || content.size() == after->second.size()) << name << " is cut short";
        continue;
      }
      // Libraries of mathematics may do with less memory, and round differently then.
      const bool whole = after != whole_.end() &&
                         (content == after->second ||
                          (fault.starts_with("allocate") && result.code == 0 && content.size() == after->second.size()));
      EXPECT_TRUE(whole) << name << " is not what it should be";
    }
    if (result.code == 0) {
      for (const auto& [name, content] : whole_) EXPECT_TRUE(changes(name) || files.count(name)) << name << " is missing";
      ++succeeded_;
    } else {
      EXPECT_EQ(result.code, 1);
      int64_t errors = 0;
      std::istringstream lines(result.err);
      for (std::string line; std::getline(lines, line);) errors += !line.starts_with("warning: ");
      EXPECT_EQ(errors, 1);
      EXPECT_THAT(result.err, ::testing::HasSubstr("gsv3d: "));
      ++failed_;
    }
  }

  void sweep(const Writer& writer) {
    learn(writer);
    if (HasFatalFailure()) return;
    const char* wanted = std::getenv("GSV3D_FAULT_SWEEP");
    const int64_t most = !wanted ? 1 : std::string(wanted) == "full" ? 1'000'000 : std::stoll(wanted);
    for (const Fault& fault : faults()) {
      for (const int64_t place : places(counts_[fault.call], most)) {
        clear(writer);
        const std::string text = fmt::format("{}:{}{}:{}", fault.call, place, fault.stays ? "+" : "", fault.kind);
        check(writer, text, run_program(base_.path(), writer.command, preload("GSV3D_FAULT=" + text)));
      }
    }
    std::printf("%s: %ld faults, %ld runs failed in order, %ld succeeded\n", writer.name.c_str(), failed_ + succeeded_, failed_,
                succeeded_);
  }

  /// ball.ply: a shell of Gaussians that has a surface.
  void write_ball() const {
    Tensor directions = randn({2000, 3}, make_generator(5));
    directions = directions / directions.norm(2, 1, true);
    write_ply(base_ / "ball.ply", {0.4 * directions, at::tensor({1.F, 0.F, 0.F, 0.F}).repeat({2000, 1}),
                                   at::full({2000, 3}, 0.04F), at::full({2000}, 0.9F), at::zeros({2000, 1, 3})});
  }

  /// Rendered shards for what reads them; false in a build without the renderer.
  bool render_shards() const {
    const ProgramResult rendered = run_program(
        base_.path(), "data render procedural:2:1 -o shards --size 32 --orbit-views 3 --random-views 0 --samples 1 --quiet");
    return rendered.code == 0;
  }

  const TemporaryFolder base_;
  Files before_, whole_;
  std::map<std::string, int64_t> counts_;
  int64_t failed_ = 0, succeeded_ = 0;
};

TEST_F(Faults, Generate) {
  sweep({"generate",
         "generate good.png --device cpu --model toy -o out --steps 1 --no-refinement --no-mesh --quiet",
         "out",
         {"result.json"}});
}

TEST_F(Faults, Convert) {
  const auto generator = make_generator(5);
  write_ply(base_ / "in.ply", {randn({5000, 3}, generator), at::tensor({1.F, 0.F, 0.F, 0.F}).repeat({5000, 1}),
                               at::full({5000, 3}, 0.03F), at::full({5000}, 0.9F), at::zeros({5000, 1, 3})});
  for (const char* ending : {"ply", "compressed.ply", "splat", "spz", "sog", "glb"}) {
    const std::string output = std::string("made.") + ending;
    if (run_program(base_.path(), "convert in.ply " + output).code != 0) continue;  // this build has no library for it
    failed_ = succeeded_ = 0;
    sweep({"convert to " + output, "convert in.ply " + output, output});
  }
}

TEST_F(Faults, Mesh) {
  write_ball();
  const std::string small = " --resolution 24 --texture-size 64 --triangles 500 --quiet";
  if (run_program(base_.path(), "mesh ball.ply -o probe.glb" + small).code != 0) GTEST_SKIP() << "built without mesh libraries";
  for (const char* output : {"made.glb", "made.stl", "made.ply"}) {
    failed_ = succeeded_ = 0;
    sweep({std::string("mesh to ") + output, std::string("mesh ball.ply -o ") + output + small, output});
  }
}

TEST_F(Faults, RenderAndView) {
  write_ball();
  for (const char* ending : {"png", "gif", "webp", "mp4"}) {
    const std::string output = std::string("made.") + ending,
                      command = "render ball.ply --size 64 --frames 3 --quiet -o " + output;
    if (run_program(base_.path(), command).code != 0) continue;  // this build has no library for it
    failed_ = succeeded_ = 0;
    sweep({"render to " + output, command, output});
  }
  failed_ = succeeded_ = 0;
  sweep({"render to a folder", "render ball.ply --size 64 --frames 3 --depth --quiet -o made", "made"});
  failed_ = succeeded_ = 0;
  sweep({"view", "view ball.ply --quiet -o made.html", "made.html"});
}

TEST_F(Faults, ModelFolders) {
  sweep({"model init", "model init toy/config.json -o made", "made"});
  failed_ = succeeded_ = 0;
  sweep({"model quantize", "model quantize toy --parts unet,vae -o made", "made"});
}

TEST_F(Faults, DataSynthesizeAndPack) {
  if (run_program(base_.path(), "data synthesize --count 1 -o probe.pack --quiet").code != 0)
    GTEST_SKIP() << "built without objects";
  sweep({"data synthesize", "data synthesize --count 2 --split-file made/split.csv -o made/objects.pack --quiet", "made"});
  failed_ = succeeded_ = 0;
  sweep({"data pack", "data pack procedural:2:1 -o made.pack --quiet", "made.pack"});
}

TEST_F(Faults, Manual) {
  sweep({"manual", "manual made", "made"});
}

TEST_F(Faults, Fit) {
  Json file;
  file["camera_angle_x"] = 0.6;
  for (int view = 0; view < 2; ++view) {
    const double side = view == 0 ? 1 : -1;
    write_file(base_ / "views" / (std::to_string(view) + ".png"), read_file(base_ / "good.png"));
    file["frames"].push_back({{"file_path", std::to_string(view)},
                              {"transform_matrix", {{side, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, side, 2 * side}, {0, 0, 0, 1}}}});
  }
  write_json_file(base_ / "views" / "transforms.json", file);
  sweep({"fit", "fit views --up y --steps 3 --max-gaussians 200 --seed 3 --quiet -o made.ply", "made.ply"});
}

TEST_F(Faults, DataRender) {
  if (!render_shards()) GTEST_SKIP() << "built without Embree";
  sweep(
      {"data render", "data render procedural:2:1 -o out --size 16 --orbit-views 3 --random-views 0 --samples 1 --quiet", "out"});
}

TEST_F(Faults, Train) {
  if (!render_shards()) GTEST_SKIP() << "built without Embree";
  write_json_file(base_ / "vae.json", {{"steps", 1}, {"batch", 2}, {"warmup_steps", 0}});
  sweep({"train",
         "train vae --device cpu --model work/model --config vae.json --data shards --run work/run --quiet",
         "work",
         {"metrics.csv", "report.html", "events", "json", "checkpoint"},
         "model"});
}

TEST_F(Faults, Eval) {
  if (!render_shards()) GTEST_SKIP() << "built without Embree";
  sweep({"eval",
         "eval --device cpu --model toy --dataset shards --elevation 10 --baselines billboard --out report --quiet",
         "report",
         {"json", "html", "md", "csv", "tex"}});
}

}  // namespace
}  // namespace gsv3d
