// safetensors: what is written comes back, and hostile headers are refused with a message instead of a crash.
#include "core/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "core/atomic_file.h"
#include "core/error.h"
#include "errors.h"
#include "temporary_folder.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

class Safetensors : public ::testing::Test {
 protected:
  const testing::TemporaryFolder folder;

  /// A file with this header text and `data_bytes` bytes of zeros behind it.
  fs::path raw(const std::string& header, size_t data_bytes, uint64_t claimed = 0) {
    const fs::path path = folder / "raw.safetensors";
    std::ofstream file(path, std::ios::binary);
    const uint64_t size = claimed ? claimed : header.size();
    file.write(reinterpret_cast<const char*>(&size), 8);
    file << header << std::string(data_bytes, '\0');
    return path;
  }
  std::string refusal(const fs::path& path) {
    return testing::error_of([&] { SafetensorsFile file(path); });
  }
};

TEST_F(Safetensors, RoundTripKeepsTypesShapesAndBits) {
  NamedTensors tensors;
  for (const auto dtype : {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16})
    tensors[c10::toString(dtype)] = at::randn({3, 5}).to(dtype);
  tensors["bytes"] = at::arange(7, at::kByte);
  tensors["longs"] = at::arange(7, at::kLong);
  tensors["scalar"] = at::scalar_tensor(2.5, at::kFloat);
  tensors["empty"] = at::empty({0, 4}, at::kFloat);
  tensors["transposed"] = at::arange(6, at::kFloat).view({2, 3}).t();
  const auto path = folder / "round.safetensors";
  write_safetensors(path, tensors, {{"format", "pt"}});
  const SafetensorsFile file(path);
  EXPECT_EQ(file.metadata().at("format"), "pt");
  ASSERT_EQ(file.entries().size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    EXPECT_EQ(file.tensor(name).scalar_type(), tensor.scalar_type()) << name;
    EXPECT_TRUE(at::equal(file.tensor(name), tensor)) << name;
  }
}

TEST_F(Safetensors, TensorOutlivesTheFileObject) {
  const auto path = folder / "alive.safetensors";
  write_safetensors(path, {{"a", at::arange(1000, at::kFloat)}});
  Tensor tensor = SafetensorsFile(path).tensor("a");
  EXPECT_EQ(tensor.sum().item<float>(), 499500.f);
}

TEST_F(Safetensors, RefusesHostileHeaders) {
  using ::testing::HasSubstr;
  const std::string entry = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  EXPECT_EQ(refusal(raw(entry, 8)), "");
  EXPECT_THAT(refusal(raw(entry, 7)), HasSubstr("truncated"));
  EXPECT_THAT(refusal(raw(entry, 8, uint64_t{1} << 60)), HasSubstr("not a safetensors file"));
  EXPECT_THAT(refusal(raw(R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", 8)), HasSubstr("do not fit its shape"));
  EXPECT_THAT(refusal(raw(R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", 8)), HasSubstr("bad shape"));
  EXPECT_THAT(refusal(raw(R"({"a":{"dtype":"F32","shape":[281474976710656,281474976710656],"data_offsets":[0,8]}})", 8)),
              HasSubstr("too large"));
  EXPECT_THAT(refusal(raw(R"({"a":{"dtype":"F99","shape":[2],"data_offsets":[0,8]}})", 8)), HasSubstr("unsupported type"));
  EXPECT_THAT(refusal(raw(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", 8)), HasSubstr("outside the file"));
  EXPECT_THAT(
      refusal(raw(
          R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})", 12)),
      HasSubstr("overlap"));
  EXPECT_THAT(refusal(raw(R"({"a":[1,2]})", 8)), HasSubstr("not a tensor entry"));
  EXPECT_THAT(refusal(raw("{\"a\":" + std::string(200000, '['), 8)), HasSubstr("bad header"));
  EXPECT_THAT(refusal(raw("{broken", 8)), HasSubstr("bad header"));
}

TEST_F(Safetensors, SaysWhatOtherFilesSeemToBe) {
  using ::testing::HasSubstr;
  const auto with = [&](const std::string& content) {
    write_file(folder / "other", content);
    return refusal(folder / "other");
  };
  EXPECT_THAT(with("PK\x03\x04 a zip archive of some length"), HasSubstr("PyTorch .pt/.pth/.ckpt file"));
  EXPECT_THAT(with(std::string("\x80\x02}q\x01(X and so on", 17)), HasSubstr("pickle"));
  EXPECT_THAT(with("version https://git-lfs.github.com/spec/v1\noid"), HasSubstr("Git LFS"));
  EXPECT_THAT(with("<!DOCTYPE html><html>"), HasSubstr("web page"));
  EXPECT_THAT(with("abc"), HasSubstr("only 3 bytes"));
  EXPECT_THAT(refusal(folder / "missing"), HasSubstr("cannot read"));
  EXPECT_THAT(refusal(folder.path()), HasSubstr("not a regular file"));
}

TEST_F(Safetensors, FailedWriteLeavesNothingBehind) {
  EXPECT_THROW(write_safetensors("/proc/nowhere/x.safetensors", {{"a", at::zeros({4})}}), Error);
  EXPECT_THROW(write_safetensors(folder / "c.safetensors", {{"a", at::zeros({2}, at::kComplexFloat)}}), Error);
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

}  // namespace
}  // namespace gsv3d
