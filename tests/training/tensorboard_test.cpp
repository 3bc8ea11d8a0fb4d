// Event files of a training, read back by TensorBoard's own package.
#include <gtest/gtest.h>

#include <cstdlib>

#include "core/atomic_file.h"
#include "core/config.h"
#include "core/csv.h"
#include "image/image.h"
#include "toy_data.h"
#include "training/vae_stage.h"

namespace gsv3d {
namespace {

constexpr const char* kReader = R"(
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator, SCALARS, IMAGES
events = EventAccumulator(sys.argv[1], size_guidance={SCALARS: 0, IMAGES: 0})
events.Reload()
tags = events.Tags()
json.dump({
    "scalars": {tag: [[e.step, e.value] for e in events.Scalars(tag)] for tag in tags["scalars"]},
    "images": {tag: [[e.step, e.width, e.height, e.encoded_image_string[1:4].decode()] for e in events.Images(tag)]
               for tag in tags["images"]},
}, open(sys.argv[2], "w"))
)";

/// The one that is named, else that of the project's own environment, else the system's.
std::string python_of_tests() {
  if (const char* given = std::getenv("GSV3D_TENSORBOARD_PYTHON")) return given;
  const std::string own = GSV3D_SOURCE_DIR "/.venv/bin/python";
  return std::filesystem::exists(own) ? own : "python3";
}

TEST(Tensorboard, ReadsWhatATrainingWrites) {
  const std::string python = python_of_tests();
  if (std::system((python + " -c 'import tensorboard' 2> /dev/null").c_str()) != 0)
    GTEST_SKIP() << "the Python package tensorboard is not installed for " << python
                 << " (scripts/test_tools.sh; GSV3D_TENSORBOARD_PYTHON names another Python)";
  const testing::TemporaryFolder folder("tensorboard");
  const StageContext context = testing::toy_context(folder.path, /*with_depth=*/false);
  VaeStageConfig config;
  config.steps = 6, config.batch = 2, config.log_steps = 2;
  TrainRun run;
  run.folder = folder.path / "run";
  run_training(*make_vae_stage(context, config), config, run);
  config.steps = 8;  // a second session: a second file
  run_training(*make_vae_stage(context, config), config, run);
  write_file(folder.path / "read.py", kReader);
  const std::string command = fmt::format("{} {} {} {} > /dev/null 2>&1", python, (folder.path / "read.py").string(),
                                          run.folder.string(), (folder.path / "read.json").string());
  ASSERT_EQ(std::system(command.c_str()), 0) << command;
  const Json read = read_json_file(folder.path / "read.json");
  const auto rows = read_csv(run.folder / "metrics.csv");
  ASSERT_EQ(rows.size(), 4U);
  for (const char* tag : {"loss", "learning_rate", "samples_per_second", "kl"}) {
    const Json& points = read["scalars"][tag];
    ASSERT_EQ(points.size(), rows.size()) << tag;
    for (size_t i = 0; i < rows.size(); ++i) {
      EXPECT_EQ(points[i][0].get<int64_t>(), std::stoll(rows[i].at("step")));
      const double logged = std::stod(rows[i].at(tag));
      EXPECT_NEAR(points[i][1].get<double>(), logged, 1e-5 * std::abs(logged)) << tag << ": float32, and the table's digits";
    }
  }
  const Json& images = read["images"]["reconstruction"];
  ASSERT_EQ(images.size(), 3U) << "before, after 6 steps, after 8";
  const Image last = load_image(run.folder / "previews" / "reconstruction-0000008.png");
  EXPECT_EQ(images[2], Json::array({8, last.width, last.height, "PNG"}));
}

}  // namespace
}  // namespace gsv3d
