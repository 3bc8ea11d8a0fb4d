"""The Python peer of bench_unet2d: diffusers' UNet2DConditionModel at Stable Diffusion 2.x's structure, any width.

  diffusers_unet2d.py WIDTH SIZE REPETITIONS THREADS fp32|bf16    one guided step (2 rows): CPU and wall milliseconds, peak memory
"""
import sys

import torch
from diffusers import UNet2DConditionModel
from diffusers_unet import time_calls

if len(sys.argv) != 6:
    sys.exit(__doc__)
width, size, repetitions, threads = (int(value) for value in sys.argv[1:5])
dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[sys.argv[5]]
torch.set_num_threads(threads)
torch.manual_seed(1)
unet = UNet2DConditionModel(
    sample_size=size, block_out_channels=(width, 2 * width, 4 * width, 4 * width), cross_attention_dim=1024,
    attention_head_dim=tuple(max(1, width * m // 64) for m in (1, 2, 4, 4)), use_linear_projection=True).eval().to(dtype)
given = dict(sample=torch.randn(2, 4, size, size, dtype=dtype), timestep=500,
             encoder_hidden_states=torch.randn(2, 77, 1024, dtype=dtype))
time_calls(unet, given, repetitions, sys.argv[5])
