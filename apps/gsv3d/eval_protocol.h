// gsv3d eval --protocol: a named protocol, and the options that change one of its settings.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "evaluation/evaluation_protocol.h"

namespace gsv3d {

struct ProtocolOptions {
  std::string name;  ///< empty: none
  std::optional<double> elevation_degrees, input_elevation_degrees;
  std::optional<int64_t> random_views, random_objects, points;

  void add_to(CLI::App& command);
  EvaluationProtocol chosen() const;
};

}  // namespace gsv3d
