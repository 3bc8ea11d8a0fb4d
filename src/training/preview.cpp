#include "training/preview.h"

namespace gsv3d {

Image picture_grid(const std::vector<Tensor>& rows, int64_t enlarge) {
  std::vector<Tensor> lines;
  for (const Tensor& row : rows)
    lines.push_back(at::cat(row.detach().narrow(1, 0, 3).to(at::kCPU, at::kFloat).unbind(0), /*dim=*/2));
  const Tensor all = at::cat(lines, /*dim=*/1).clamp(0, 1);
  return to_image(all.repeat_interleave(enlarge, 1).repeat_interleave(enlarge, 2));
}

}  // namespace gsv3d
