// A public checkpoint as users have it: one safetensors file, or a folder of Hugging Face's with one file or numbered shards.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/safetensors.h"

namespace gsv3d {

class Checkpoint {
 public:
  /// A file; or a folder with model.safetensors or diffusion_pytorch_model.safetensors, their shards, or their ".fp16" variant.
  /// Throws Error when there is none, or a file is not safetensors (it says what it seems to be).
  explicit Checkpoint(const std::filesystem::path& path);

  bool contains(const std::string& name) const { return files_.count(name) != 0; }
  /// Throws Error when the name is missing.
  const SafetensorsFile::Entry& entry(const std::string& name) const;
  Tensor tensor(const std::string& name) const;
  /// Gives the pages of a tensor that has been read back to the system.
  void release(const std::string& name) const;
  std::vector<std::string> names() const;
  size_t bytes() const;  ///< of all tensors
  const std::filesystem::path& path() const { return path_; }

 private:
  const SafetensorsFile& file_of(const std::string& name) const;

  std::filesystem::path path_;
  std::vector<SafetensorsFile> open_;
  std::map<std::string, size_t> files_;  // tensor name → index into open_
};

/// What a file with these tensors seems to be, and how to pass it: "DINOv2 weights: pass it with --dino". For messages.
std::string describe_checkpoint(const std::vector<std::string>& names);

}  // namespace gsv3d
