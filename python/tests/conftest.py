"""What the tests share: where the sources are, the program, safetensors files, and the embedded model, loaded once."""

import json
import os
import struct
from pathlib import Path

import pytest
import torch

import gsv3d

SOURCE = Path(__file__).resolve().parents[2]
PHOTO = SOURCE / "examples" / "flower_cutout.png"
CUP = SOURCE / "examples" / "coffee_cutout.png"


def read_safetensors(path: Path) -> dict[str, torch.Tensor]:
    """The file's tensors; the format is 8 bytes of header length, JSON, data."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    types = {"F32": torch.float32, "F64": torch.float64, "I32": torch.int32, "I64": torch.int64, "U8": torch.uint8}
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = (8 + length + offset for offset in entry["data_offsets"])
            part = bytearray(data[begin:end])
            flat = torch.frombuffer(part, dtype=types[entry["dtype"]]) if part else torch.empty(0, dtype=types[entry["dtype"]])
            tensors[name] = flat.reshape(entry["shape"])
    return tensors


def close(mine: torch.Tensor, reference: torch.Tensor, tolerance: float) -> bool:
    """Whether no entry differs by more than tolerance · the reference's largest entry."""
    return bool((mine.double() - reference.double()).abs().max() <= tolerance * reference.double().abs().max().clamp_min(1e-12))


@pytest.fixture(scope="session")
def model():
    return gsv3d.load_model(SOURCE / "models" / "tiny")


@pytest.fixture(scope="session")
def program() -> Path:
    """The built program; GSV3D_PROGRAM names it."""
    path = os.environ.get("GSV3D_PROGRAM", "")
    if not path or not Path(path).is_file():
        pytest.skip("GSV3D_PROGRAM names no program")
    return Path(path)
