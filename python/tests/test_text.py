"""gsv3d.generate_from_text: the program's bytes, options, messages; with a folder of random weights that knows two words."""

import json
import os
import subprocess

import numpy as np
import pytest
import torch

import gsv3d
from conftest import SOURCE

TEXT = {
    "image_size": 32,
    "prompt_template": "{}",
    "negative": "",
    "words": {"words": ["red", "chair"], "ignored": ["a"]},
    "tower": {"vocabulary_size": 8, "context_length": 4, "width": 32, "layers": 1, "head_width": 32, "skipped_layers": 0},
    "unet": {
        "in_channels": 8,
        "out_channels": 8,
        "model_channels": 32,
        "attention_resolutions": [1],
        "num_res_blocks": 1,
        "channel_mult": [1, 2],
        "num_head_channels": 32,
        "transformer_depth": 1,
        "context_dim": 32,
        "norm_groups": 8,
    },
    "sampler": {"steps": 3, "guidance": 2},
}


@pytest.fixture(scope="module")
def folder(program, tmp_path_factory):
    place = tmp_path_factory.mktemp("text")
    config = json.loads((SOURCE / "configs" / "tiny" / "config.json").read_text())
    (place / "config.json").write_text(json.dumps({**config, "text": TEXT}))
    subprocess.run([program, "model", "init", place / "config.json", "-o", place / "toy"], check=True, stdout=subprocess.DEVNULL)
    return place / "toy"


def test_the_same_files_as_the_program(folder, program, tmp_path):
    torch.set_num_threads(1)
    options = "--seed 5 --candidates 2 --picture-steps 2 --steps 1 --threads 1 --no-matting --no-mesh --no-viewer --quiet"
    command = [program, "text", "a red chair", "--device", "cpu", "--model", folder, "-o", tmp_path, *options.split()]
    subprocess.run(command, check=True, env={**os.environ, "OMP_WAIT_POLICY": "passive"})
    steps = []
    result = gsv3d.generate_from_text(
        "a red chair",
        gsv3d.load_model(folder, device="cpu"),
        gsv3d.load_text_model(folder, device="cpu"),
        seed=5,
        matting=False,
        picture={"candidates": 2, "sampling": {"picture-steps": 2}},
        sampling={"steps": 1},
        progress=lambda *step: steps.append(step),
    )
    assert steps[:4] == [("picture", done, 4) for done in (1, 2, 3, 4)] and "views" in {stage for stage, _, _ in steps}
    result.gaussians.save(tmp_path / "object.ply")
    ours = (tmp_path / "object.ply").read_bytes()
    assert len(ours) > 1000 and ours == (tmp_path / "a-red-chair" / "object.ply").read_bytes()


def test_pictures(folder):
    model = gsv3d.load_text_model(folder)
    assert model.image_size == 32 and "32 pixels" in repr(model) and model.folder == folder
    picture = gsv3d.text_picture("chair", model, matting=False)
    assert picture.dtype == np.uint8 and picture.shape == (32, 32, 4) and (picture[:, :, 3] == 255).all()
    assert (gsv3d.text_picture("A chair!", model, matting=False) == picture).all()
    assert not (gsv3d.text_picture("chair", model, matting=False, seed=24) == picture).all()
    assert not (gsv3d.text_picture("chair", model, matting=False, sketch=picture, strength=0.6) == picture).all()


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({"words": "red chiar"}, r'"chiar" \(nearest: chair'),
        ({"words": " "}, "empty"),
        ({"candidates": 0}, "candidates"),
        ({"sampling": {"picture-stepz": 3}}, "picture-stepz"),
        ({"seed": -1}, "seed = -1"),
        ({"progress": 3}, "progress is int"),
        ({"sampling": {"picture-guidance": 1}, "negative": "red"}, "needs guidance"),
    ],
)
def test_bad_arguments(folder, arguments, words):
    with pytest.raises(ValueError, match=words) as raised:
        gsv3d.text_picture(**{"words": "chair", "text_model": folder, **arguments})
    assert "\n" not in str(raised.value)


def test_what_progress_raises_comes_out(folder):
    def progress(stage, done, total):
        raise ZeroDivisionError(stage)

    with pytest.raises(ZeroDivisionError, match="picture"):
        gsv3d.text_picture("chair", folder, matting=False, progress=progress)


def test_a_folder_without_such_networks(tmp_path):
    (tmp_path / "config.json").write_bytes((SOURCE / "configs" / "tiny" / "config.json").read_bytes())
    with pytest.raises(gsv3d.Error, match="makes no pictures from text"):
        gsv3d.load_text_model(tmp_path)
