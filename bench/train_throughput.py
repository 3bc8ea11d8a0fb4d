#!/usr/bin/env python3
"""Samples a second of every training stage, with one process and with two: a table for docs/performance.md.

    bench/train_throughput.py [--program build/release/bin/gsv3d] [--model models/tiny] [--configs configs/small] [--steps 2] [--batch 2]

Renders 8 made-up objects, then trains each stage from the model's weights for some steps and for twice as many: what the longer run
takes beyond the shorter one is the steps alone. In processor time of all processes, which other work on the machine hardly changes, and by
the clock where the machine had nothing else to do at the start (load below 1). Some ten minutes of processor time (the stages' pictures
before and after are most of it). The model folder is copied and left alone."""
import argparse
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

STAGES = ("vae", "diffusion", "decoder", "distill")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def seconds(program, folder, model, stage, processes, threads, steps):
    """Clock and processor seconds of one whole run."""
    for name in ("run", "model"):
        shutil.rmtree(os.path.join(folder, name), ignore_errors=True)
    shutil.copytree(model, os.path.join(folder, "model"))
    command = [program, "train", stage, "--device", "cpu", "--threads", str(threads), "--model", "model", "--replace", "--data", "shards",
               "--config", stage + ".json", "--run", "run", "--steps", str(steps), "--quiet"]
    environment = {**os.environ, "OMP_WAIT_POLICY": "passive"}
    if processes > 1:
        environment.update(WORLD_SIZE=str(processes), MASTER_ADDR="127.0.0.1", MASTER_PORT=str(free_port()))
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.time()
    running = [subprocess.Popen(command, cwd=folder, env={**environment, "RANK": str(rank)} if processes > 1 else environment,
                                stderr=subprocess.PIPE) for rank in range(processes)]
    for process in running:
        error = process.communicate()[1]
        if process.returncode:
            sys.exit(f"{stage}: {error.decode()}")
    clock, after = time.time() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return clock, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="build/release/bin/gsv3d")
    parser.add_argument("--model", default="models/tiny")
    parser.add_argument("--configs", default="configs/small")
    parser.add_argument("--stages", default=",".join(STAGES))
    parser.add_argument("--ranks", default="1,2")
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--batch", type=int, default=2)
    arguments = parser.parse_args()
    program = os.path.abspath(arguments.program)
    size = json.loads(Path(arguments.model, "config.json").read_text())["image_size"]
    idle = os.getloadavg()[0] < 1
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {size} pixels, batches of {arguments.batch}, one thread a process\n")
    print("| stage | processes | samples a second, by the clock | processor seconds a sample |\n|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory(prefix="gsv3d-throughput-") as folder:
        subprocess.run([program, "data", "render", "procedural:8:1", "-o", "shards", "--size", str(size), "--orbit-views", "21",
                        "--random-views", "4", "--samples", "1", "--quiet"], cwd=folder, check=True)
        for stage in arguments.stages.split(","):
            settings = json.loads(Path(arguments.configs, f"train_{stage}.json").read_text())
            settings.update(batch=arguments.batch, initial_weights="random" if stage == "distill" else "model_folder",
                            preview_minutes=1000, checkpoint_minutes=1000, warmup_steps=0)
            Path(folder, stage + ".json").write_text(json.dumps(settings))
            for processes in map(int, arguments.ranks.split(",")):
                short, long = (seconds(program, folder, arguments.model, stage, processes, 1, steps)
                               for steps in (arguments.steps, 2 * arguments.steps))
                samples = arguments.steps * arguments.batch
                clock, processor = long[0] - short[0], long[1] - short[1]
                speed = f"{samples / clock:.2f}" if idle and clock > 0 else "–"
                print(f"| {stage} | {processes} | {speed} | {max(processor, 0) / samples:.2f} |", flush=True)


if __name__ == "__main__":
    main()
