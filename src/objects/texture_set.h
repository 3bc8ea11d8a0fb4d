// The textures of one object while it is read: each file once, and a warning for each that cannot be had.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "objects/object.h"
#include "objects/object_files.h"
#include "objects/reader_warnings.h"

namespace gsv3d {

class TextureSet {
 public:
  /// `object` is the file of `files` that names the textures. Both references must outlive this.
  TextureSet(const FileSource& files, std::string object, ReaderWarnings& warnings)
      : files_(files), object_(std::move(object)), warnings_(warnings) {}

  /// → index of the first of `references` (several readings of one name) that is found (find_referenced) and decoded; -1 with a
  /// warning when none is, -1 without one when there are none.
  int32_t load(const std::vector<std::string>& references);

  /// The same for bytes that lie in the object's own file; `label` names them.
  int32_t load_embedded(const std::string& bytes, const std::string& label);

  /// Pixels that are decoded already.
  int32_t add(Image image, const std::string& key);

  /// → index of the colours of `color` with `mask` as their alpha: its own alpha where it has one, else its brightness.
  int32_t masked(int32_t color, int32_t mask);

  std::vector<Image> take() { return std::move(images_); }

 private:
  int32_t decode(const std::string& bytes, const std::string& label);

  const FileSource& files_;
  const std::string object_;
  ReaderWarnings& warnings_;
  std::map<std::string, int32_t> known_;
  std::vector<Image> images_;
};

}  // namespace gsv3d
