"""gsv3d.rasterize: the goldens' values and gradients, and autograd's own checks."""

import pytest
import torch

import gsv3d
from conftest import SOURCE, close, read_safetensors
from scenes import random_scene

GOLDENS = sorted((SOURCE / "tests" / "goldens" / "gaussians").glob("*.safetensors"))


def leaf(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.clone().requires_grad_(True)


@pytest.mark.parametrize("path", GOLDENS, ids=lambda path: path.stem)
def test_golden_values_and_gradients(path):
    """The limits of tests/goldens/gaussians/README.md."""
    golden = read_safetensors(path)
    gaussians = gsv3d.Gaussians(*(leaf(golden[f"in/{name}"]) for name in ("means", "quats", "scales", "opacities", "sh")))
    width, height = golden["in/image_size_wh"].tolist()
    cameras = gsv3d.Cameras(leaf(golden["in/viewmats"]), golden["in/Ks"], width, height)
    rendering = gsv3d.rasterize(gaussians, cameras, golden["in/background"])
    image, alpha = rendering.rgb.permute(0, 2, 3, 1), rendering.alpha.permute(0, 2, 3, 1)
    stable = golden["stable"].float().unsqueeze(-1)
    assert ((image - golden["sh/out"]) * stable).abs().max() <= 2e-5
    assert ((alpha - golden["rgb/alpha"]) * stable).abs().max() <= 2e-5
    assert ((rendering.depth.permute(0, 2, 3, 1) - golden["D/out"]) * stable).abs().max() <= 1e-4
    ((image * golden["ct/rgb"]).sum() + (alpha * golden["ct/alpha"]).sum()).backward()
    for name in ("means", "quats", "scales", "opacities", "sh"):
        assert close(getattr(gaussians, name).grad, golden[f"sh/grad_{name}"], 5e-4), name
    assert close(cameras.world_to_camera.grad[:, :3], golden["sh/grad_viewmats"], 5e-4)


def small_scene():
    scene = random_scene(4, seed=3, width=6, height=5)
    scene.viewmats, scene.Ks = scene.viewmats[1:], scene.Ks[1:]
    return scene


def flat_inputs(dtype):
    scene = small_scene().to(dtype)
    sh = torch.linspace(-0.6, 0.9, 4 * 4 * 3, dtype=torch.float64).reshape(4, 4, 3).to(dtype)
    return [leaf(tensor) for tensor in (*scene.parts(), sh, scene.viewmats)]


def images_of(*tensors, reference):
    *gaussians, viewmats = tensors
    scene = small_scene()
    cameras = gsv3d.Cameras(viewmats, scene.Ks.to(viewmats.dtype), scene.width, scene.height)
    background = torch.tensor([0.2, 0.5, 0.9], dtype=viewmats.dtype)
    rendering = gsv3d.rasterize(gsv3d.Gaussians(*gaussians), cameras, background, reference=reference)
    return rendering.rgb, rendering.alpha, rendering.depth


def test_gradcheck_of_the_twin_in_float64():
    # Splats end where their alpha falls below 1/255: a step of 1e-7 moves no pixel over that edge here.
    assert torch.autograd.gradcheck(lambda *t: images_of(*t, reference=True), flat_inputs(torch.float64), eps=1e-7, atol=1e-6)


def test_the_kernels_give_what_the_twin_gives():
    kernels, twin = flat_inputs(torch.float32), flat_inputs(torch.float64)
    generator = torch.Generator().manual_seed(1)
    loss = {}
    for name, inputs in (("kernels", kernels), ("twin", twin)):
        images = images_of(*inputs, reference=name == "twin")
        generator.manual_seed(1)
        weights = [torch.rand(image.shape, generator=generator, dtype=torch.float64) for image in images]
        loss[name] = sum((image * weight.to(image.dtype)).sum() for image, weight in zip(images, weights))
        loss[name].backward()
    assert loss["kernels"].item() == pytest.approx(loss["twin"].item(), rel=1e-5)
    for mine, reference in zip(kernels[:-1], twin[:-1]):
        assert close(mine.grad, reference.grad, 5e-4)
    # The twin's inverse has a gradient for the fourth row, too, which is a constant.
    assert close(kernels[-1].grad[:, :3], twin[-1].grad[:, :3], 5e-4)


def test_the_graph_goes_through_python_and_back():
    """The loss's gradient reaches a tensor behind an operation of torch's, and the background."""
    scene = random_scene(20, seed=5).to(torch.float32)
    logits = torch.zeros(20, requires_grad=True)
    background = torch.rand(3, 3, requires_grad=True)
    gaussians = gsv3d.Gaussians(scene.means, scene.quats, scene.scales, logits.sigmoid(), torch.zeros(20, 1, 3))
    cameras = gsv3d.Cameras(scene.viewmats, scene.Ks, scene.width, scene.height)
    rendering = gsv3d.rasterize(gaussians, cameras, background)
    assert rendering.rgb.grad_fn is not None and rendering.depth.requires_grad
    rendering.rgb.sum().backward()
    assert logits.grad.abs().min() > 0
    left = (1 - rendering.alpha.detach()).sum((1, 2, 3))
    assert torch.allclose(background.grad, left[:, None].expand(3, 3), rtol=1e-5)


def test_what_is_asked_for_is_what_comes():
    scene = random_scene(20, seed=5).to(torch.float32)
    gaussians = gsv3d.Gaussians(*scene.parts(), torch.zeros(20, 1, 3))
    cameras = gsv3d.Cameras(scene.viewmats, scene.Ks, scene.width, scene.height)
    with torch.no_grad():
        bare = gsv3d.rasterize(gaussians, cameras, depth=False)
        full = gsv3d.rasterize(gaussians, cameras, median_depth=True)
    assert bare.depth is None and bare.median_depth is None and not bare.rgb.requires_grad
    with pytest.raises(ValueError, match="without depth"):
        _ = bare.expected_depth
    assert full.median_depth.shape == (3, 1, scene.height, scene.width)
    hit = full.alpha > 0.6
    assert hit.any() and (full.expected_depth[hit] - full.median_depth[hit]).abs().max() < 1.5


@pytest.mark.parametrize(
    "name, change, words",
    [
        ("means", lambda t: t[:, :2], r"means has shape \[20, 2\], expected \[N, 3\]"),
        ("quats", lambda t: t[:5], r"quats has shape \[5, 4\], expected \[20, 4\]"),
        ("sh", lambda t: t.expand(20, 5, 3), r"sh has shape \[20, 5, 3\], expected \[20, 1 or 4 or 9 or 16, 3\]"),
        ("scales", lambda t: t.numpy(), "scales is ndarray, expected a torch.Tensor"),
        ("opacities", lambda t: t.double(), "opacities is Double, expected float32"),
    ],
)
def test_bad_tensors_are_named(name, change, words):
    scene = random_scene(20, seed=5).to(torch.float32)
    parts = dict(zip(("means", "quats", "scales", "opacities"), scene.parts()), sh=torch.zeros(20, 1, 3))
    parts[name] = change(parts[name])
    with pytest.raises(ValueError, match=words) as error:
        gsv3d.rasterize(gsv3d.Gaussians(**parts), gsv3d.Cameras(scene.viewmats, scene.Ks, scene.width, scene.height))
    assert "\n" not in str(error.value)
