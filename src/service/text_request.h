// Words instead of a photo: what of them can be told to be wrong before any work.
#pragma once

#include <string>

#include "service/served_models.h"

namespace gsv3d {

/// Throws UsageError where the model takes no words, and for those that make_pictures would refuse: empty, too long, or, naming
/// the nearest known ones, unknown.
void check_text_request(const ServedModel& model, const std::string& words);

}  // namespace gsv3d
