// Other colours for the same objects: most are grey or brown, and networks that see nothing else lose hue first.
#pragma once

#include "core/tensor.h"

namespace gsv3d {

/// One change of colour per sample: channel c becomes channel source[c], times gain[c]. Those left alone have {0, 1, 2} and ones.
struct Recoloring {
  Tensor source;  ///< [B, 3] int64
  Tensor gain;    ///< [B, 3] float32
};

/// With this probability per sample a random permutation of the channels and gains uniform in [min_gain, 1]; drawn on the CPU,
/// then moved.
Recoloring draw_recoloring(int64_t count, double probability, double min_gain, const at::Generator& generator, at::Device device);

/// Straight RGBA (or RGB) [B, ..., 3 or 4, H, W], sample b by the b-th recolouring; alpha stays. To be done before compositing:
/// the white around an object stays white.
Tensor recolored(const Tensor& rgba, const Recoloring& recoloring);

}  // namespace gsv3d
