// The GPU's part of bench_rasterizer.
#pragma once

namespace gsv3d {

/// Times the CUDA kernels on 435k Gaussians in 8 and 21 views of 512², deterministic and not, and prints one line of JSON each,
/// in the form of peers/gsplat_rasterizer.py, and what the counted bytes and operations would take at this GPU's measured peaks.
/// Without a GPU, or a LibTorch that knows it, it says so. Only cases whose name contains `part`.
void measure_on_gpu(int rounds, const char* part);

}  // namespace gsv3d
