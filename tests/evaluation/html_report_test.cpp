// The page, the CSV and the LaTeX rows hold the numbers of the evaluation, and the page needs nothing from outside.
#include "evaluation/html_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <regex>

#include "core/atomic_file.h"
#include "core/csv.h"
#include "evaluation/model_methods.h"
#include "evaluation/split_record.h"
#include "temporary_folder.h"

namespace gsv3d {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::TemporaryFolder;

constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

ObjectScores scored(const std::string& id, double psnr) {
  ObjectScores object;
  object.id = id;
  object.orbit = {psnr, 0.5, 0.25, 0.75, 0.125};
  object.random = {nothing, nothing, nothing, nothing, nothing};
  object.seconds = 2;
  object.elevation_degrees = 12.5;
  return object;
}

ReportContent content() {
  ReportContent result;
  result.settings.model = "models/x", result.settings.model_name = "tiny <1>", result.settings.split = "test";
  result.settings.test_scorings = 3;
  result.settings.alignment = "icp", result.settings.cameras = "mine";
  result.methods = {{"pipeline", "", {scored("maker/a", 20), scored("b", 10), scored("c", 30)}},
                    {true_latents_name, "", {scored("maker/a", 21), scored("c", 33)}, {{"b", "a & b"}}}};
  return result;
}

/// The sort values of the cells of a row that begins with this name in the table of this id.
std::vector<std::string> cells(const std::string& page, const std::string& table, const std::string& row) {
  const size_t begin = page.find("<table id=\"" + table + "\""), start = page.find(">" + row + "</td>", begin);
  const std::string line = page.substr(start, page.find("</tr>", start) - start);
  std::vector<std::string> values;
  const std::regex cell("<td data-value=\"([^\"]*)\">");
  for (std::sregex_iterator i(line.begin(), line.end(), cell), end; i != end; ++i) values.push_back((*i)[1]);
  return values;
}

TEST(HtmlReport, HoldsTheMeansDifferencesAndIntervals) {
  const std::string page = html_report(content(), "nowhere");
  // Orbit PSNR, both SSIMs, mask IoU, depth error, seconds; columns without a number are left out.
  EXPECT_THAT(cells(page, "means", "pipeline"), ElementsAre("20", "0.5", "0.25", "0.75", "0.125", "2"));
  EXPECT_THAT(cells(page, "means", true_latents_name), ElementsAre("27", "0.5", "0.25", "0.75", "0.125", "2"));
  // Paired over a and c: 1 and 3 dB.
  EXPECT_THAT(cells(page, "differences", true_latents_name), ElementsAre("2", "0", "0", "0", "0", "0"));
  EXPECT_THAT(page, HasSubstr("+2.00<small>[+1.00, +3.00]</small>"));
  EXPECT_THAT(page, HasSubstr("ceiling of the unrefined pipeline only"));
  EXPECT_THAT(page, HasSubstr("Split: test. This model folder was scored on a test split 3 times so far."));
  EXPECT_THAT(page, HasSubstr("<li>decoder on true latents, b: a &amp; b</li>"));
  EXPECT_THAT(page, HasSubstr("tiny &lt;1&gt;"));
}

TEST(HtmlReport, ShowsTheWorstObjectsFirstWithTheirPictures) {
  const TemporaryFolder folder;
  write_file(folder / "maker_a.png", "Man");  // base64: TWFu; and with one and two bytes missing
  write_file(folder / "b.png", "Ma");
  write_file(folder / "c.png", "M");
  const std::string page = html_report(content(), folder.path());
  const size_t b = page.find("<summary>b<"), a = page.find("<summary>maker/a<"), c = page.find("<summary>c<");
  EXPECT_LT(b, a);
  EXPECT_LT(a, c);
  EXPECT_NE(c, std::string::npos);
  for (const char* picture : {"base64,TWFu\"", "base64,TWE=\"", "base64,TQ==\""}) EXPECT_THAT(page, HasSubstr(picture));
}

TEST(HtmlReport, NeedsNothingFromOutside) {
  const std::string page = html_report(content(), "nowhere");
  for (const char* outside : {"http:", "https:", "<link", "@import", "url(", "src=\"/"})
    EXPECT_THAT(page, Not(HasSubstr(outside)));
}

TEST(HtmlReport, CsvHasALinePerMethodAndObject) {
  const TemporaryFolder folder;
  write_report(folder.path(), content());
  auto rows = read_csv(folder / "scores.csv");
  ASSERT_EQ(rows.size(), 5U);
  EXPECT_EQ(rows[3]["method"], true_latents_name);
  EXPECT_EQ(rows[3]["object"], "maker/a");
  EXPECT_EQ(rows[3]["orbit psnr"], "21");
  EXPECT_EQ(rows[3]["orbit depth_error"], "0.125");
  EXPECT_EQ(rows[3]["random psnr"], "");
  EXPECT_EQ(rows[3]["geometry chamfer"], "");
  EXPECT_EQ(rows[3]["orbit_elevation_degrees"], "12.5");
  EXPECT_EQ(rows[3]["conditions"], "0 x 0 px; over white; longest side 1; alignment icp; mine");
  EXPECT_EQ(read_csv(folder / "timings.csv").at(3)["seconds"], "2.000");
  EXPECT_FALSE(std::filesystem::exists(folder / "sets.csv")) << "no weights, no sets";
  EXPECT_EQ(read_json_file(folder / "evaluation.json")["settings"]["test_scorings"], 3);
  for (const char* file : {"report.html", "evaluation.md", "rows.tex"}) EXPECT_GT(read_file(folder / file).size(), 100U) << file;
}

TEST(HtmlReport, SetsCarryTheirIntervals) {
  ReportContent odd = content();
  odd.methods[0].set = {12.5, 0.25, 60, {10, 15}, {0.125, 0.375}};
  odd.methods[1].set = {7, 0.5, 40};
  const std::string page = html_report(odd, "nowhere");
  EXPECT_THAT(cells(page, "sets", "pipeline"), ElementsAre("12.5", "0.25"));
  EXPECT_THAT(page, HasSubstr("12.50<small>[10.00, 15.00]</small>"));
  EXPECT_THAT(markdown_report(odd), HasSubstr("| pipeline | 12.50 [10.00, 15.00] | 0.25000 [0.12500, 0.37500] | 60 |"));
  EXPECT_THAT(markdown_report(odd), HasSubstr("| decoder on true latents | 7.00 | 0.50000 | 40 |"));
  const TemporaryFolder folder;
  write_report(folder.path(), odd);
  auto rows = read_csv(folder / "sets.csv");
  EXPECT_EQ(rows.at(0)["kid_high"], "0.375");
  EXPECT_EQ(rows.at(1)["fid_low"], "");
  EXPECT_THAT(rows.at(1)["conditions"], HasSubstr("alignment icp"));
  EXPECT_EQ(read_json_file(folder / "evaluation.json")["methods"][0]["set"]["fid_low"], 10);
}

TEST(HtmlReport, LatexRows) {
  ReportContent odd = content();
  odd.methods[0].name = "100 % of_it";
  const std::string rows = latex_rows(odd.methods);
  // Deviation 10 of three objects: 10 / √3.
  EXPECT_THAT(rows, HasSubstr("100 \\% of\\_it & $20.00 \\pm 5.77$ & $0.500 \\pm 0.000$ &"));
  EXPECT_THAT(rows, HasSubstr("\ndecoder on true latents & $27.00 \\pm 6.00$ & "));
}

TEST(SplitRecord, SplitComesFromTheTableBesideTheShards) {
  const TemporaryFolder folder;
  EXPECT_EQ(split_of(folder.path(), {"a"}), "unknown");
  write_file(folder / "objects.csv", "id,split\na,val\nb,test\nc,\n");
  EXPECT_EQ(split_of(folder.path(), {"a"}), "val");
  EXPECT_EQ(split_of(folder / "views-000000.tar", {"b"}), "test");
  EXPECT_EQ(split_of(folder.path(), {"a", "b", "c"}), "test+val");
  EXPECT_EQ(split_of(folder.path(), {"c"}), "unknown");
  EXPECT_EQ(split_of("procedural:3", {"a"}), "unknown");
  write_file(folder / "split.csv", "id,split\na,train\n");
  EXPECT_EQ(split_of(folder / "split.csv", {"a"}), "train");
  EXPECT_TRUE(is_test_split("test+val"));
  EXPECT_TRUE(is_test_split("test"));
  EXPECT_FALSE(is_test_split("val"));
  EXPECT_FALSE(is_test_split("untested"));
}

TEST(SplitRecord, CountsEveryScoringOnTest) {
  const TemporaryFolder folder;
  EXPECT_EQ(recorded_test_scorings(folder.path()), 0);
  EXPECT_EQ(record_test_scoring(folder.path(), {"data/test", "1.0", 7}), 1);
  EXPECT_EQ(record_test_scoring(folder.path(), {"data/test", "1.1", 35}), 2);
  EXPECT_EQ(recorded_test_scorings(folder.path()), 2);
  const Json record = read_json_file(folder / "scored_on_test.json");
  EXPECT_EQ(record["scored"][1]["version"], "1.1");
  EXPECT_EQ(record["scored"][1]["objects"], 35);
}

TEST(SplitRecord, AFolderThatCannotBeWrittenIsNoErrorAndADamagedRecordIsKept) {
  const TemporaryFolder folder;
  write_file(folder / "file", "");
  EXPECT_EQ(record_test_scoring(folder / "file", {"data/test", "1.0", 7}), 1);  // no folder: nothing can be in it
  write_file(folder / "scored_on_test.json", "{\"scored\": 3}");
  EXPECT_EQ(record_test_scoring(folder.path(), {"data/test", "1.0", 7}), 1);
  EXPECT_EQ(read_file(folder / "scored_on_test.json"), "{\"scored\": 3}");
}

}  // namespace
}  // namespace gsv3d
