"""Pinhole cameras."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from . import _native
from ._gaussians import check_shape


@dataclass
class Cameras:
    """C pinhole cameras that share one image size, OpenCV axes (x right, y down, z forward).

    world_to_camera  [C, 4, 4]  x_camera = R x_world + t; may require gradients
    intrinsics       [C, 3, 3]  pixels; the centre of pixel (column j, row i) is (j + 0.5, i + 0.5)
    width, height               pixels

    Raises ValueError where shapes do not fit.
    """

    world_to_camera: torch.Tensor
    intrinsics: torch.Tensor
    width: int
    height: int

    def __post_init__(self) -> None:
        check_shape("world_to_camera", self.world_to_camera, ("C", 4, 4))
        check_shape("intrinsics", self.intrinsics, (len(self), 3, 3))
        if not (1 <= self.width <= 32768 and 1 <= self.height <= 32768):
            raise ValueError(f"images of {self.width} x {self.height} pixels: a side must be 1 to 32768")

    def __len__(self) -> int:
        return self.world_to_camera.shape[0]

    def __repr__(self) -> str:
        return f"Cameras({len(self)}, {self.width} x {self.height})"


def orbit_cameras(count: int, size: int, elevation: float = 0.0, radius: float = 2.0, fov_y: float = 33.8) -> Cameras:
    """count cameras that look at the origin, at equal steps of azimuth: the first on the +Z side, then counter-clockwise seen from
    above. Images are size x size pixels; elevation and fov_y in degrees, radius in world units. radius and fov_y are the embedded
    model's unless given. Raises ValueError for a number out of range."""
    for name, value, low, high in [
        ("count", count, 1, 100_000),
        ("size", size, 1, 32768),
        ("elevation", elevation, -89, 89),
        ("radius", radius, 1e-6, 1e6),
        ("fov_y", fov_y, 0.01, 179),
    ]:
        if not low <= value <= high:
            raise ValueError(f"{name} = {value}: it must be {low} to {high}")
    return Cameras(*_native.orbit_cameras(count, elevation, radius, fov_y, size), size, size)
