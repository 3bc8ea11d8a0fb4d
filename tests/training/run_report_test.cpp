// report.html of a run: what it shows, and that nothing outside it is needed.
#include "training/run_report.h"

#include <gmock/gmock.h>

#include "core/atomic_file.h"
#include "core/base64.h"
#include "core/error.h"
#include "core/resident_memory.h"
#include "image/image.h"
#include "toy_data.h"
#include "training/vae_stage.h"

namespace gsv3d {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

int64_t count_of(const std::string& text, const std::string& part) {
  int64_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(RunReport, ShowsCurvesAndTheFirstAndLastPictures) {
  const testing::TemporaryFolder folder("run-report");
  write_file(folder.path / "metrics.csv", "step,seconds,loss,rate\n10,1,4,1e-3\n20,2,nan,1e-3\n30,3,2,1e-3\n");
  write_file(folder.path / "settings.json", "{\"a\": \"<b>\"}\n");
  for (const int step : {0, 20, 30})
    save_png(folder.path / "previews" / fmt::format("two-views-{:07d}.png", step),
             blank_image(2, 2, static_cast<uint8_t>(step), 0, 0));
  write_run_report(folder.path, "train & see", {{"steps", "30"}});
  const std::string html = read_file(folder.path / "report.html");
  EXPECT_THAT(html, HasSubstr("<h1>train &amp; see</h1>"));
  EXPECT_THAT(html, HasSubstr("<tr><td>steps<td>30"));
  // Two of three rows have a loss: 8 pixels of margin, the first value above, the last below.
  EXPECT_THAT(html, HasSubstr("points=\"8.0,8.0 352.0,152.0 \""));
  EXPECT_THAT(html, HasSubstr("<b>loss</b> 4 → 2, between 2 and 4; steps 10 to 30"));
  EXPECT_EQ(count_of(html, "<svg"), 2) << "loss and rate, not the seconds";
  const auto png = [&](int step) {
    return base64_encoded(read_file(folder.path / "previews" / fmt::format("two-views-{:07d}.png", step)));
  };
  EXPECT_THAT(html, HasSubstr(png(0) + "\"><figcaption>before: step 0"));
  EXPECT_THAT(html, HasSubstr(png(30) + "\"><figcaption>after: step 30"));
  EXPECT_THAT(html, Not(HasSubstr(png(20))));
  EXPECT_THAT(html, HasSubstr("&lt;b&gt;"));
  for (const char* outside : {"http:", "https:", "<script", "<link"}) EXPECT_THAT(html, Not(HasSubstr(outside)));
}

TEST(RunReport, ATrainingWritesItWithPicturesOfBeforeAndAfter) {
  const testing::TemporaryFolder folder("run-report-train");
  const StageContext context = testing::toy_context(folder.path, /*with_depth=*/false);
  VaeStageConfig config;
  config.steps = 4, config.batch = 2, config.log_steps = 2;
  TrainRun run;
  run.folder = folder.path / "run";
  run_training(*make_vae_stage(context, config), config, run);
  const std::string html = read_file(run.folder / "report.html");
  EXPECT_THAT(html, HasSubstr("before: step 0"));
  EXPECT_THAT(html, HasSubstr("after: step 4"));
  EXPECT_THAT(html, HasSubstr("<b>loss</b>"));
  EXPECT_THAT(html, HasSubstr("<tr><td>steps<td>4, 0 skipped"));
}

TEST(RunReport, WithoutAStepThereIsNoCurve) {
  const testing::TemporaryFolder folder("run-report-none");
  write_file(folder.path / "metrics.csv", "step,seconds,loss\n");
  write_run_report(folder.path, "none", {});
  EXPECT_THAT(read_file(folder.path / "report.html"), HasSubstr("No step was logged"));
}

TEST(ResidentMemory, GrowsWithWhatIsWritten) {
  const int64_t before = resident_bytes();
  const Tensor large = at::ones({50'000'000}, at::kByte);
  EXPECT_GE(resident_bytes() - before, 45'000'000);
  EXPECT_EQ(large[0].item<uint8_t>(), 1);
}

}  // namespace
}  // namespace gsv3d
