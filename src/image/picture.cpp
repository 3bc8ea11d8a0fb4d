#include "image/picture.h"

namespace gsv3d {

Tensor on_white(const Tensor& rgba) {
  const Tensor alpha = rgba.narrow(-3, 3, 1);
  return rgba.narrow(-3, 0, 3) * alpha + (1 - alpha);
}

Tensor picture(const Tensor& rgba) {
  return at::cat({on_white(rgba), rgba.narrow(-3, 3, 1)}, -3);
}

}  // namespace gsv3d
