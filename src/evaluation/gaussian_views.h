// Gaussians as a prediction: what the cameras see of them, and their surface.
#pragma once

#include "evaluation/method.h"
#include "gaussians/gaussians.h"

namespace gsv3d {

struct GaussianViewOptions {
  at::Device device = at::kCPU;  ///< that renders
  bool antialiased = false;      ///< as the file says
  bool surface = false;          ///< also mesh them, as gsv3d generate does; where that fails a warning, and no surface
};

/// As an export would show them (opacity at least 0.005), over white. Results are on the CPU. `id` names the object in warnings.
ViewSet views_of_gaussians(const Gaussians& gaussians, const Cameras& targets, const std::string& id,
                           const GaussianViewOptions& options = {});

}  // namespace gsv3d
