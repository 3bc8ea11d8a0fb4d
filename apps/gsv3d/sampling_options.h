// Options of the views' sampler: what users of SV3D set.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "pipeline/pipeline.h"

namespace gsv3d {

struct SamplingOptions {
  Json sampler = Json::object();                   ///< what SamplerConfig describes, as far as it is given
  int64_t frames = 0, size = 0, decode_chunk = 0;  ///< 0: the model's, or what fits
  std::string orbit, guidance_batch;
  double elevation = 0;
  bool has_elevation = false, preview = false, resume = false;

  void add_to(CLI::App& command);
  /// Puts frames and size into the model's configuration. Throws Error when they do not fit its networks.
  void apply_to(ModelConfig& config) const;
  /// Sets everything else. Throws UsageError for texts that cannot be read.
  void apply_to(GenerateOptions& options, const ModelConfig& config) const;
};

}  // namespace gsv3d
