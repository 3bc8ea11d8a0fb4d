// The container of binary glTF: what is written is read back, and what is damaged is named.
#include "core/glb_container.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/atomic_file.h"
#include "damaged_files.h"
#include "errors.h"
#include "temporary_folder.h"

namespace gsv3d {
namespace {

using ::testing::HasSubstr;

std::string written(const std::vector<std::string_view>& buffer) {
  const testing::TemporaryFolder folder;
  write_glb_container(folder / "a.glb", {{"asset", {{"version", "2.0"}}}}, buffer);
  return read_file(folder / "a.glb");
}

void expect_refused(const std::string& bytes, const std::string& reason) {
  EXPECT_THAT(testing::error_of([&] { read_glb_container(bytes, "a.glb"); }), HasSubstr(reason));
}

TEST(GlbContainer, ChunksAreReadAsTheyWereWritten) {
  const std::string bytes = written({"abc", "de"});
  const GlbContainer container = read_glb_container(bytes, "a.glb");
  EXPECT_EQ(Json::parse(container.json)["asset"]["version"], "2.0");
  EXPECT_EQ(container.json.size() % 4, 0U);
  EXPECT_EQ(container.binary, std::string_view("abcde\0\0\0", 8));
  EXPECT_FALSE(read_glb_container(written({}), "a.glb").binary.has_value());
}

TEST(GlbContainer, UnknownChunksArePassedOver) {
  std::string bytes = written({});
  const std::string binary = written({"abcd"}).substr(bytes.size());
  bytes += std::string("\4\0\0\0????1234", 12) + binary;
  EXPECT_EQ(read_glb_container(bytes, "a.glb").binary, "abcd");
}

TEST(GlbContainer, DamagedFilesAreRefused) {
  const std::string good = written({"abcd"});
  expect_refused("glTF", "a.glb: not a GLB file");
  expect_refused("{}", "a.glb: not a GLB file");
  expect_refused(testing::patched(good, 4, uint32_t{1}), "binary glTF of version 1; version 2 is read");
  expect_refused(testing::shortened(good), "cut off");
  expect_refused(testing::patched(good, 16, uint32_t{0x004e4942}), "its first chunk is no JSON");
  expect_refused(testing::patched(good, 12, uint32_t{0xffffffff}), "damaged or cut off: a chunk of 4294967295 bytes");
}

}  // namespace
}  // namespace gsv3d
