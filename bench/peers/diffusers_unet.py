"""The Python peer of bench_unet: diffusers' UNetSpatioTemporalConditionModel at SV3D's structure, any width.

  diffusers_unet.py time WIDTH SIZE REPETITIONS THREADS fp32|bf16    one guided step (2 clips): CPU and wall milliseconds, peak memory
  diffusers_unet.py export FOLDER WIDTH SIZE                         weights, inputs and output of one clip, for bench_unet check

bench/peers/compare_unet.sh installs what it needs into an environment of its own and runs both sides in turn.
"""
import ctypes
import os
import sys
import time

import torch
from diffusers import UNetSpatioTemporalConditionModel
from safetensors.torch import save_file

FRAMES = 21


def make_unet(width):
    torch.manual_seed(1)
    unet = UNetSpatioTemporalConditionModel(
        in_channels=8, out_channels=4, block_out_channels=(width, 2 * width, 4 * width, 4 * width), layers_per_block=2,
        addition_time_embed_dim=256, projection_class_embeddings_input_dim=1280, cross_attention_dim=1024,
        num_attention_heads=tuple(max(1, width * m // 64) for m in (1, 2, 4, 4)), num_frames=FRAMES)
    # Random biases and factors, so that nothing is invisible to a comparison.
    with torch.no_grad():
        for parameter in unet.parameters():
            if parameter.dim() == 1:
                parameter.add_(0.1 * torch.randn_like(parameter))
    return unet.eval()


def inputs(clips, size, dtype):
    torch.manual_seed(2)
    return dict(sample=torch.randn(clips, FRAMES, 8, size, size, dtype=dtype), timestep=torch.full((clips,), 0.7),
                encoder_hidden_states=torch.randn(clips, 1, 1024, dtype=dtype),
                added_time_ids=torch.rand(clips, 5, dtype=dtype) * 3)


def reset_peak():
    """Makes the peak of resident memory start anew (Linux), so that the making of random weights does not count."""
    ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def resident(key):
    """Megabytes of resident memory, weights included: "VmHWM:" at its peak, "VmRSS:" now."""
    with open("/proc/self/status") as file:
        return next(float(line.split()[1]) * 1024 / 1e6 for line in file if line.startswith(key))


def run_time(width, size, repetitions, threads, name):
    torch.set_num_threads(threads)
    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[name]
    unet, given = make_unet(width).to(dtype), inputs(2, size, dtype)
    time_calls(unet, given, repetitions, name)


def time_calls(unet, given, repetitions, name):
    """Prints a line for each call after a first one that is not timed."""
    reset_peak()
    before = resident("VmRSS:")
    with torch.no_grad():
        unet(**given)
        for _ in range(repetitions):
            cpu, wall = time.process_time(), time.perf_counter()
            unet(**given)
            print(f"diffusers {name} cpu_ms {1e3 * (time.process_time() - cpu):.0f} "
                  f"wall_ms {1e3 * (time.perf_counter() - wall):.0f} peak_mb {resident('VmHWM:'):.0f} (before {before:.0f})", flush=True)


def export(folder, width, size):
    unet, given = make_unet(width), inputs(1, size, torch.float32)
    with torch.no_grad():
        output = unet(**given).sample
        embedding = unet.add_time_proj(given["added_time_ids"].flatten()).reshape(1, -1)
    os.makedirs(folder, exist_ok=True)
    save_file({k: v.contiguous() for k, v in unet.state_dict().items()}, os.path.join(folder, "diffusion_pytorch_model.safetensors"))
    save_file({"x": given["sample"][0].contiguous(), "timesteps": given["timestep"].repeat(FRAMES),
               "context": given["encoder_hidden_states"], "y": embedding.repeat(FRAMES, 1), "out": output[0].contiguous()},
              os.path.join(folder, "io.safetensors"))


if __name__ == "__main__":
    if len(sys.argv) == 7 and sys.argv[1] == "time":
        run_time(*(int(value) for value in sys.argv[2:6]), sys.argv[6])
    elif len(sys.argv) == 5 and sys.argv[1] == "export":
        export(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    else:
        sys.exit(__doc__)
