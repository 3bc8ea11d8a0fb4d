// A device beside the CPU that every machine has: LibTorch's PrivateUse1 over ordinary memory, computed by the CPU's kernels. It
// is as strict as a GPU about tensors of another device, and counts how often the host reads from it, which is where a GPU waits.
#pragma once

#include <string>
#include <vector>

#include "core/tensor.h"

namespace gsv3d::testing {

inline at::Device other_device() {
  return {at::kPrivateUse1, 0};
}

/// What the host did since the last call: "copy" for a tensor brought to the CPU, "aten::_local_scalar_dense" for item(),
/// "aten::nonzero" and others whose result's size is known only on the device.
std::vector<std::string> take_host_reads();

}  // namespace gsv3d::testing
