// The exponential moving average of the weights: what previews show and what the model folder gets.
#pragma once

#include "core/safetensors.h"

namespace gsv3d {

class Ema {
 public:
  /// Starts as a copy of the parameters.
  Ema(const NamedTensors& parameters, double decay);

  /// average += (1 - d)(parameter - average) with d = min(decay, (1 + s) / (10 + s)); s counts the steps
  /// from 0. The warm-up keeps the random start out of the average. A step that left the weights alone counts like any other.
  void update(int64_t step);

  NamedTensors& values() { return values_; }

  /// While it lives, the parameters hold the averages.
  class Swap {
   public:
    explicit Swap(Ema& ema);
    ~Swap();
    Swap(const Swap&) = delete;
    Swap& operator=(const Swap&) = delete;

   private:
    Ema& ema_;
  };

 private:
  void exchange();  // takes no memory: it is called in a destructor

  NamedTensors parameters_, values_;
  std::vector<Tensor> parameter_list_, value_list_;
  Tensor exchanged_;  // room for the largest parameter
  double decay_;
};

}  // namespace gsv3d
