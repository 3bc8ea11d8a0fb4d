#!/usr/bin/env python3
"""Times gsplat 1.5's rasterizer on the scenes of bench_rasterizer's GPU part, beside it, on a machine with a GPU.

    python3 -m venv .venv-gsplat && .venv-gsplat/bin/pip install torch gsplat==1.5.3
    .venv-gsplat/bin/python bench/peers/gsplat_rasterizer.py --bench build/cuda/bin/bench_rasterizer

One line of JSON per number of views, in the form of bench_rasterizer. With --bench that program runs before and after, and a line
per ratio follows. The same seeds give the same Gaussians: both draw with PyTorch's generator on the CPU, in the same order.
"""
import argparse
import json
import math
import statistics
import subprocess
import sys
import time

GAUSSIANS, SIZE, DEVIATION, SEED, RADIUS, FOV = 435456, 512, 1.0, 100, 2.0, 33.8


def shell(torch):
    """bench/bound_scene.h: shell()."""
    generator = torch.Generator().manual_seed(SEED)
    pixels_per_unit = SIZE / 2 / math.tan(math.radians(FOV / 2)) / 2
    direction = torch.randn(GAUSSIANS, 3, generator=generator)
    quats = torch.randn(GAUSSIANS, 4, generator=generator)
    scales = DEVIATION / pixels_per_unit * (0.5 + torch.rand(GAUSSIANS, 3, generator=generator))
    opacities = 0.05 + 0.9 * torch.rand(GAUSSIANS, generator=generator)
    sh = 0.3 * torch.randn(GAUSSIANS, 1, 3, generator=generator)
    means = 0.4 * direction / direction.norm(dim=1, keepdim=True)
    return means, quats, scales, opacities, sh


def orbit(torch, views):
    """src/camera/camera.cpp: orbit_cameras(views, 15, SIZE)."""
    matrices = []
    for i in range(views):
        a, e = math.radians(360 * i / views), math.radians(15)
        sa, ca, se, ce = math.sin(a), math.cos(a), math.sin(e), math.cos(e)
        matrices.append([[ca, 0, -sa, 0], [se * sa, -ce, se * ca, 0], [-ce * sa, -se, -ce * ca, RADIUS], [0, 0, 0, 1]])
    focal = 0.5 * SIZE / math.tan(math.radians(FOV / 2))
    intrinsics = torch.tensor([[focal, 0, SIZE / 2], [0, focal, SIZE / 2], [0, 0, 1]])
    return torch.tensor(matrices), intrinsics.expand(views, 3, 3).contiguous()


def milliseconds(torch, rounds, work):
    times = []
    for i in range(rounds + 3):
        torch.cuda.synchronize()
        begin = time.perf_counter()
        work()
        torch.cuda.synchronize()
        if i >= 3:
            times.append(1e3 * (time.perf_counter() - begin))
    return statistics.median(times)


def measure(torch, gsplat, views, rounds):
    leaves = [tensor.cuda().requires_grad_() for tensor in shell(torch)]
    viewmats, intrinsics = (tensor.cuda() for tensor in orbit(torch, views))
    background = torch.ones(views, 3, device="cuda")
    generator = torch.Generator().manual_seed(7)
    v_rgb, v_alpha, v_depth = (torch.randn(views, n, SIZE, SIZE, generator=generator).permute(0, 2, 3, 1).cuda() for n in (3, 1, 1))
    v_render = torch.cat([v_rgb, v_depth], -1)

    def render(packed):
        means, quats, scales, opacities, sh = leaves
        return gsplat.rasterization(means, quats, scales, opacities, sh, viewmats, intrinsics, SIZE, SIZE, near_plane=0.01,
                                    far_plane=1e10, sh_degree=0, packed=packed, backgrounds=background, render_mode="RGB+D")[:2]

    def both(packed):
        for leaf in leaves:
            leaf.grad = None
        torch.autograd.backward(render(packed), [v_render, v_alpha])

    best = None
    for packed in (False, True):  # gsplat's two ways; the faster one counts
        with torch.no_grad():
            forward = milliseconds(torch, rounds, lambda packed=packed: render(packed))
        row = {"program": "gsplat", "version": gsplat.__version__, "packed": packed, "gaussians": GAUSSIANS, "views": views,
               "size": SIZE, "forward_ms": round(forward, 3),
               "forward_backward_ms": round(milliseconds(torch, rounds, lambda packed=packed: both(packed)), 3)}
        if best is None or row["forward_backward_ms"] < best["forward_backward_ms"]:
            best = row
    return best


def run_bench(program, rounds):
    output = subprocess.run([program, str(rounds), "GPU"], check=True, capture_output=True, text=True).stdout
    return [json.loads(line) for line in output.splitlines() if line.startswith("{")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", help="bench_rasterizer, to run before and after")
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args()
    try:
        import torch
    except ImportError:
        sys.exit("gsplat_rasterizer: PyTorch is not installed here")
    if not torch.cuda.is_available():
        print("gsplat_rasterizer: no CUDA device, nothing measured")
        return
    try:
        import gsplat
    except ImportError:
        sys.exit("gsplat_rasterizer: gsplat is not installed here")
    ours = run_bench(arguments.bench, arguments.rounds) if arguments.bench else []
    theirs = [measure(torch, gsplat, views, arguments.rounds) for views in (8, 21)]
    if arguments.bench:
        ours += run_bench(arguments.bench, arguments.rounds)
    for row in ours + theirs:
        print(json.dumps(row))
    for peer in theirs:
        for deterministic in (True, False):
            runs = [r for r in ours if r["views"] == peer["views"] and r["deterministic"] == deterministic]
            for key in ("forward_ms", "forward_backward_ms"):
                ratios = sorted(peer[key] / r[key] for r in runs)
                if ratios:
                    print(json.dumps({"ratio": key, "views": peer["views"], "deterministic": deterministic,
                                      "low": round(ratios[0], 2), "high": round(ratios[-1], 2)}))


if __name__ == "__main__":
    main()
