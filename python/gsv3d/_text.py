"""Words in, a picture of what they say, and from it a 3D object."""

from __future__ import annotations

import json
import os
from typing import Any

import numpy as np

from . import _native
from ._generation import Progress, Result, default_folder, generate, load_model
from ._pictures import Picture, rgba_bytes


def load_text_model(
    folder: str | os.PathLike[str] | None = None, *, device: str = "auto", precision: str = "auto", offload: bool = False
) -> _native.TextModel:
    """The networks of a model folder that make pictures from text; arguments as load_model()'s. Raises Error where it has none."""
    return _native.load_text_model(default_folder(folder), device, precision, offload)


def text_picture(
    words: str,
    text_model: _native.TextModel | str | os.PathLike[str] | None = None,
    *,
    seed: int = 23,
    candidates: int = 1,
    negative: str | None = None,
    sampling: dict[str, Any] | None = None,
    template: bool = True,
    matting: bool = True,
    sketch: Picture | None = None,
    strength: float = 0.7,
    judge: _native.Model | None = None,
    progress: Progress | None = None,
) -> np.ndarray:
    """The picture of what words say, as `gsv3d text` makes it: uint8 [H, W, 4], transparent outside the object with matting.

    text_model  of load_text_model(), or a folder for it; None loads the embedded one for this call
    seed        of the first candidate, 0 to 2^64 - 1; each further one has the next
    candidates  so many pictures, of which the one with the fewest doubts and the best score is taken
    negative    what is not to be seen; None: as the model asks
    sampling    settings to change, such as {"picture-steps": 4} (docs/text.md)
    template    the words stand in the model's prompt template, which asks for one whole object
    matting     cut the object out; False: the picture as it was made
    sketch, strength   begin with this picture instead of noise alone; how far to leave it, above 0 to 1
    judge       a model whose image embedder scores the candidates, where it belongs to the text model's text tower
    progress    called as ("picture", done, total)

    Raises ValueError for wrong arguments and for words that the model does not know, naming the nearest that it does; Error where
    nothing could be cut out. Runs without the interpreter's lock; Ctrl-C raises KeyboardInterrupt.
    """
    if progress is not None and not callable(progress):
        raise ValueError(f"progress is {type(progress).__name__}, expected a function of (stage, done, total)")
    if not 0 <= seed < 2**64:
        raise ValueError(f"seed = {seed}: it must be 0 to 2^64 - 1")
    if not isinstance(text_model, _native.TextModel):
        text_model = load_text_model(text_model)
    return _native.text_picture(
        text_model,
        words,
        seed,
        candidates,
        negative,
        json.dumps(sampling) if sampling else "",
        template,
        matting,
        None if sketch is None else rgba_bytes(sketch),
        strength,
        judge,
        progress,
    )


def generate_from_text(
    words: str,
    model: _native.Model | str | os.PathLike[str] | None = None,
    text_model: _native.TextModel | str | os.PathLike[str] | None = None,
    *,
    seed: int = 23,
    matting: bool = True,
    picture: dict[str, Any] | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Result:
    """A 3D object from words, as `gsv3d text` makes it: text_picture(words, text_model, **picture), then generate() of that.

    text_model  None: the networks of the model's own folder
    seed, matting, progress   of both
    picture     further arguments of text_picture(), such as {"candidates": 4}
    options     further arguments of generate()
    """
    if not isinstance(model, _native.Model):
        model = load_model(model)
    if text_model is None:
        text_model = load_text_model(model.folder)
    made = text_picture(
        words, text_model, **{"seed": seed, "matting": matting, "judge": model, "progress": progress, **(picture or {})}
    )
    return generate(made, model, seed=seed, matting=matting, progress=progress, **options)
