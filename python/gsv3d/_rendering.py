"""The differentiable rasterizer."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from . import _native
from ._cameras import Cameras
from ._gaussians import Gaussians, check_shape, check_shapes


@dataclass
class Rendering:
    """Images of C cameras, row by row from the top.

    rgb           [C, 3, H, W]  blended over the background
    alpha         [C, 1, H, W]  1 - remaining transmittance
    depth         [C, 1, H, W]  blended camera z, not divided by alpha; None unless asked for
    median_depth  [C, 1, H, W]  camera z behind which less than half of the light is left, 0 where there is none; without gradient;
                                None unless asked for
    """

    rgb: torch.Tensor
    alpha: torch.Tensor
    depth: torch.Tensor | None
    median_depth: torch.Tensor | None

    @property
    def expected_depth(self) -> torch.Tensor:
        """[C, 1, H, W] depth / max(alpha, 1e-10). Raises ValueError for a rendering without depth."""
        if self.depth is None:
            raise ValueError("this rendering was made without depth")
        return self.depth / self.alpha.clamp_min(1e-10)


def rasterize(
    gaussians: Gaussians,
    cameras: Cameras,
    background: torch.Tensor | None = None,
    *,
    antialiased: bool = False,
    depth: bool = True,
    median_depth: bool = False,
    near_plane: float = 0.01,
    far_plane: float = 1e10,
    reference: bool = False,
) -> Rendering:
    """Renders Gaussians into cameras: 3DGS with gsplat 1.5's numerical rules (docs/rasterizer.md).

    Inside torch autograd: gradients flow to all tensors of the Gaussians and to cameras.world_to_camera, and to the background. No double backward.

    background: [3] or [C, 3], any values; None: black. antialiased: Mip-Splatting's 2D filter, gsplat's "antialiased". Gaussians
    are drawn between near_plane and far_plane (camera z). All tensors are float32, on one device; sh may be float16 or bfloat16.
    reference: the same in plain tensor operations, in any floating-point type (float64 for gradcheck): slow, and takes memory for
    C · H · W · N numbers several times over.

    Raises ValueError for shapes, types or devices that do not fit. Runs without the interpreter's lock.
    """
    return render_tensors(
        *gaussians.tensors(),
        True,
        cameras,
        background,
        antialiased=antialiased,
        depth=depth,
        median_depth=median_depth,
        near_plane=near_plane,
        far_plane=far_plane,
        reference=reference,
    )


def render_tensors(
    means: torch.Tensor,
    quats: torch.Tensor,
    scales: torch.Tensor,
    opacities: torch.Tensor,
    colors: torch.Tensor,
    harmonics: bool,
    cameras: Cameras,
    background: torch.Tensor | None,
    *,
    antialiased: bool,
    depth: bool,
    median_depth: bool,
    near_plane: float,
    far_plane: float,
    reference: bool = False,
) -> Rendering:
    """rasterize() with harmonics [N, K, 3] or colours [N, 3] of any value, or such a set per camera, with a leading C."""
    check_shapes(means, quats, scales, opacities)
    if background is not None and tuple(background.shape) != (3,):
        check_shape("background", background, (len(cameras), 3))
    # The kernels give the background no gradient, so one that needs it is laid under a picture over black.
    under = background is not None and background.requires_grad
    rgb, alpha, depth_image, median = _native.rasterize(
        means,
        quats,
        scales,
        opacities,
        colors,
        harmonics,
        cameras.world_to_camera,
        cameras.intrinsics,
        cameras.width,
        cameras.height,
        None if under else background,
        antialiased,
        depth,
        median_depth,
        near_plane,
        far_plane,
        reference,
    )
    if under:
        rgb = rgb + (1 - alpha) * background.reshape(-1, 3, 1, 1)
    return Rendering(rgb, alpha, depth_image, median)
