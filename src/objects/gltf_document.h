// glTF 2.0 as a file: container, JSON, buffers (https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.h"
#include "objects/object_files.h"
#include "objects/reader_warnings.h"

namespace gsv3d {

class GltfDocument {
 public:
  /// Reads `name` of `files` (.gltf or .glb); the buffers it names when they are asked for. Warns of extensions that are not
  /// honoured. Throws Error for damaged files, other versions, and extensions that the file requires and that are unknown here.
  GltfDocument(const FileSource& files, std::string name, ReaderWarnings& warnings);

  const std::string& name() const { return name_; }
  const Json& json() const { return json_; }

  /// Element `index` of the top-level array `list`. Throws Error when there is none.
  const Json& item(const char* list, int64_t index) const;

  /// A buffer view's bytes, decompressed (EXT_meshopt_compression). They stay where they are.
  std::string_view view(int64_t index);

  /// What a URI of this file means: data: URIs and files. Throws Error when it is missing.
  std::string bytes_of(const std::string& uri) const;

 private:
  void read_container(std::string bytes);
  void check_extensions(ReaderWarnings& warnings) const;
  std::string_view buffer(int64_t index);
  /// `size` bytes of a buffer from `offset`.
  std::string_view range(int64_t buffer_index, int64_t offset, int64_t size);

  const FileSource& files_;
  const std::string name_;
  Json json_;
  std::string file_;                        ///< of a .glb
  std::optional<std::string_view> binary_;  ///< its buffer, in file_
  std::map<int64_t, std::string> buffers_, decompressed_views_;
};

/// A whole number. Throws Error when it is no number or beyond ±10^15; `what` names it.
int64_t as_whole_number(const Json& json, const char* what);

/// A whole number, or `otherwise` where the key is missing. Throws Error when it is no number or beyond ±10^15.
int64_t whole_number(const Json& json, const char* key, int64_t otherwise);

/// Member `key`, or an empty object.
const Json& member(const Json& json, const char* key);

/// extensions.NAME of an object; nullptr where there is none.
const Json* extension(const Json& json, const char* name);

/// An array of numbers into `values`; as it is where the key is missing. Throws Error when it has another length.
void read_numbers(const Json& json, const char* key, std::span<double> values);

}  // namespace gsv3d
