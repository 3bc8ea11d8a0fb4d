// Settings that the stages which train on clips share.
#pragma once

#include "training/trainer_config.h"
#include "training/view_sampler.h"

namespace gsv3d {

struct ClipTrainerConfig : TrainerConfig {
  double front_probability = 0.3, mirror_probability = 0.5;  ///< see ClipSampling
  /// Share of clips in another colour; needs encode_views on_the_fly. See ClipSampling.
  double recolor_probability = 0, min_gain = 0.15;
  /// Where the views' latents come from: "cached" (computed once, kept on disk) or "on_the_fly" (encoded in every step).
  std::string encode_views = "cached";
  template <class Visitor>
  void fields(Visitor& visit) {
    TrainerConfig::fields(visit);
    visit("front_probability", front_probability, allowed::share()),
        visit("mirror_probability", mirror_probability, allowed::share());
    visit("recolor_probability", recolor_probability, allowed::share()), visit("min_gain", min_gain, allowed::share());
    visit("encode_views", encode_views, allowed::one_of({"cached", "on_the_fly"}));
  }
  ClipSampling sampling(int64_t frames) const {
    return {frames, front_probability, mirror_probability, recolor_probability, min_gain};
  }
};

}  // namespace gsv3d
