"""Gaussians: files by name, zero copies, messages."""

import pytest
import torch

import gsv3d


def made_up(count=200, harmonics=4, seed=1):
    generator = torch.Generator().manual_seed(seed)

    def uniform(*shape):
        return torch.rand(shape, generator=generator)

    return gsv3d.Gaussians(
        uniform(count, 3) - 0.5,
        torch.nn.functional.normalize(uniform(count, 4) - 0.5, dim=1),
        uniform(count, 3) * 0.05 + 0.001,
        uniform(count) * 0.9 + 0.05,
        uniform(count, harmonics, 3) * 0.8 - 0.4,
    )


# Limits: each format's precision (docs/formats.md). Formats may drop or reorder nothing here but .spz and .splat, which sort.
@pytest.mark.parametrize(
    "name, degree, means_limit, opacity_limit, colour_limit",
    [
        ("a.ply", 1, 0, 2e-6, 0),
        ("a.spz", 1, 2.0**-12, 1 / 255, 0.1),
        ("a.glb", 1, 0, 1e-6, 1e-6),
        ("a.splat", 0, 0, 1 / 255, 1 / 255 / 0.28),
    ],
)
def test_round_trip_by_name(tmp_path, name, degree, means_limit, opacity_limit, colour_limit):
    before = made_up()
    before.save(tmp_path / name)
    after = gsv3d.Gaussians.load(str(tmp_path / name))
    assert len(after) == len(before) and after.sh_degree == degree
    nearest = torch.cdist(before.means, after.means).argmin(1)
    assert nearest.unique().numel() == len(before)
    assert (after.means[nearest] - before.means).abs().max() <= means_limit
    assert (after.opacities[nearest] - before.opacities).abs().max() <= opacity_limit
    assert (after.sh[nearest, :1] - before.sh[:, :1]).abs().max() <= colour_limit + 1e-6
    assert ((after.quats[nearest] * before.quats).sum(1).abs() > 0.99).all()
    assert (after.scales[nearest] / before.scales).log().abs().max() < 0.05


def test_attributes_are_the_tensors_that_were_given():
    gaussians = made_up()
    means = gaussians.means.requires_grad_(True)
    again = gsv3d.Gaussians(means, *gaussians.tensors()[1:])
    assert again.means is means
    camera = gsv3d.orbit_cameras(1, 16)
    gsv3d.rasterize(again, camera).rgb.sum().backward()
    assert means.grad.abs().max() > 0
    assert again.detach().means.data_ptr() == means.data_ptr()
    assert again.to(torch.float64).sh.dtype == torch.float64


def test_loaded_tensors_are_ordinary_ones(tmp_path):
    made_up().save(tmp_path / "a.ply")
    loaded = gsv3d.Gaussians.load(tmp_path / "a.ply")
    array = loaded.means.numpy()
    array[0] = 7
    assert (loaded.means[0] == 7).all() and loaded.means.is_leaf and loaded.means.is_contiguous()


def test_tensors_that_require_gradients_or_are_double_are_saved(tmp_path):
    gaussians = made_up()
    gaussians.save(tmp_path / "plain.ply")
    gaussians.means.requires_grad_(True)
    gaussians.to(torch.float64).save(tmp_path / "other.ply")
    assert (tmp_path / "plain.ply").read_bytes() == (tmp_path / "other.ply").read_bytes()


def test_bad_files_and_names(tmp_path):
    with pytest.raises(gsv3d.Error, match="nowhere.ply") as error:
        gsv3d.Gaussians.load(tmp_path / "nowhere.ply")
    assert "\n" not in str(error.value) and isinstance(error.value, RuntimeError)
    (tmp_path / "broken.ply").write_bytes(b"ply\nformat nonsense")
    with pytest.raises(gsv3d.Error, match="broken.ply"):
        gsv3d.Gaussians.load(tmp_path / "broken.ply")
    with pytest.raises(ValueError, match=r"\.ply"):
        made_up().save(tmp_path / "a.xyz")
    damaged = made_up()
    damaged.means[3, 1] = torch.nan
    with pytest.raises(gsv3d.Error, match="3"):
        damaged.save(tmp_path / "nan.ply")
    assert not (tmp_path / "nan.ply").exists()
    with pytest.raises(TypeError):
        gsv3d.Gaussians.load(3)


def test_orbit_cameras():
    cameras = gsv3d.orbit_cameras(4, 64, elevation=20, radius=3, fov_y=40)
    assert len(cameras) == 4 and (cameras.width, cameras.height) == (64, 64)
    centres = -(cameras.world_to_camera[:, :3, :3].mT @ cameras.world_to_camera[:, :3, 3:]).squeeze(-1)
    assert torch.allclose(centres.norm(dim=1), torch.full((4,), 3.0), atol=1e-5)
    angle = torch.tensor(20.0).deg2rad()
    assert torch.allclose(centres[0], 3 * torch.stack([torch.tensor(0.0), angle.sin(), angle.cos()]), atol=1e-5)
    assert centres[1, 0] > 2.5  # counter-clockwise seen from above
    with pytest.raises(ValueError, match="count = 0"):
        gsv3d.orbit_cameras(0, 64)
    with pytest.raises(ValueError, match="fov_y = 180"):
        gsv3d.orbit_cameras(1, 64, fov_y=180)
