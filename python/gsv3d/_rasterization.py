"""gsplat's common call over our rasterizer."""

from __future__ import annotations

import torch

from ._cameras import Cameras
from ._gaussians import check_shape
from ._rendering import render_tensors

RENDER_MODES = ("RGB", "D", "ED", "RGB+D", "RGB+ED")

# What gsplat 1.5 takes beyond that, with its defaults, which ask for nothing.
NOT_SUPPORTED = {
    "radius_clip": 0.0,
    "sparse_grad": False,
    "absgrad": False,
    "distributed": False,
    "camera_model": "pinhole",
    "covars": None,
    "with_ut": False,
    "with_eval3d": False,
    "radial_coeffs": None,
    "tangential_coeffs": None,
    "thin_prism_coeffs": None,
    "ftheta_coeffs": None,
    "viewmats_rs": None,
}
# Those that change how gsplat works, never its numbers.
WITHOUT_EFFECT = {"packed", "tile_size", "channel_chunk", "segmented"}


class Meta(dict):
    """What gsplat's third result holds, as far as it exists here: width, height, n_cameras."""

    def __missing__(self, key: str):
        raise KeyError(f"meta[{key!r}]: projected splats are not offered; there are {', '.join(self)}")


def rasterization(
    means: torch.Tensor,
    quats: torch.Tensor,
    scales: torch.Tensor,
    opacities: torch.Tensor,
    colors: torch.Tensor,
    viewmats: torch.Tensor,
    Ks: torch.Tensor,
    width: int,
    height: int,
    near_plane: float = 0.01,
    far_plane: float = 1e10,
    radius_clip: float = 0.0,
    eps2d: float = 0.3,
    sh_degree: int | None = None,
    packed: bool = True,
    tile_size: int = 16,
    backgrounds: torch.Tensor | None = None,
    render_mode: str = "RGB",
    sparse_grad: bool = False,
    absgrad: bool = False,
    rasterize_mode: str = "classic",
    channel_chunk: int = 32,
    **further,
) -> tuple[torch.Tensor, torch.Tensor, Meta]:
    """A drop-in for gsplat.rasterization(): the same arguments in the same order, the same images and gradients.

    means [N, 3], quats [N, 4] (w, x, y, z), scales [N, 3], opacities [N]: activated, float32
    colors       [N, 3] or [C, N, 3], any values; with sh_degree: harmonics [N, K, 3] or [C, N, K, 3], of which the first
                 (sh_degree + 1)² are used
    viewmats     [C, 4, 4] world to camera, OpenCV axes;  Ks [C, 3, 3] pixels;  width, height pixels
    backgrounds  [C, 3], or None: black
    render_mode  "RGB", "D" (blended camera z), "ED" (divided by alpha), "RGB+D", "RGB+ED"
    rasterize_mode  "classic" or "antialiased"

    Returns (colors [C, H, W, 3, 1 or 4], depth last; alphas [C, H, W, 1]; meta). Gradients flow to means, quats, scales,
    opacities, colors, viewmats and backgrounds. Raises ValueError naming what does not fit or is not supported: docs/python.md has
    the table.
    """
    given = {"radius_clip": radius_clip, "sparse_grad": sparse_grad, "absgrad": absgrad, **further}
    refuse_unsupported(given)
    if eps2d != 0.3:
        raise ValueError(f"rasterization: eps2d = {eps2d} is not supported: it is 0.3")
    if render_mode not in RENDER_MODES:
        raise ValueError(f"rasterization: render_mode {render_mode!r}: use one of {', '.join(RENDER_MODES)}")
    if rasterize_mode not in ("classic", "antialiased"):
        raise ValueError(f"rasterization: rasterize_mode {rasterize_mode!r}: use classic or antialiased")
    cameras = Cameras(viewmats, Ks, width, height)
    colors = checked_colors(colors, sh_degree, means.shape[0], len(cameras))
    if backgrounds is not None:
        check_shape("backgrounds", backgrounds, (len(cameras), 3))
    images = render_tensors(
        means,
        quats,
        scales,
        opacities,
        colors,
        sh_degree is not None,
        cameras,
        backgrounds,
        antialiased=rasterize_mode == "antialiased",
        depth=render_mode != "RGB",
        median_depth=False,
        near_plane=near_plane,
        far_plane=far_plane,
    )
    channels = [images.rgb] if "RGB" in render_mode else []
    if render_mode.endswith("ED"):
        channels.append(images.expected_depth)
    elif render_mode.endswith("D"):
        channels.append(images.depth)

    def last(image: torch.Tensor) -> torch.Tensor:
        return image.permute(0, 2, 3, 1)

    return last(torch.cat(channels, 1)), last(images.alpha), Meta(width=width, height=height, n_cameras=len(cameras))


def refuse_unsupported(given: dict) -> None:
    """Raises ValueError for what we do not do, TypeError for what gsplat does not know either."""
    for name, value in given.items():
        if name in WITHOUT_EFFECT or name == "rolling_shutter" and str(getattr(value, "name", value)) == "GLOBAL":
            continue
        if name not in NOT_SUPPORTED and name != "rolling_shutter":
            raise TypeError(f"rasterization: unknown argument {name!r}")
        if value is None or (not isinstance(value, torch.Tensor) and value == NOT_SUPPORTED.get(name)):
            continue
        raise ValueError(f"rasterization: {name} is not supported (docs/python.md)")


def checked_colors(colors: torch.Tensor, sh_degree: int | None, count: int, cameras: int) -> torch.Tensor:
    """The colours that are used, [N, 3] or [C, N, 3], or harmonics [N, K, 3] or [C, N, K, 3]."""
    leading: tuple = (cameras,) if colors.dim() == (3 if sh_degree is None else 4) else ()
    if sh_degree is None:
        check_shape("colors", colors, (*leading, count, 3))
        return colors
    if sh_degree not in (0, 1, 2, 3):
        raise ValueError(f"rasterization: sh_degree = {sh_degree}: it must be 0 to 3")
    check_shape("colors", colors, (*leading, count, "K", 3))
    used = (sh_degree + 1) ** 2
    if colors.shape[-2] < used:
        raise ValueError(f"rasterization: sh_degree = {sh_degree} needs {used} harmonics, colors has {colors.shape[-2]}")
    return colors[..., :used, :]
