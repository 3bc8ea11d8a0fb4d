"""gsv3d.generate: the program's bytes, pictures of every kind, progress, Ctrl-C, messages."""

import os
import signal
import subprocess
import threading
import time

import numpy as np
import PIL.Image
import pytest
import torch

import gsv3d
from conftest import CUP, PHOTO

QUICK = {"steps": 2}


@pytest.fixture(scope="module")
def made(model):
    torch.set_num_threads(2)
    stages = []
    result = gsv3d.generate(PHOTO, model, seed=5, sampling=QUICK, progress=lambda *step: stages.append(step))
    return result, stages


def test_the_same_files_as_the_program(made, program, tmp_path):
    result, _ = made
    command = [program, "generate", PHOTO, "-o", tmp_path, "--seed", "5", "--steps", "2", "--threads", "2", "--no-viewer", "--quiet"]
    subprocess.run(command, check=True, env={**os.environ, "OMP_WAIT_POLICY": "passive"})
    result.gaussians.save(tmp_path / "object.ply")
    ours = (tmp_path / "object.ply").read_bytes()
    assert len(ours) > 100_000 and ours == (tmp_path / PHOTO.stem / "object.ply").read_bytes()
    result.mesh.save(tmp_path / "object.glb")
    assert (tmp_path / "object.glb").read_bytes() == (tmp_path / PHOTO.stem / "object.glb").read_bytes()


def test_what_a_result_holds(made, model):
    result, stages = made
    size, views = model.image_size, model.views
    assert result.views.shape == (views, 3, size, size) and result.views.min() >= 0 and result.views.max() <= 1
    assert result.alphas.shape == (views, 1, size, size)
    assert len(result.cameras) == views and result.cameras.width == size
    assert result.gaussians.means.dtype == torch.float32 and not result.gaussians.means.requires_grad
    assert result.route == "decoder, refined" and set(result.seconds) >= {"photo", "views", "gaussians"}
    # The Gaussians look like the views from the views' cameras: far above what another object would give.
    with torch.no_grad():
        rendered = gsv3d.rasterize(result.gaussians, result.cameras, torch.ones(3)).rgb
    assert -10 * (rendered - result.views).square().mean().log10() > 18
    names = [stage for stage, _, _ in stages]
    assert names.index("photo") < names.index("views") < names.index("gaussians")
    assert all(0 <= done <= total for _, done, total in stages)
    assert ("views", 2, 2) in stages


def test_mesh_arrays_are_the_meshs_own_memory(made, tmp_path):
    mesh = made[0].make_mesh(resolution=32, triangles=500, texture_size=64)
    vertices, faces, uv, texture = mesh.vertices, mesh.faces, mesh.uv, mesh.texture
    assert vertices.dtype == np.float32 and faces.dtype == np.uint32 and texture.dtype == np.uint8
    assert texture.shape == (64, 64, 4) and uv.shape == (len(vertices), 2) and mesh.normals.shape == vertices.shape
    assert faces.max() < len(vertices) and 0 < len(faces) <= 500
    assert repr(mesh) == f"Mesh({len(vertices)} vertices, {len(faces)} faces, texture of 64 x 64)"
    vertices[0] = 0.25
    assert (mesh.vertices[0] == 0.25).all()
    mesh.save(tmp_path / "m.stl")
    assert (tmp_path / "m.stl").stat().st_size == 84 + 50 * len(faces)
    del mesh
    assert np.isfinite(vertices).all()  # the array keeps the memory alive
    bare = gsv3d.make_mesh(made[0].gaussians, resolution=32, triangles=500, texture_size=0)
    assert bare.texture is None and bare.uv is None
    with pytest.raises(ValueError, match=r"\.glb"):
        bare.save(tmp_path / "m.xyz")
    with pytest.raises(gsv3d.Error, match="resolution"):
        gsv3d.make_mesh(made[0].gaussians, resolution=1)


def test_pictures_of_every_kind_give_the_same(model):
    def views(picture):
        return gsv3d.generate(picture, model, sampling={"steps": 1}, views_only=True).views

    image = PIL.Image.open(PHOTO)
    rgba = np.asarray(image.convert("RGBA"))
    first = views(str(PHOTO))
    for other in (image, rgba, rgba.astype(np.float64) / 255, rgba[::-1][::-1]):
        assert torch.equal(views(other), first)
    assert gsv3d.generate(rgba, model, sampling={"steps": 1}, views_only=True).gaussians is None


def test_several_photos_give_the_same_file_as_the_program(model, program, tmp_path):
    torch.set_num_threads(2)
    command = [program, "generate", PHOTO, "--view", f"90:{CUP}", "--view", f"180,25:{PHOTO}", "-o", tmp_path, "--seed", "5"]
    command += ["--steps", "1", "--threads", "2", "--no-mesh", "--no-viewer", "--quiet"]
    subprocess.run(command, check=True, env={**os.environ, "OMP_WAIT_POLICY": "passive"})
    result = gsv3d.generate(PHOTO, model, seed=5, sampling={"steps": 1}, views=[(CUP, 90), (PHOTO, 180, 25)])
    result.gaussians.save(tmp_path / "object.ply")
    ours = (tmp_path / "object.ply").read_bytes()
    assert len(ours) > 100_000 and ours == (tmp_path / PHOTO.stem / "object.ply").read_bytes()


def test_confidence_of_each_gaussian(model, tmp_path):
    options = {"seed": 5, "sampling": {"steps": 1}, "refine": False}
    result = gsv3d.generate(PHOTO, model, confidence_seeds=3, **options)
    alone = gsv3d.generate(PHOTO, model, **options)
    confidence = result.gaussians.confidence
    assert torch.equal(result.gaussians.means, alone.gaussians.means) and alone.gaussians.confidence is None
    assert confidence.shape == (len(result.gaussians),) and 0 <= confidence.min() < confidence.max() <= 1
    largest = result.gaussians.scales.sort(1, descending=True).values.double()
    weights = result.gaussians.opacities.double() * largest[:, 0] * largest[:, 1]
    assert result.confidence == pytest.approx(((weights * confidence).sum() / weights.sum()).item(), abs=1e-6)
    assert alone.confidence is None and alone.disagreement == result.disagreement > 0
    result.gaussians.save(tmp_path / "object.ply")
    assert torch.equal(gsv3d.Gaussians.load(tmp_path / "object.ply").confidence, confidence)
    result.gaussians.save(tmp_path / "object.spz")
    assert gsv3d.Gaussians.load(tmp_path / "object.spz").confidence is None
    assert torch.equal(result.gaussians.to(torch.float64).confidence, confidence.double())


def test_further_photos_and_elevation(model):
    front = np.asarray(PIL.Image.open(PHOTO).convert("RGBA"))
    with pytest.raises(ValueError, match="the photo at 0.1 degrees: azimuth 0.1 is the first photo's own direction"):
        gsv3d.generate(front, model, sampling={"steps": 1}, views=[(front, 0.1)])
    result = gsv3d.generate(front, model, sampling={"steps": 1}, views_only=True, views=[(front, 180, 5)], elevation=15)
    alone = gsv3d.generate(front, model, sampling={"steps": 1}, views_only=True, elevation=15)
    assert result.elevation == 15 and not torch.equal(result.views, alone.views)


class Stop(Exception):
    pass


def test_what_progress_raises_comes_out(model):
    calls = []

    def progress(stage, done, total):
        calls.append(stage)
        if stage == "views":
            raise Stop("enough")

    with pytest.raises(Stop, match="enough"):
        gsv3d.generate(PHOTO, model, progress=progress)
    assert calls[-1] == "views" and calls.count("views") == 1
    assert gsv3d.generate(PHOTO, model, sampling={"steps": 1}, views_only=True).views is not None  # the model is as before


def test_ctrl_c_raises_keyboard_interrupt(model):
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what a shell's background job has not: there it is ignored
    sent = []

    def interrupt():
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(1.0, interrupt)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        gsv3d.generate(PHOTO, model, sampling={"steps": 200})
    assert sent
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert gsv3d.generate(PHOTO, model, sampling={"steps": 1}, views_only=True).views is not None


def test_other_threads_run_meanwhile(model):
    counted = []
    done = threading.Event()

    def count():
        while not done.is_set():
            counted.append(1)
            time.sleep(0.001)

    thread = threading.Thread(target=count)
    thread.start()
    gsv3d.generate(PHOTO, model, sampling={"steps": 1}, views_only=True)
    done.set()
    thread.join()
    assert len(counted) > 20  # with the lock held there would be a handful


def test_two_threads_take_turns_with_one_model(model):
    results = {}

    def run(seed):
        results[seed] = gsv3d.generate(PHOTO, model, seed=seed, sampling={"steps": 1}, views_only=True).views

    threads = [threading.Thread(target=run, args=(seed,)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed in (1, 2):
        assert torch.equal(results[seed], gsv3d.generate(PHOTO, model, seed=seed, sampling={"steps": 1}, views_only=True).views)


@pytest.mark.parametrize(
    "arguments, error, words",
    [
        ({"image": "/nowhere.jpg"}, gsv3d.Error, "/nowhere.jpg"),
        ({"image": 3}, ValueError, "a path, a PIL image or a numpy array, not int"),
        ({"image": np.zeros((4, 4, 2), np.uint8)}, ValueError, r"not \[4, 4, 2\]"),
        ({"image": np.full((4, 4, 3), 3.0)}, ValueError, "values in 0 to 1"),
        ({"image": np.full((4, 4, 3), np.nan)}, ValueError, "values in 0 to 1"),
        ({"image": np.zeros((4, 4, 3), np.int32)}, ValueError, "not int32"),
        ({"image": np.zeros((0, 4, 3), np.uint8)}, ValueError, "0 pixels|1 to"),
        ({"sampling": {"stepz": 3}}, ValueError, "stepz"),
        ({"sampling": {"steps": 0}}, ValueError, "steps"),
        ({"views": [PHOTO]}, ValueError, r"a view is \(image, azimuth\)"),
        ({"views": [(PHOTO, "left")]}, ValueError, "numbers of degrees, not .*left"),
        ({"views": [("/nowhere.jpg", 90)]}, gsv3d.Error, "/nowhere.jpg"),
        ({"views": [(PHOTO, float("nan"))]}, gsv3d.Error, "azimuth nan"),
        ({"seed": -1}, ValueError, "seed = -1"),
        ({"fit_steps": 0}, ValueError, "fit_steps = 0"),
        ({"confidence_seeds": 1}, ValueError, "confidence_seeds = 1"),
        ({"confidence_seeds": 2, "views_only": True}, ValueError, "needs Gaussians"),
        ({"progress": 3}, ValueError, "progress is int"),
    ],
)
def test_bad_arguments(model, arguments, error, words):
    with pytest.raises(error, match=words) as raised:
        gsv3d.generate(**{"image": PHOTO, "model": model, **arguments})
    assert "\n" not in str(raised.value)


def test_bad_models(tmp_path):
    with pytest.raises(gsv3d.Error, match="config.json"):
        gsv3d.load_model(tmp_path)
    with pytest.raises(ValueError, match="fp8"):
        gsv3d.load_model(precision="fp8")
    with pytest.raises(ValueError, match="tpu"):
        gsv3d.load_model(device="tpu")


def test_the_embedded_model_is_found_without_a_folder():
    model = gsv3d.load_model()
    assert model.folder.name == "tiny" and model.device == "cpu" and "tiny" in repr(model)
