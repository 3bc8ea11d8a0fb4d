"""The package's shape: versions in one place, stubs, docstrings, the example."""

import inspect
import os
import re
import runpy
from pathlib import Path

import pytest

import gsv3d
from conftest import SOURCE


def test_version_is_cmakes():
    (version,) = re.findall(r"^project\(gsv3d VERSION (\S+)", (SOURCE / "CMakeLists.txt").read_text(), re.M)
    assert gsv3d.__version__ == version


def test_torch_is_pinned_alike():
    (torch_version,) = re.findall(r"^TORCH_VERSION=(\S+)", (SOURCE / "scripts" / "versions.sh").read_text(), re.M)
    assert set(re.findall(r'"torch==([^"]+)"', (SOURCE / "pyproject.toml").read_text())) == {torch_version}


def test_stubs_name_what_the_extension_has():
    folder = Path(gsv3d.__file__).parent
    assert (folder / "py.typed").is_file()
    stub = (Path(gsv3d._native.__file__).parent / "_native.pyi").read_text()
    for name in ("class Model", "class Mesh", "class Result", "def rasterize(means: torch.Tensor", "def faces(self) -> numpy"):
        assert name in stub, name
    compile(stub, "_native.pyi", "exec")


@pytest.mark.parametrize("name", gsv3d.__all__)
def test_everything_public_is_described(name):
    thing = getattr(gsv3d, name)
    assert len(inspect.getdoc(thing) or "") > 40
    if inspect.isfunction(thing):
        signature = inspect.signature(thing)
        assert signature.return_annotation is not inspect.Signature.empty
        for parameter in signature.parameters.values():
            assert parameter.annotation is not inspect.Parameter.empty or parameter.kind is parameter.VAR_KEYWORD


def test_the_example_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GSV3D_EXAMPLE_STEPS", "2")
    monkeypatch.delenv("GSV3D_MODEL", raising=False)
    shown = runpy.run_path(os.fspath(SOURCE / "examples" / "python_example.py"))
    assert {"object.ply", "object.spz", "object.glb"} <= {path.name for path in tmp_path.iterdir()}
    assert shown["losses"][-1] < 0.5 * shown["losses"][0]
