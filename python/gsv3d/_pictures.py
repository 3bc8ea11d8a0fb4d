"""What users have as a photo, as RGBA bytes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Union

import numpy as np

from . import _native

if TYPE_CHECKING:
    import PIL.Image

Picture = Union["PIL.Image.Image", np.ndarray, str, "os.PathLike[str]"]


def rgba_bytes(picture: Picture) -> np.ndarray:
    """uint8 [H, W, 4], sRGB, colour not premultiplied. A path is read as the program reads it (orientation, colour profile). A PIL
    image is turned upright by its EXIF tag. An array is [H, W] grey, [H, W, 3] or [H, W, 4], uint8 or floating point in 0 to 1.
    Raises ValueError for anything else, Error for a file that is no picture."""
    if isinstance(picture, (str, os.PathLike)):
        return _native.read_picture(picture)
    if hasattr(picture, "getexif") and hasattr(picture, "convert"):
        from PIL import ImageOps

        picture = np.asarray(ImageOps.exif_transpose(picture).convert("RGBA"))
    if not isinstance(picture, np.ndarray):
        raise ValueError(f"a picture is a path, a PIL image or a numpy array, not {type(picture).__name__}")
    if picture.ndim == 2:
        picture = picture[:, :, None]
    if picture.ndim != 3 or picture.shape[2] not in (1, 3, 4):
        raise ValueError(f"a picture has shape [H, W], [H, W, 3] or [H, W, 4], not {list(picture.shape)}")
    if np.issubdtype(picture.dtype, np.floating):
        if not (picture.min(initial=0) >= 0 and picture.max(initial=0) <= 1):
            raise ValueError("a picture in floating point has values in 0 to 1")
        picture = np.round(picture * 255).astype(np.uint8)
    if picture.dtype != np.uint8:
        raise ValueError(f"a picture is uint8 or floating point in 0 to 1, not {picture.dtype}")
    if picture.shape[2] == 1:
        picture = np.repeat(picture, 3, axis=2)
    if picture.shape[2] == 3:
        picture = np.concatenate([picture, np.full_like(picture[:, :, :1], 255)], axis=2)
    return np.ascontiguousarray(picture)
