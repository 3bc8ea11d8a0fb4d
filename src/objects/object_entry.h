// An object before it is read: what is known of it, and how to read it.
#pragma once

#include <functional>
#include <string>

#include "objects/object.h"

namespace gsv3d {

struct ObjectEntry {
  std::string id;     ///< for example scopia/0001-bathroom3
  std::string group;  ///< near-duplicates share a group
  std::string split;  ///< train, val, test; empty: none
  std::string name, author, licence, origin;
  /// Reads the object, turned upright with its front to +Z where the source says how, and normalised (normalize_object).
  std::function<Object()> load;
};

}  // namespace gsv3d
