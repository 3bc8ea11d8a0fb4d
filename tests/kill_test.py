#!/usr/bin/env python3
"""Kills training at random moments, with SIGKILL, and compares what the resumed run ends with, bit for bit, with an unbroken run.

    tests/kill_test.py PROGRAM [--moments 20] [--stages vae,diffusion,decoder,distill] [--ranks 1,2] [--steps 40] [--seed 1]
        [--options="--data-memory 0 --share-moments"] [--accumulate 1]

Every session of a run is killed after a random time, until it comes through; then the run is compared and another one begins, until
there were so many kills. With two processes one of them is killed, and the other must end by itself, with an error. Checkpoints are
written after every step, so that many kills hit one being written. Exit code 77: the program cannot render the training views."""
import argparse
import json
import os
import random
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MODEL = {
    "name": "toy", "image_size": 32, "frames": 3, "vector_dimensions": [8, 8, 8],
    "vae": {"ch": 4, "ch_mult": [1, 1, 2], "num_res_blocks": 1, "norm_groups": 2, "scale_factor": 0.5},
    "unet": {"in_channels": 8, "out_channels": 4, "model_channels": 8, "channel_mult": [1, 2], "attention_resolutions": [2],
             "num_res_blocks": 1, "num_head_channels": 8, "context_dim": 16, "adm_in_channels": 24, "norm_groups": 4},
    "image_embedder": {"image_size": 32, "patch_size": 16, "width": 16, "layers": 1, "head_width": 8, "embed_dim": 16},
    "dino": {"patch_size": 16, "embed_dim": 16, "depth": 1, "num_heads": 2, "pretrain_image_size": 32, "image_size": 32,
             "mlp_ratio": 2},
    "gaussian_decoder": {"width": 16, "patch_size": 1, "depth": 1, "num_heads": 2, "mlp_ratio": 2, "context_dim": 16,
                         "upsampler_widths": [8], "upsampler_heads": 2, "upsampler_window": 4, "min_scale": 0.005, "max_scale": 0.1},
    "sampler": {"steps": 3, "max_scale": 1.5},
}
STAGE_SETTINGS = {"distill": {"p_mean": -1, "train_decoder": True}, "decoder": {"surface_weight": 0.5}}


def checkpoint(run):
    """Step and tensors (name -> bytes) of RUN/checkpoint.safetensors, without what a clock decides."""
    data = Path(run, "checkpoint.safetensors").read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    metadata = header.pop("__metadata__")
    tensors = {name: data[8 + size + entry["data_offsets"][0]:8 + size + entry["data_offsets"][1]]
               for name, entry in header.items() if name != "pending_metrics"}
    return int(metadata["step"]), tensors


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Training:
    """One stage with so many processes, in a folder that holds model, shards and configurations."""

    def __init__(self, program, folder, stage, ranks, steps, options):
        self.program, self.folder, self.stage, self.ranks, self.steps = program, folder, stage, ranks, steps
        self.options = options

    def start(self, run):
        model = os.path.join(self.folder, "model-" + run)  # of its own: the run that ends changes it
        if not os.path.exists(model):
            shutil.copytree(os.path.join(self.folder, "model"), model)
        command = [self.program, "train", self.stage, "--device", "cpu", "--threads", "1", "--model", model, "--replace", "--data",
                   "shards", "--config", self.stage + ".json", "--run", run, "--steps", str(self.steps), "--quiet", *self.options]
        environment = {**os.environ, "OMP_WAIT_POLICY": "passive"}
        if self.ranks > 1:
            environment.update(WORLD_SIZE=str(self.ranks), MASTER_ADDR="127.0.0.1", MASTER_PORT=str(free_port()),
                               GSV3D_MEETING_SECONDS="20")
        return [subprocess.Popen(command, cwd=self.folder, env={**environment, "RANK": str(rank)} if self.ranks > 1 else environment,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for rank in range(self.ranks)]

    def unbroken(self, run):
        start = time.time()
        processes = self.start(run)
        for process in processes:
            error = process.communicate()[1]
            if process.returncode:
                sys.exit(f"{self.stage}: {error.decode()}")
        return time.time() - start

    def killed(self, run, seconds, dice):
        """Starts it and kills one process after so many seconds. -> True when it was killed, False when it came through first."""
        processes = self.start(run)
        victim = dice.choice(processes)
        deadline = time.time() + seconds
        while time.time() < deadline and any(process.poll() is None for process in processes):
            time.sleep(0.01)
        hit = victim.poll() is None
        if hit:
            victim.kill()
        for process in processes:
            try:
                error = process.communicate(timeout=120)[1]
            except subprocess.TimeoutExpired:
                process.kill()
                sys.exit(f"{self.stage}: a process still ran two minutes after another one was killed")
            if not hit and process.returncode:
                sys.exit(f"{self.stage}: {error.decode()}")
            # The last exchange may be over: the others then end as if nothing had been.
            if hit and process is not victim and process.returncode not in (0, 1):
                sys.exit(f"{self.stage}: exit code {process.returncode} after another process was killed: {error.decode()}")
        return hit


def check(training, moments, dice):
    """-> (kills, runs that were compared, differing tensors)."""
    whole = f"{training.stage}-{training.ranks}-whole"
    seconds = training.unbroken(whole)
    step, expected = checkpoint(os.path.join(training.folder, whole))
    assert step == training.steps and len(expected) > 20
    kills = runs = differing = 0
    while kills < moments or runs == 0:
        run = f"{training.stage}-{training.ranks}-{runs}"
        while kills < moments and training.killed(run, dice.uniform(0.1, 1.1) * seconds, dice):
            kills += 1
        training.unbroken(run)
        step, tensors = checkpoint(os.path.join(training.folder, run))
        assert step == training.steps and tensors.keys() == expected.keys()
        differing += sum(tensors[name] != expected[name] for name in expected)
        runs += 1
    return kills, runs, differing


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--moments", type=int, default=20)
    parser.add_argument("--stages", default="vae,diffusion,decoder,distill")
    parser.add_argument("--ranks", default="1,2")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--options", default="", help="of gsv3d train, separated by blanks")
    parser.add_argument("--accumulate", type=int, default=1)
    arguments = parser.parse_args()
    program = os.path.abspath(arguments.program)
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="gsv3d-kill-") as folder:
        rendered = subprocess.run([program, "data", "render", "procedural:3:1", "-o", "shards", "--size", "32", "--orbit-views", "6",
                                   "--random-views", "2", "--samples", "1", "--quiet"], cwd=folder, stderr=subprocess.PIPE)
        if b"Embree" in rendered.stderr:
            sys.exit(77)
        Path(folder, "config.json").write_text(json.dumps(MODEL))
        subprocess.run([program, "model", "init", "config.json", "-o", "model"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        for stage in arguments.stages.split(","):
            settings = {"batch": 2, "accumulate": arguments.accumulate, "warmup_steps": 0, "learning_rate": 1e-3, "log_steps": 5,
                        "checkpoint_minutes": 1e-6, "preview_minutes": 1000, **STAGE_SETTINGS.get(stage, {})}
            Path(folder, stage + ".json").write_text(json.dumps(settings))
            for ranks in map(int, arguments.ranks.split(",")):
                kills, runs, differing = check(Training(program, folder, stage, ranks, arguments.steps, arguments.options.split()),
                                               arguments.moments, random.Random(arguments.seed))
                print(f"{stage}, {ranks} process{'es' if ranks > 1 else ''}: {kills} kills in {runs} runs, "
                      f"{differing} tensors differ from the unbroken run", flush=True)
                wrong += differing
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
