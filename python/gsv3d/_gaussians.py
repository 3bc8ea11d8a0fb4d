"""3D Gaussians as torch tensors, and their files."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import torch

from . import _native


@dataclass
class Gaussians:
    """N 3D Gaussians, stored activated (no logits, no logarithms), in a right-handed world with +Y up and the front towards +Z.

    The attributes are ordinary torch tensors, which may require gradients:

    means      [N, 3]     centres, world units
    quats      [N, 4]     rotations w, x, y, z, of any length (normalised where they are used)
    scales     [N, 3]     standard deviations along the rotated axes, > 0, world units
    opacities  [N]        0 to 1
    sh         [N, K, 3]  spherical harmonics in 3DGS's order, K = (degree + 1)² = 1, 4, 9 or 16;
                          colour = max(harmonics · sh + 0.5, 0)
    confidence [N]        0 to 1, how far the objects of other seeds have the same; None: not known

    Raises ValueError where shapes do not fit.
    """

    means: torch.Tensor
    quats: torch.Tensor
    scales: torch.Tensor
    opacities: torch.Tensor
    sh: torch.Tensor
    confidence: torch.Tensor | None = None

    def __post_init__(self) -> None:
        check_shapes(self.means, self.quats, self.scales, self.opacities)
        check_shape("sh", self.sh, (len(self), (1, 4, 9, 16), 3))
        if self.confidence is not None:
            check_shape("confidence", self.confidence, (len(self),))

    def __len__(self) -> int:
        return self.means.shape[0]

    def __repr__(self) -> str:
        return f"Gaussians({len(self)}, sh_degree={self.sh_degree}, {self.means.dtype}, {self.means.device})"

    @property
    def sh_degree(self) -> int:
        """0 to 3."""
        return round(self.sh.shape[1] ** 0.5) - 1

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Gaussians:
        """Reads PLY, compressed PLY, .splat, SPZ, SOG or glTF; the content decides about the format. Raises Error naming the file
        when it is none, or damaged."""
        return Gaussians(*_native.read_gaussians(path))

    def save(self, path: str | os.PathLike[str], antialiased: bool = False) -> None:
        """Writes .ply, .compressed.ply, .splat, .spz or .glb, by the name's end, whole or not at all; docs/formats.md has each format's
        precision; only PLY holds the confidence. antialiased: noted in PLY and SPZ files, for Gaussians that are meant to be
        rendered so. Raises ValueError for another ending, Error where a value is not finite or the file cannot be written."""
        _native.write_gaussians(path, *self.tensors(), self.confidence, antialiased)

    def tensors(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """(means, quats, scales, opacities, sh)"""
        return self.means, self.quats, self.scales, self.opacities, self.sh

    def to(self, *args, **kwargs) -> Gaussians:
        """All tensors through torch.Tensor.to()."""
        return self._each(lambda tensor: tensor.to(*args, **kwargs))

    def detach(self) -> Gaussians:
        """The same values without their autograd graph."""
        return self._each(torch.Tensor.detach)

    def _each(self, change: Callable[[torch.Tensor], torch.Tensor]) -> Gaussians:
        return Gaussians(*map(change, self.tensors()), None if self.confidence is None else change(self.confidence))


def check_shape(name: str, tensor: torch.Tensor, expected: tuple) -> None:
    """Raises ValueError unless tensor is one of these sizes; a size may be a tuple of choices, or a name for any."""
    if not isinstance(tensor, torch.Tensor):
        raise ValueError(f"{name} is {type(tensor).__name__}, expected a torch.Tensor")

    def fits(size: int, wanted) -> bool:
        return isinstance(wanted, str) or (size in wanted if isinstance(wanted, tuple) else size == wanted)

    if tensor.dim() != len(expected) or not all(map(fits, tensor.shape, expected)):
        words = ", ".join(" or ".join(map(str, size)) if isinstance(size, tuple) else str(size) for size in expected)
        raise ValueError(f"{name} has shape {list(tensor.shape)}, expected [{words}]")


def check_shapes(means: torch.Tensor, quats: torch.Tensor, scales: torch.Tensor, opacities: torch.Tensor) -> None:
    """Raises ValueError unless these are N Gaussians."""
    check_shape("means", means, ("N", 3))
    count = means.shape[0]
    check_shape("quats", quats, (count, 4))
    check_shape("scales", scales, (count, 3))
    check_shape("opacities", opacities, (count,))
