"""gsv3d.rasterization, gsplat's call: values and gradients against a dense rasterizer in plain torch (scenes.py), and what it refuses."""

import pytest
import torch

import gsv3d
from conftest import close
from scenes import random_scene, render_plainly

COUNT = 60


def colors_for(kind: str) -> torch.Tensor:
    shapes = {"rgb": (COUNT, 3), "per camera": (3, COUNT, 3), "sh": (COUNT, 9, 3), "sh per camera": (3, COUNT, 9, 3)}
    generator = torch.Generator().manual_seed(11)
    return torch.rand(shapes[kind], generator=generator, dtype=torch.float64) - (0.4 if "sh" in kind else 0.1)


@pytest.mark.parametrize(
    "kind, sh_degree, options",
    [
        ("rgb", None, {}),
        ("rgb", None, {"render_mode": "RGB+D"}),
        ("rgb", None, {"render_mode": "RGB+ED", "rasterize_mode": "antialiased"}),
        ("rgb", None, {"render_mode": "D"}),
        ("rgb", None, {"render_mode": "ED"}),
        ("per camera", None, {"render_mode": "RGB+ED"}),
        ("sh", 2, {}),
        ("sh", 1, {"rasterize_mode": "antialiased"}),
        ("sh per camera", 2, {"render_mode": "RGB+D"}),
    ],
)
@pytest.mark.parametrize("with_backgrounds", [False, True])
def test_values_and_gradients(kind, sh_degree, options, with_backgrounds):
    scene = random_scene(COUNT, seed=2)
    backgrounds = torch.rand(3, 3, generator=torch.Generator().manual_seed(7), dtype=torch.float64) if with_backgrounds else None
    results = {}
    for name, dtype in (("ours", torch.float32), ("plain", torch.float64)):
        leaves = scene.to(dtype).leaves()
        colors = colors_for(kind).to(dtype).requires_grad_(True)
        ground = None if backgrounds is None else backgrounds.to(dtype).requires_grad_(True)
        if name == "ours":
            images, alphas, meta = gsv3d.rasterization(
                *leaves.parts(), colors, leaves.viewmats, leaves.Ks, leaves.width, leaves.height, sh_degree=sh_degree,
                backgrounds=ground, **options,
            )  # fmt: skip
            assert (meta["width"], meta["height"], meta["n_cameras"]) == (leaves.width, leaves.height, 3)
        else:
            images, alphas = render_plainly(leaves, colors, backgrounds=ground, sh_degree=sh_degree, **options)
        # Where hardly anything was hit, expected depth divides rounding by nearly nothing.
        generator = torch.Generator().manual_seed(13)
        weights = torch.rand(images.shape, generator=generator, dtype=torch.float64)
        seen = (alphas.detach() > 0.02) if "ED" in options.get("render_mode", "") else torch.ones_like(alphas)
        results[name] = images, alphas, seen, weights, leaves, colors, ground
    images, alphas, _, _, leaves, colors, ground = results["ours"]
    plain_images, plain_alphas, seen, weights, plain_leaves, plain_colors, plain_ground = results["plain"]
    assert images.shape == plain_images.shape and images.dtype == torch.float32
    # float32 against float64: as the goldens' limits (tests/goldens/gaussians/README.md), with depths around 3.
    limit = 1e-4 if "D" in options.get("render_mode", "") else 2e-5
    assert ((images - plain_images) * seen).abs().max() <= limit
    assert (alphas - plain_alphas).abs().max() <= 2e-5
    ((images * (weights * seen).float()).sum() + alphas.square().sum()).backward()
    ((plain_images * weights * seen).sum() + plain_alphas.square().sum()).backward()
    tolerance = 3e-3 if "ED" in options.get("render_mode", "") else 5e-4
    for name in ("means", "quats", "scales", "opacities", "viewmats"):
        assert close(getattr(leaves, name).grad, getattr(plain_leaves, name).grad, tolerance), name
    if "RGB" in options.get("render_mode", "RGB"):
        assert close(colors.grad, plain_colors.grad, tolerance)
        assert ground is None or close(ground.grad, plain_ground.grad, tolerance)


def call(**changes):
    scene = random_scene(COUNT, seed=2).to(torch.float32)
    arguments = dict(
        means=scene.means, quats=scene.quats, scales=scene.scales, opacities=scene.opacities, colors=colors_for("rgb").float(),
        viewmats=scene.viewmats, Ks=scene.Ks, width=scene.width, height=scene.height,
    )  # fmt: skip
    return gsv3d.rasterization(**{**arguments, **changes})


def test_near_and_far_planes():
    everything, nothing = call()[1], call(near_plane=2.0, far_plane=2.0001)[1]
    assert everything.max() > 0.5 and nothing.max() == 0


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"radius_clip": 1.0}, "radius_clip is not supported"),
        ({"eps2d": 0.1}, "eps2d = 0.1 is not supported"),
        ({"absgrad": True}, "absgrad is not supported"),
        ({"sparse_grad": True}, "sparse_grad is not supported"),
        ({"distributed": True}, "distributed is not supported"),
        ({"camera_model": "fisheye"}, "camera_model is not supported"),
        ({"with_ut": True}, "with_ut is not supported"),
        ({"covars": torch.zeros(COUNT, 3, 3)}, "covars is not supported"),
        ({"rolling_shutter": "ROLLING_TOP_TO_BOTTOM"}, "rolling_shutter is not supported"),
        ({"render_mode": "RGBD"}, "render_mode 'RGBD': use one of RGB, D, ED, RGB"),
        ({"rasterize_mode": "smooth"}, "rasterize_mode 'smooth': use classic or antialiased"),
        ({"sh_degree": 4}, "sh_degree = 4: it must be 0 to 3"),
        ({"sh_degree": 2, "colors": torch.zeros(COUNT, 4, 3)}, "sh_degree = 2 needs 9 harmonics, colors has 4"),
        ({"colors": torch.zeros(COUNT, 5)}, r"colors has shape \[60, 5\], expected \[60, 3\]"),
        ({"backgrounds": torch.zeros(2, 3)}, r"backgrounds has shape \[2, 3\], expected \[3, 3\]"),
        ({"viewmats": torch.eye(4)}, r"world_to_camera has shape \[4, 4\], expected \[C, 4, 4\]"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(changes, words):
    with pytest.raises(ValueError, match=words):
        call(**changes)


def test_defaults_of_gsplat_and_what_changes_no_number_are_taken():
    plain = call()[0]
    same = call(packed=False, tile_size=8, channel_chunk=3, segmented=True, camera_model="pinhole", with_ut=False, covars=None)[0]
    assert torch.equal(plain, same)
    with pytest.raises(TypeError, match="unknown argument 'sh_degre'"):
        call(sh_degre=1)
    with pytest.raises(KeyError, match="means2d"):
        call()[2]["means2d"]
