"""Another set of golden files of the same form: other sizes, names and constants, so that a test which has them written in fails.
Usage: other_goldens.py GOLDENS OUTPUT. Numbers that can be worked out are; the others are parts of GOLDENS under other names."""
import json
import math
import pathlib
import shutil
import struct
import sys

import torch

DTYPES = {"F32": torch.float32, "F64": torch.float64, "U8": torch.uint8, "I32": torch.int32, "I64": torch.int64}
NAMES = {dtype: name for name, dtype in DTYPES.items()}


def read(path):
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + size])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        raw = bytearray(data[8 + size + begin : 8 + size + end])
        tensors[name] = torch.frombuffer(raw, dtype=DTYPES[entry["dtype"]]).reshape(entry["shape"])
    return tensors, metadata


def write(path, tensors, metadata=None):
    header = {"__metadata__": {key: value if isinstance(value, str) else json.dumps(value) for key, value in (metadata or {}).items()}}
    blob = b""
    for name, tensor in tensors.items():
        tensor = tensor.contiguous()
        raw = bytes(tensor.flatten().view(torch.uint8).tolist())
        header[name] = {"dtype": NAMES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [len(blob), len(blob) + len(raw)]}
        blob += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(text)) + text + blob)


def solids(output):
    coords = torch.linspace(-0.55, 0.55, 60, dtype=torch.float64)
    x, y, z = torch.meshgrid(coords, coords, coords, indexing="ij")
    centre, radius, ring, tube = [-0.02, 0.015, 0.01], 0.41, 0.33, 0.14
    sphere = torch.sqrt((x - centre[0]) ** 2 + (y - centre[1]) ** 2 + (z - centre[2]) ** 2) - radius
    torus = torch.sqrt((torch.sqrt(x**2 + z**2) - ring) ** 2 + y**2) - tube
    pi = math.pi
    tensors = {
        "grid_coords": coords,
        "sphere/sdf": sphere,
        "sphere/analytic_area_volume": torch.tensor([4 * pi * radius**2, 4 / 3 * pi * radius**3]),
        "torus/sdf": torus,
        "torus/analytic_area_volume": torch.tensor([4 * pi**2 * ring * tube, 2 * pi**2 * ring * tube**2]),
    }
    metadata = {"sphere": {"euler": 2, "radius": radius, "centre": centre}, "torus": {"euler": 0, "R": ring, "r": tube, "axis": "y"}}
    write(output / "mesh/sdf_grids.safetensors", {name: tensor.float() for name, tensor in tensors.items()}, metadata)


def orbit(views, swing, size, focal, centre, radius):
    """World-to-camera matrices (OpenCV axes, +Y down) and the camera z of a sphere's near side, 0 beside it."""
    poses, depths = [], []
    for view in range(views):
        azimuth, elevation = 2 * math.pi * view / views, math.radians(swing * math.sin(2 * math.pi * view / views) if swing else 10)
        level = math.cos(elevation)
        position = 2 * torch.tensor([level * math.sin(azimuth), -math.sin(elevation), level * math.cos(azimuth)], dtype=torch.float64)
        forward = -position / position.norm()
        right = torch.linalg.cross(torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64), forward)
        right = right / right.norm()
        rotation = torch.stack([right, torch.linalg.cross(forward, right), forward])
        pose = torch.eye(4, dtype=torch.float64)
        pose[:3, :3], pose[:3, 3] = rotation, -rotation @ position
        pixels = (torch.arange(size, dtype=torch.float64) + 0.5 - size / 2) / focal
        v, u = torch.meshgrid(pixels, pixels, indexing="ij")
        rays = torch.stack([u, v, torch.ones_like(u)], -1)  # of camera z 1
        middle = rotation @ (torch.tensor(centre, dtype=torch.float64) - position)
        along = (rays * middle).sum(-1)
        square = (rays**2).sum(-1)
        inside = along**2 - square * ((middle**2).sum() - radius**2)
        poses.append(pose)
        depths.append(torch.where(inside > 0, (along - inside.clamp_min(0).sqrt()) / square, 0))
    return torch.stack(poses).float(), torch.stack(depths).float()


def depth_orbits(output):
    centre, radius, size = [-0.01, 0.02, -0.015], 0.42, 112
    focal = 0.5 * size / math.tan(math.radians(33.9) / 2)
    intrinsics = torch.tensor([[focal, 0, size / 2], [0, focal, size / 2], [0, 0, 1]])
    tensors, measured = {}, {}
    for name, swing in (("static", 0), ("dynamic", 25)):
        tensors[name + "/viewmats"], tensors[name + "/depth"] = orbit(24, swing, size, focal, centre, radius)
        tensors[name + "/K"] = intrinsics
        for side in (40, 56):
            voxel = 1.1 / (side - 1)
            # The published bounds are 0.27 (static) and below of a voxel at 48.
            measured[f"{name}/{side}"] = {"voxel": voxel, "truncation": 4 * voxel, "bound_mean_accuracy": 0.3 * voxel}
    write(output / "mesh/sphere_depth_orbits.safetensors", tensors, {"centre": centre, "radius": radius, "tsdf": measured})


def window(channels):
    offsets = torch.arange(11, dtype=torch.float64) - 5
    line = torch.exp(-(offsets**2) / (2 * 1.5**2))
    plane = torch.outer(line, line) / line.sum() ** 2
    return plane.expand(channels, 1, 11, 11)


def ssim(a, b, padding):
    blur = lambda x: torch.nn.functional.conv2d(x, window(3), padding=padding, groups=3)
    mean_a, mean_b = blur(a), blur(b)
    variance_a, variance_b, both = blur(a * a) - mean_a**2, blur(b * b) - mean_b**2, blur(a * b) - mean_a * mean_b
    c1, c2 = 0.01**2, 0.03**2
    return ((2 * mean_a * mean_b + c1) * (2 * both + c2) / ((mean_a**2 + mean_b**2 + c1) * (variance_a + variance_b + c2))).mean((1, 2, 3))


def pictures(output):
    torch.manual_seed(5)
    a = torch.nn.functional.interpolate(torch.rand(3, 3, 8, 12), (40, 72), mode="bilinear")
    b = (a + torch.tensor([0.15, 0.0, 0.05]).view(3, 1, 1, 1) * torch.randn(a.shape)).clamp(0, 1)  # equal: the second
    wide_a, wide_b, pair = a.double(), b.double(), 0
    picture = a[pair : pair + 1].double().requires_grad_(True)
    loss = 0.8 * (picture - wide_b[pair]).abs().mean() + 0.2 * (1 - ssim(picture, wide_b[pair : pair + 1], 5).mean())
    loss.backward()
    tensors = {
        "a": a,
        "b": b,
        "psnr": -10 * torch.log10(((wide_a - wide_b) ** 2).mean((1, 2, 3))),
        "ssim_zero_pad_mean": ssim(wide_a, wide_b, 5),
        "ssim_valid_mean": ssim(wide_a, wide_b, 0),
        f"loss3dgs_pair{pair}": loss.detach().reshape(1),
        f"loss3dgs_pair{pair}_grad_a": picture.grad[0],
    }
    write(output / "metrics/image_metrics.safetensors", {name: tensor.float() for name, tensor in tensors.items()})


def parts(goldens, output):
    """One picture of two, one orbit of three, one scene of five, under other names."""
    inputs, metadata = read(goldens / "dinov2/inputs.safetensors")
    write(output / "dinov2/inputs.safetensors", {"image_one": inputs["image_224"][1:]}, metadata)
    for source in goldens.glob("dinov2/*.golden.safetensors"):
        name = "other_" + source.name.removesuffix(".golden.safetensors")
        tensors, metadata = read(source)
        kept = {"one" + key[3:]: tensor[1:] for key, tensor in tensors.items() if key.startswith("224/") and "last_blocks.0" not in key}
        write(output / f"dinov2/{name}.golden.safetensors", kept, metadata)
        for weights in source.parent.glob(source.name.replace(".golden.", ".weights*.")):
            shutil.copy(weights, output / "dinov2" / weights.name.replace(source.name.split(".")[0], name))
    tensors, metadata = read(goldens / "sv3d/cond_vectors.safetensors")
    wavy = {key.replace("dynamic_b", "wavy"): tensor for key, tensor in tensors.items() if key.startswith("dynamic_b.")}
    write(output / "sv3d/cond_vectors.safetensors", wavy, metadata)
    (output / "gaussians").mkdir(parents=True)
    shutil.copy(goldens / "gaussians/opaque.safetensors", output / "gaussians/another.safetensors")
    for kind in ("in", "padded", "out"):
        shutil.copy(goldens / f"sv3d/pre_1_{kind}.png", output / f"sv3d/pre_9_{kind}.png")
    tensors, metadata = read(goldens / "sv3d/preprocess_meta.safetensors")
    ninth = {key.replace("pre_1", "pre_9"): tensor for key, tensor in tensors.items() if key.startswith("pre_1")}
    write(output / "sv3d/preprocess_meta.safetensors", ninth, metadata)


if __name__ == "__main__":
    source, target = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    solids(target)
    depth_orbits(target)
    pictures(target)
    parts(source, target)
