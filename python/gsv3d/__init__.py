"""One photo in, a 3D object out: Gaussians you can look at, a mesh you can use.

    result = gsv3d.generate("photo.jpg", seed=7)
    result.gaussians.save("object.ply")
    result.mesh.save("object.glb")

rasterize() and rasterization() (gsplat's common call) render Gaussians inside torch autograd. World: right-handed, +Y up, the
object's front faces +Z, the object inside [-0.5, 0.5]³.
"""

import torch as _torch  # noqa: F401  its libraries before ours

from . import _native
from ._cameras import Cameras, orbit_cameras
from ._gaussians import Gaussians
from ._generation import Result, generate, load_model, make_mesh
from ._native import Error, Mesh, Model, TextModel
from ._rasterization import rasterization
from ._rendering import Rendering, rasterize
from ._text import generate_from_text, load_text_model, text_picture

__version__: str = _native.version

__all__ = [
    "Cameras",
    "Error",
    "Gaussians",
    "Mesh",
    "Model",
    "Rendering",
    "Result",
    "TextModel",
    "generate",
    "generate_from_text",
    "load_model",
    "load_text_model",
    "make_mesh",
    "orbit_cameras",
    "rasterization",
    "rasterize",
    "text_picture",
]
