// Which models are in memory when jobs ask for several: loaded once, the one not used for longest makes room, none while it is
// used.
#include "service/served_models.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

#include "core/cancel.h"
#include "errors.h"
#include "toy_text_model.h"

namespace gsv3d::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

ServedModel named(const std::string& name) {
  ServedModel model{toy_config()};
  model.config.name = name;
  return model;
}

class ServedModelsTest : public ::testing::Test {
 protected:
  /// "first", and further ones "a", "b", "c", whose loading is written down.
  std::unique_ptr<ServedModels> served(int64_t most_further) {
    return std::make_unique<ServedModels>(std::vector<ServedModel>{named("first"), named("a"), named("b"), named("c")},
                                          most_further, [this](const ServedModel& about) {
                                            const std::lock_guard lock(mutex_);
                                            if (about.config.name == broken_) throw Error("damaged");
                                            loaded_.push_back(about.config.name);
                                            Model model;
                                            model.config = about.config;
                                            return model;
                                          });
  }
  static std::vector<std::string> in_memory(const ServedModels& models) {
    std::vector<std::string> names;
    for (const ServedModel& model : models.all())
      if (models.is_loaded(model.config.name)) names.push_back(model.config.name);
    return names;
  }

  std::mutex mutex_;
  std::vector<std::string> loaded_;
  std::string broken_;
};

TEST_F(ServedModelsTest, AreLoadedWhenTheyAreAskedForAndOnce) {
  const auto models = served(1);
  EXPECT_THAT(in_memory(*models), ElementsAre());
  EXPECT_EQ(models->acquire("")->config.name, "first");
  EXPECT_EQ(models->acquire("first")->config.name, "first");
  EXPECT_EQ(models->acquire("a")->config.name, "a");
  EXPECT_EQ(models->acquire("a")->config.name, "a");
  EXPECT_THAT(loaded_, ElementsAre("first", "a"));
  EXPECT_THAT(in_memory(*models), ElementsAre("first", "a"));
}

TEST_F(ServedModelsTest, TheOneNotUsedForLongestMakesRoom) {
  const auto models = served(2);
  for (const char* name : {"first", "a", "b", "a", "c"}) (void)models->acquire(name);  // b was used before a
  EXPECT_THAT(in_memory(*models), ElementsAre("first", "a", "c"));
  (void)models->acquire("b");
  EXPECT_THAT(in_memory(*models), ElementsAre("first", "b", "c"));
  EXPECT_THAT(loaded_, ElementsAre("first", "a", "b", "c", "b"));
}

TEST_F(ServedModelsTest, OneInUseIsWaitedFor) {
  const auto models = served(1);
  auto used = models->acquire("a");
  std::atomic<bool> got = false;
  std::thread other([&] {
    EXPECT_EQ(models->acquire("b")->config.name, "b");
    got = true;
  });
  std::this_thread::sleep_for(100ms);
  EXPECT_FALSE(got);
  EXPECT_THAT(in_memory(*models), ElementsAre("a"));
  EXPECT_EQ(models->acquire("first")->config.name, "first");  // needs no room
  used.reset();
  other.join();
  EXPECT_TRUE(got);
  EXPECT_THAT(in_memory(*models), ElementsAre("first", "b"));
}

TEST_F(ServedModelsTest, WhoWaitsComesBeforeWhoAsksLater) {
  const auto models = served(1);
  auto used = models->acquire("a");
  std::vector<std::string> order;
  const auto take = [&](const char* name) {
    const auto model = models->acquire(name);
    const std::lock_guard lock(mutex_);
    order.push_back(name);
  };
  std::thread waits([&] { take("b"); });
  std::this_thread::sleep_for(100ms);
  std::thread later([&] { take("a"); });  // it is there, but b has waited
  std::this_thread::sleep_for(100ms);
  {
    const std::lock_guard lock(mutex_);
    EXPECT_THAT(order, ElementsAre());
  }
  used.reset();
  waits.join(), later.join();
  EXPECT_THAT(order, ElementsAre("b", "a"));
}

TEST_F(ServedModelsTest, NeverMoreThanTheLimitWhateverThreadsDo) {
  const auto models = served(2);
  const std::vector<std::string> names = {"a", "b", "c", "first"};
  std::multiset<std::string> held;
  size_t most = 0;
  const auto use = [&](const std::string& name) {
    const auto model = models->acquire(name);
    EXPECT_EQ(model->config.name, name);
    {
      const std::lock_guard lock(mutex_);
      held.insert(name);
      const size_t further = (held.count("a") > 0) + (held.count("b") > 0) + (held.count("c") > 0);
      most = std::max(most, further);
    }
    std::this_thread::sleep_for(1ms);
    const std::lock_guard lock(mutex_);
    held.erase(held.find(name));
  };
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (size_t i = 0; i < 50; ++i) use(names[(i * (t + 1) + t) % names.size()]);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(most, 2U);
  EXPECT_EQ(in_memory(*models).size(), 3U);
}

TEST_F(ServedModelsTest, ACancelEndsTheWaiting) {
  const auto models = served(1);
  const auto used = models->acquire("a");
  std::atomic<bool> stop = false;
  std::thread waiting([&] {
    const OwnCancel own(stop);
    EXPECT_THROW(models->acquire("b"), Cancelled);
  });
  std::this_thread::sleep_for(50ms);
  stop = true;
  waiting.join();
  EXPECT_EQ(models->acquire("a")->config.name, "a");  // nobody waits any more
}

TEST_F(ServedModelsTest, OneThatCannotBeLoadedIsTriedAgain) {
  const auto models = served(1);
  broken_ = "a";
  EXPECT_THROW(models->acquire("a"), Error);
  EXPECT_FALSE(models->is_loaded("a"));
  EXPECT_EQ(models->acquire("b")->config.name, "b");
  broken_ = "";
  EXPECT_EQ(models->acquire("a")->config.name, "a");
}

TEST_F(ServedModelsTest, AreFoundByTheirNamesAlone) {
  const auto models = served(1);
  EXPECT_EQ(models->find("").config.name, "first");
  EXPECT_EQ(models->of_options({{"seed", 7}}).config.name, "first");
  EXPECT_EQ(models->of_options({{"model", "c"}}).config.name, "c");
  expect_error([&] { models->find("d"); }, "there is no model \"d\": use one of first, a, b, c");
  expect_error([&] { (void)models->is_loaded("../a"); }, "there is no model");
  expect_error([] { const ServedModels two(std::vector<ServedModel>{named("x"), named("x")}); }, "two models of the name \"x\"");
}

TEST_F(ServedModelsTest, TextNetworksAreLoadedOnceAndGoWithTheirModel) {
  const TemporaryFolder folder;
  for (const char* name : {"toy", "words"}) initialise_toy_model(folder / name, 1);
  add_toy_text_model(folder / "words", toy_text_config({"chair", "red"}), 4);
  const auto described = [&](const std::string& name) {
    return served_model(folder / "toy", name, at::kCPU, {}, folder / "words");
  };
  ASSERT_TRUE(described("a").text.has_value());
  EXPECT_EQ(described("a").text_folder, folder / "words");
  ServedModels models({described("first"), described("a"), described("b")}, /*most_further=*/1);
  std::weak_ptr<const TextModel> of_a;
  {
    const auto held = models.acquire("a");
    const auto text = models.acquire_text("a");
    EXPECT_TRUE(text->unet.has_value());
    EXPECT_EQ(models.acquire_text("a"), text);
    of_a = text;
  }
  EXPECT_FALSE(of_a.expired());
  (void)models.acquire("b");
  EXPECT_TRUE(of_a.expired());
}

TEST_F(ServedModelsTest, FoldersAreDescribedWithoutLoadingThem) {
  const TemporaryFolder folder;
  initialise_toy_model(folder / "toy", 1);
  const ServedModel own = served_model(folder / "toy", "", at::kCPU, {});
  EXPECT_EQ(own.config.name, "toy");
  EXPECT_FALSE(own.distilled);
  EXPECT_EQ(served_model(folder / "toy", "other", at::kCPU, at::kBFloat16).config.name, "other");
  EXPECT_EQ(served_model(folder / "toy", "other", at::kCPU, at::kBFloat16).dtype, at::kBFloat16);
  ServedModels models({own, served_model(folder / "toy", "other", at::kCPU, {})});
  EXPECT_EQ(models.acquire("other")->config.name, "other");
  EXPECT_TRUE(models.acquire("other")->unet.has_value());
  EXPECT_FALSE(own.text.has_value());
  expect_error([&] { served_model(folder / "toy", "", at::kCPU, {}, folder / "toy"); }, "makes no pictures from words");
  std::filesystem::remove(folder / "toy" / "unet.safetensors");
  expect_error([&] { served_model(folder / "toy", "", at::kCPU, {}); }, "unet.safetensors is missing");
  expect_error([&] { served_model(folder / "nothing", "", at::kCPU, {}); }, "no such model folder");
}

}  // namespace
}  // namespace gsv3d::testing
