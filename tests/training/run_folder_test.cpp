// What a run leaves on disk for its next session.
#include <gtest/gtest.h>

#include <set>

#include "core/error.h"
#include "core/fingerprint.h"
#include "goldens.h"
#include "toy_data.h"
#include "training/checkpoint.h"
#include "training/seeds.h"

namespace gsv3d {
namespace {

TEST(Checkpoint, RoundTrip) {
  const testing::TemporaryFolder folder("checkpoint");
  TrainingCheckpoint checkpoint;
  checkpoint.parameters["a.weight"] = randn({3, 2}, make_generator(1));
  checkpoint.ema["a.weight"] = randn({3, 2}, make_generator(2));
  checkpoint.adam_means["a.weight"] = randn({3, 2}, make_generator(3));
  checkpoint.adam_squares["a.weight"] = randn({3, 2}, make_generator(4));
  checkpoint.step = 17;
  checkpoint.updates = 16;
  checkpoint.elapsed_seconds = 0.1 + 0.2;
  checkpoint.settings_fingerprint = "abc";
  save_checkpoint(folder.path / "c.safetensors", checkpoint);
  const TrainingCheckpoint read = load_checkpoint(folder.path / "c.safetensors");
  EXPECT_TRUE(at::equal(read.parameters.at("a.weight"), checkpoint.parameters.at("a.weight")));
  EXPECT_TRUE(at::equal(read.ema.at("a.weight"), checkpoint.ema.at("a.weight")));
  EXPECT_TRUE(at::equal(read.adam_means.at("a.weight"), checkpoint.adam_means.at("a.weight")));
  EXPECT_TRUE(at::equal(read.adam_squares.at("a.weight"), checkpoint.adam_squares.at("a.weight")));
  EXPECT_EQ(read.step, 17);
  EXPECT_EQ(read.updates, 16);
  EXPECT_EQ(read.elapsed_seconds, checkpoint.elapsed_seconds);
  EXPECT_EQ(read.settings_fingerprint, "abc");
  NamedTensors other = {{"a.weight", at::zeros({2, 3})}};
  EXPECT_THROW(restore_tensors(other, read.parameters, "checkpoint"), Error);
  NamedTensors missing = {{"b", at::zeros({1})}};
  EXPECT_THROW(restore_tensors(missing, read.parameters, "checkpoint"), Error);
}

TEST(Seeds, DifferByStepPurposeAndSeed) {
  EXPECT_EQ(step_seed(1, 2, "noise"), step_seed(1, 2, "noise"));
  std::set<uint32_t> low_words;  // the generator is seeded with the low 32 bits
  for (uint64_t seed : {0, 1})
    for (int64_t step = 0; step < 1000; ++step)
      for (const char* purpose : {"noise", "sigma"}) low_words.insert(static_cast<uint32_t>(step_seed(seed, step, purpose)));
  EXPECT_GE(low_words.size(), 3998u) << "of 4000; a collision or two would be chance";
  const Tensor a = at::arange(100), b = a.clone();
  b[57] = 0;
  EXPECT_NE(fingerprint(a), fingerprint(b));
  EXPECT_NE(fingerprint(a), fingerprint(a.reshape({10, 10})));
}

}  // namespace
}  // namespace gsv3d
