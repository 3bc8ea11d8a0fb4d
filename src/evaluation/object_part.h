// An object's part of an evaluation as JSON: what sharing work, and going on after a break, keep on disk.
#pragma once

#include "core/config.h"
#include "core/safetensors.h"
#include "evaluation/protocol.h"

namespace gsv3d {

/// {id, orbit, random, geometry, sparse, views, seconds, elevation_degrees}; what is not a number is null.
Json scores_to_json(const ObjectScores& scores);

/// Everything but features, exactly: doubles keep every bit.
Json part_to_json(const ObjectPart& part);
/// Throws Error, which begins with `where`, for anything else than part_to_json() gives.
ObjectPart part_from_json(const Json& json, const std::string& where);

/// The features by name, "true" and "method.0" …; empty without any.
NamedTensors part_features(const ObjectPart& part);
void set_part_features(ObjectPart& part, const NamedTensors& features);

}  // namespace gsv3d
