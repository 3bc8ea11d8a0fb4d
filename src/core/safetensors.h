// Reading and writing .safetensors: u64 header length, JSON header, raw little-endian tensors
// (https://github.com/huggingface/safetensors). Files are memory-mapped: tensors share the file's pages until they are converted.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/tensor.h"

namespace gsv3d {

using NamedTensors = std::map<std::string, Tensor>;

class SafetensorsFile {
 public:
  struct Entry {
    at::ScalarType dtype;
    std::vector<int64_t> shape;
    size_t begin, end;  ///< bytes from the start of the data section
  };

  /// Maps the file and checks its header completely: sizes, overlaps, bounds, types. Throws Error on anything irregular, and says
  /// what the file seems to be when it is not a safetensors file (pickle, zip, HTML page, Git LFS pointer).
  explicit SafetensorsFile(const std::filesystem::path& path);

  const std::map<std::string, Entry>& entries() const { return entries_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  bool contains(const std::string& name) const { return entries_.count(name) != 0; }

  /// A read-only view into the mapped file; it keeps the mapping alive. Throws Error when the name is missing.
  Tensor tensor(const std::string& name) const;

  /// Gives the tensor's pages back to the system; they are read again when needed. A conversion that does this after each tensor
  /// holds one tensor at a time, whatever the file's size.
  void release(const std::string& name) const;

  const std::filesystem::path& path() const { return path_; }

 private:
  struct Mapping;
  std::filesystem::path path_;
  std::shared_ptr<Mapping> mapping_;
  size_t data_offset_ = 0;
  std::map<std::string, Entry> entries_;
  std::map<std::string, std::string> metadata_;
};

/// Writes a file tensor by tensor, so that it need not fit into memory; it appears, whole, with commit().
class SafetensorsWriter {
 public:
  struct Item {
    std::string name;
    at::ScalarType dtype;
    std::vector<int64_t> shape;
    size_t bytes() const;
  };

  /// `items` in the order in which they will come. Their data begins at a multiple of 64 bytes of the file. Throws Error when the
  /// file cannot be written.
  SafetensorsWriter(const std::filesystem::path& path, std::vector<Item> items,
                    const std::map<std::string, std::string>& metadata = {});
  ~SafetensorsWriter();

  /// The next tensor. Throws Error when its type or shape is not the item's.
  void add(const Tensor& tensor);
  /// Throws Error when tensors are missing or the disk is full.
  void commit();

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

/// All tensors of a file, as views into the mapping.
NamedTensors read_safetensors(const std::filesystem::path& path);

/// Writes tensors (moved to the CPU and made contiguous) atomically, in the order of their names.
void write_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace gsv3d
