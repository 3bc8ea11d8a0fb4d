// How far a photo lies from the training split's: numbers known by hand, the file, and the way through generate().
#include "pipeline/photo_statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/atomic_file.h"
#include "errors.h"
#include "pipeline/pipeline.h"
#include "toy_model.h"

namespace gsv3d {
namespace {

using ::testing::HasSubstr;

/// 100 embeddings on a line, 1 … 100 from their mean on either side in turn.
PhotoStatistics line() {
  Tensor embeddings = at::zeros({100, 2});
  for (int64_t i = 0; i < 100; ++i) embeddings[i][0] = static_cast<double>(i % 2 == 0 ? i / 2 + 1 : -(i / 2) - 1);
  return photo_statistics(embeddings);
}

TEST(PhotoStatistics, DistancesAreInDeviationsAndRanked) {
  const PhotoStatistics statistics = line();
  EXPECT_EQ(statistics.photos, 100);
  EXPECT_NEAR(statistics.mean[0], 0, 1e-9);
  EXPECT_NEAR(statistics.deviation, std::sqrt(51.0 * 101 / 6), 1e-9);  // mean of 1² … 50²
  const Familiarity middle = familiarity(statistics, at::tensor({0.F, 25.5F}));
  EXPECT_NEAR(middle.distance, 25.5 / statistics.deviation, 1e-6);
  EXPECT_NEAR(middle.farther_share, 0.5, 0.01);
  EXPECT_FALSE(middle.is_unusual());
  EXPECT_EQ(familiarity(statistics, at::tensor({0.F, 0.F})).farther_share, 1);
  EXPECT_EQ(familiarity(statistics, at::tensor({60.F, 0.F})).farther_share, 0);
  EXPECT_TRUE(familiarity(statistics, at::tensor({-49.F, 0.F})).is_unusual());
  EXPECT_FALSE(familiarity(statistics, at::tensor({-46.F, 0.F})).is_unusual());
  EXPECT_THAT(testing::error_of([] { photo_statistics(at::rand({19, 2})); }), HasSubstr("at least 20 photos"));
  EXPECT_THAT(testing::error_of([] { photo_statistics(at::ones({30, 2})); }), HasSubstr("alike"));
  EXPECT_THAT(testing::error_of([&] { familiarity(statistics, at::ones({3})); }), HasSubstr("2 numbers"));
}

TEST(PhotoStatistics, BelongToOneEmbedder) {
  const testing::TemporaryFolder folder;
  testing::initialise_toy_model(folder / "toy", 5);
  EXPECT_FALSE(read_photo_statistics(folder / "toy").has_value());
  write_photo_statistics(folder / "toy", line());
  const auto read = read_photo_statistics(folder / "toy");
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->distances, line().distances);
  testing::initialise_toy_model(folder / "other", 6);
  write_file(folder / "other" / photo_statistics_name, read_file(folder / "toy" / photo_statistics_name));
  EXPECT_FALSE(read_photo_statistics(folder / "other").has_value());
  write_file(folder / "toy" / photo_statistics_name, "{\"distances\": [2, 1]}");
  EXPECT_THAT(testing::error_of([&] { read_photo_statistics(folder / "toy"); }), HasSubstr("ascending distances"));
}

TEST(PhotoStatistics, GenerateSaysWhereAPhotoLies) {
  const testing::TemporaryFolder folder;
  testing::initialise_toy_model(folder / "toy", 5);
  const Model model = load_model(folder / "toy", {});
  const Tensor photo = at::rand({1, 4, 32, 32}, make_generator(3));
  const PreparedPhoto prepared{to_image(photo[0]), {}, photo};
  GenerateOptions options;
  options.views_only = true;
  options.spread_seeds = 3;
  const Result without = generate(model, prepared, options);
  EXPECT_FALSE(without.familiarity.has_value());
  ASSERT_TRUE(without.spread.has_value());
  EXPECT_EQ(without.spread->views.front(), 0) << "the photo is the same for every seed";
  EXPECT_GT(without.spread->value, 0);
  // The same again, and what the seeds make one by one.
  std::vector<Tensor> views = {without.views};
  GenerateOptions other;
  other.views_only = true;
  for (const uint64_t seed : {options.seed + 1, options.seed + 2}) {
    other.seed = seed;
    views.push_back(generate(model, prepared, other).views);
  }
  EXPECT_NEAR(without.spread->value, view_spread(views).value, 1e-6);

  const Tensor embedding = photo_embedding(model, photo);
  EXPECT_EQ(embedding.sizes(), (std::vector<int64_t>{1, 16}));
  const Tensor near = embedding + 1e-3 * randn({50, 16}, make_generator(1));
  write_photo_statistics(folder / "toy", photo_statistics(near));
  const Result inside = generate(model, prepared, other);
  ASSERT_TRUE(inside.familiarity.has_value());
  EXPECT_FALSE(inside.familiarity->is_unusual());
  write_photo_statistics(folder / "toy", photo_statistics(near + 1));
  EXPECT_TRUE(generate(model, prepared, other).familiarity->is_unusual());
}

}  // namespace
}  // namespace gsv3d
