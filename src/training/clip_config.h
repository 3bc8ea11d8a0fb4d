// Settings that the stages which train on clips share.
#pragma once

#include "training/trainer_config.h"
#include "training/view_sampler.h"

namespace gsv3d {

struct ClipTrainerConfig : TrainerConfig {
  double front_probability = 0.3, mirror_probability = 0.5;  ///< see ClipSampling
  template <class Visitor>
  void fields(Visitor& visit) {
    TrainerConfig::fields(visit);
    visit("front_probability", front_probability), visit("mirror_probability", mirror_probability);
  }
  ClipSampling sampling(int64_t frames) const { return {frames, front_probability, mirror_probability}; }
};

}  // namespace gsv3d
