# %% [markdown]
# # A photo becomes a 3D object, in Python
# Run it cell by cell (VS Code, Jupyter with jupytext, Spyder), or as a whole: `python examples/python_example.py`.
# It writes object.ply, object.spz and object.glb into the current folder.

# %%
import os
from pathlib import Path

import torch

import gsv3d

folder = Path(__file__).parent if "__file__" in globals() else Path("examples")
steps = int(os.environ.get("GSV3D_EXAMPLE_STEPS", 10))  # of the sampler: fewer are faster, more are finer

# %% [markdown]
# ## Photo in, object out
# A path, a PIL image or a numpy array; transparency is used where there is some, otherwise the object is cut out.

# %%
model = gsv3d.load_model()
print(model)


def show(stage: str, done: int, total: int) -> None:
    """What is raised here ends the call."""
    if total > 1:
        print(f"{stage} {done}/{total}")


result = gsv3d.generate(folder / "flower_cutout.png", model, seed=7, sampling={"steps": steps}, progress=show)
print(result.gaussians, result.route, {stage: round(seconds, 2) for stage, seconds in result.seconds.items()})

# %% [markdown]
# ## Files
# Splats for viewers and engines, and a textured mesh.

# %%
result.gaussians.save("object.ply")
result.gaussians.save("object.spz")
result.mesh.save("object.glb")
print(result.mesh, result.mesh.vertices.min(0), result.mesh.vertices.max(0))

# %% [markdown]
# ## Pictures of it
# `[C, 3, H, W]` in 0 to 1; `matplotlib.pyplot.imshow(pictures.rgb[0].permute(1, 2, 0))` shows one.

# %%
cameras = gsv3d.orbit_cameras(count=4, size=128, elevation=result.elevation)
white = torch.ones(3)
pictures = gsv3d.rasterize(result.gaussians, cameras, white)
print(pictures.rgb.shape, "mean alpha", pictures.alpha.mean().item())

# %% [markdown]
# ## Gradients
# The rasterizer is part of torch's graph: here grey Gaussians take on the object's colours again.

# %%
grey = torch.zeros_like(result.gaussians.sh).requires_grad_(True)
optimizer = torch.optim.Adam([grey], lr=0.05)
losses = []
for _ in range(30):
    means, quats, scales, opacities, _ = result.gaussians.tensors()
    rendered = gsv3d.rasterize(gsv3d.Gaussians(means, quats, scales, opacities, grey), cameras, white)
    loss = (rendered.rgb - pictures.rgb).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
print(f"loss {losses[0]:.5f} -> {losses[-1]:.5f}")

# %% [markdown]
# ## gsplat's call
# Code written for gsplat runs as it is: `from gsv3d import rasterization`.

# %%
colors, alphas, meta = gsv3d.rasterization(
    means, quats, scales, opacities, grey, cameras.world_to_camera, cameras.intrinsics, 128, 128, sh_degree=0, render_mode="RGB+ED"
)
print(colors.shape, alphas.shape, meta)
