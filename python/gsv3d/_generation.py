"""One photo in, a 3D object out."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from numbers import Real
from pathlib import Path
from typing import Any

import torch

from . import _native
from ._cameras import Cameras
from ._gaussians import Gaussians
from ._pictures import Picture, rgba_bytes

Progress = Callable[[str, int, int], Any]
"""Called as work goes on: a stage's name, and how much of it is done, of how much. What it raises ends the call and comes out of it."""


View = tuple[Picture, float] | tuple[Picture, float, float]
"""Another photo of an object: a picture, its camera's azimuth, and its elevation where that is another than the first photo's."""


def further_view(view: View) -> tuple[Any, float, float | None]:
    """Its bytes, azimuth and elevation or None. Raises ValueError for what is no View."""
    if not isinstance(view, (tuple, list)) or len(view) not in (2, 3):
        raise ValueError(f"a view is (image, azimuth) or (image, azimuth, elevation), not {view!r:.60}")
    picture, azimuth, *elevation = view
    if not all(isinstance(angle, Real) for angle in (azimuth, *elevation)):
        raise ValueError(f"a view's azimuth and elevation are numbers of degrees, not {view[1:]!r:.60}")
    return rgba_bytes(picture), float(azimuth), float(elevation[0]) if elevation else None


def default_folder(folder: str | os.PathLike[str] | None) -> str | os.PathLike[str] | None:
    """The installed package's own model where neither the caller nor $GSV3D_MODEL names one."""
    packaged = Path(__file__).parent / "models" / "tiny"
    return packaged if folder is None and not os.environ.get("GSV3D_MODEL") and packaged.is_dir() else folder


def load_model(
    folder: str | os.PathLike[str] | None = None, *, device: str = "auto", precision: str = "auto", offload: bool = False
) -> _native.Model:
    """A model folder's networks. folder: None is $GSV3D_MODEL, else the embedded model. device: "auto", "cpu", "cuda" or "cuda:N".
    precision of matrix products: "auto", "fp32", "bf16" or "fp16". offload: weights stay in main memory, for GPUs of 8 GB. Raises
    ValueError for another word, Error where the folder is none or damaged."""
    return _native.load_model(default_folder(folder), device, precision, offload)


@dataclass
class Result:
    """What generate() made.

    gaussians  the object; None with views_only
    views      [V, 3, S, S] the generated views over white, 0 to 1; view 0 shows the photo's side
    alphas     [V, 1, S, S] their silhouettes, 0 to 1; None with models whose autoencoder has none
    cameras    of the views
    elevation  degrees of the photo's camera above the object
    route      how the Gaussians were made: "decoder", "decoder, refined", "fit to the views" or "views only"
    warnings   what speaks against the photo's cut-out, in words
    disagreement  how far the finished object is from its views, 0 to 1, the less the better; None with views_only
    confidence the mean of gaussians.confidence, weighted by what is seen, 0 to 1; None without confidence_seeds
    seconds    per stage
    """

    gaussians: Gaussians | None
    views: torch.Tensor
    alphas: torch.Tensor | None
    cameras: Cameras
    elevation: float
    route: str
    warnings: list[str]
    disagreement: float | None
    confidence: float | None
    seconds: dict[str, float]
    _native: _native.Result = field(repr=False)

    @cached_property
    def mesh(self) -> _native.Mesh:
        """make_mesh() with its defaults: what `gsv3d generate` writes as object.glb. Made when it is first asked for."""
        return self.make_mesh()

    def make_mesh(
        self,
        *,
        resolution: int = 128,
        triangles: int = 10_000,
        texture_size: int = 1024,
        watertight: bool = False,
        progress: Progress | None = None,
    ) -> _native.Mesh:
        """make_mesh(result.gaussians), with the photo's colours on the sides that it shows."""
        return self._native.make_mesh(resolution, triangles, texture_size, watertight, progress)


def generate(
    image: Picture,
    model: _native.Model | str | os.PathLike[str] | None = None,
    *,
    seed: int = 23,
    sampling: dict[str, Any] | None = None,
    elevation: float | None = None,
    views: Sequence[View] = (),
    matting: bool = True,
    refine: bool = True,
    photo_surface: bool = True,
    photo_palette: bool | None = None,
    views_only: bool = False,
    fit_steps: int = 2000,
    confidence_seeds: int = 0,
    progress: Progress | None = None,
) -> Result:
    """A 3D object from one photo, or several, as `gsv3d generate` makes it: the same Gaussians for the same seed, machine and number of
    threads (torch.set_num_threads).

    image       a path, a PIL image, or an array: uint8 or 0-1 floating point [H, W, 3 or 4]; transparency is used where there is some
    model       of load_model(), or a folder for it; None loads the embedded one for this call
    seed        0 to 2^64 - 1
    sampling    the sampler's settings to change, such as {"steps": 20, "guidance": 2} (docs/generate.md)
    elevation   degrees of the photo's camera above the object, -90 to 90; None: the model's
    views       more photos of the object, as --view of the program: (image, azimuth) or (image, azimuth, elevation) in degrees;
                azimuth counter-clockwise seen from above from the first photo's camera; without elevation it is the first photo's
    matting     cut the object out unless its transparency does; False: it is framed on white already
    refine, photo_surface   bring the decoded Gaussians closer to photo and views; lay the photo's own pixels on the side that it shows
    photo_palette  give the sides that no photo shows the photos' colours; None: as the model asks
    views_only  stop after the views
    fit_steps   of models without a Gaussian decoder
    confidence_seeds  2 to 64: make objects of so many seeds, and say of each Gaussian how far they agree (gaussians.confidence)
    progress    called as (stage, done, total)

    Raises ValueError for wrong arguments, Error for what is wrong with photo or model. Runs without the interpreter's lock; Ctrl-C
    raises KeyboardInterrupt at the next step, and what `progress` raises ends the call.
    """
    if progress is not None and not callable(progress):
        raise ValueError(f"progress is {type(progress).__name__}, expected a function of (stage, done, total)")
    if not 0 <= seed < 2**64:
        raise ValueError(f"seed = {seed}: it must be 0 to 2^64 - 1")
    if fit_steps < 1:
        raise ValueError(f"fit_steps = {fit_steps}: it must be at least 1")
    if confidence_seeds != 0 and not 2 <= confidence_seeds <= 64:
        raise ValueError(f"confidence_seeds = {confidence_seeds}: it must be 0, or 2 to 64")
    photo = rgba_bytes(image)
    others = [further_view(view) for view in views]
    if not isinstance(model, _native.Model):
        model = load_model(model)
    made = _native.generate(
        model,
        photo,
        seed,
        json.dumps(sampling) if sampling else "",
        elevation,
        matting,
        refine,
        photo_surface,
        photo_palette,
        views_only,
        fit_steps,
        confidence_seeds,
        others,
        progress,
    )
    return Result(
        Gaussians(*made.gaussians) if made.gaussians else None,
        made.views,
        made.alphas,
        Cameras(*made.cameras),
        made.elevation,
        made.route,
        made.warnings,
        made.disagreement,
        made.confidence,
        dict(made.seconds),
        made,
    )


def make_mesh(
    gaussians: Gaussians,
    *,
    resolution: int = 128,
    triangles: int = 10_000,
    texture_size: int = 1024,
    watertight: bool = False,
    progress: Progress | None = None,
) -> _native.Mesh:
    """A closed, textured mesh of the Gaussians' surface.

    resolution    samples along the longest side, 16 to 512
    triangles     at most
    texture_size  pixels a side, 16 to 8192; 0: no texture
    watertight    one piece, checked for 3D printing

    Raises Error where there is no surface or an option is out of range. Runs without the interpreter's lock.
    """
    return _native.mesh_gaussians(*gaussians.tensors(), resolution, triangles, texture_size, watertight, progress)
