"""What calling from Python costs over the program: the same photo, seed and threads in both, in turns, each in a process of its own.

    python bench/python_overhead.py PROGRAM [--photo FILE] [--rounds 3] [--threads 2] [--steps N]

with a Python that has gsv3d installed (or PYTHONPATH=build/release/python). Compared are the stages from photo to Gaussians, which both
time themselves, and Python's call around them; the files of both must be the same bytes. Medians, the least and the
most; on a machine that others use, the fastest runs say more."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1]

# Run by the interpreter that runs this: what a user's script does, with its times as JSON.
SCRIPT = """
import json, resource, sys, time
def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
begin = cpu()
import torch, gsv3d
imported = cpu()
photo, model, out, threads, steps = sys.argv[1:]
torch.set_num_threads(int(threads))
loaded = gsv3d.load_model(model)
calls = []
started, work = time.monotonic(), cpu()
sampling = {"steps": int(steps)} if steps else None
result = gsv3d.generate(photo, loaded, seed=7, sampling=sampling, progress=lambda *step: calls.append(step))
call, work = time.monotonic() - started, cpu() - work
result.gaussians.save(out)
print(json.dumps({"import": imported - begin, "call": call, "call_cpu": work, "stages": sum(result.seconds.values()), "progress_calls": len(calls)}))
"""


def absolute(text):
    return Path(text).resolve()


def program_stages(arguments, folder):
    command = [arguments.program, "generate", arguments.photo, "--model", arguments.model, "-o", folder, "--seed", "7", "--no-mesh"]
    command += ["--no-viewer", "--quiet", "--threads", str(arguments.threads), *(["--steps", arguments.steps] if arguments.steps else [])]
    subprocess.run(command, check=True)
    made = folder / arguments.photo.stem
    seconds = json.loads((made / "result.json").read_text())["seconds"]
    return sum(value for stage, value in seconds.items() if stage not in ("mesh", "files")), (made / "object.ply").read_bytes()


def python_times(arguments, folder):
    out = folder / "python.ply"
    command = [sys.executable, "-c", SCRIPT, arguments.photo, arguments.model, out, str(arguments.threads), arguments.steps]
    times = json.loads(subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder).stdout)
    return times, out.read_bytes()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", type=absolute)
    parser.add_argument("--photo", type=absolute, default=SOURCE / "examples" / "flower_cutout.png")
    parser.add_argument("--model", type=absolute, default=SOURCE / "models" / "tiny")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", default="")
    arguments = parser.parse_args()
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    theirs, ours = [], []
    with tempfile.TemporaryDirectory() as name:
        for _ in range(arguments.rounds):
            stages, program_file = program_stages(arguments, Path(name))
            times, python_file = python_times(arguments, Path(name))
            if program_file != python_file:
                sys.exit("python_overhead.py: the program and Python made different files")
            theirs.append(stages)
            ours.append(times)
    stages = [times["stages"] for times in ours]
    around = [times["call"] - times["stages"] for times in ours]

    def told(values):
        return f"{statistics.median(values):.3f} s ({min(values):.3f} to {max(values):.3f})"

    print(f"program, stages: {told(theirs)}")
    print(f"Python, stages: {told(stages)}, fastest to fastest {100 * (min(stages) / min(theirs) - 1):+.1f} %")
    share = statistics.median(part / whole for part, whole in zip(around, stages))
    print(f"Python, around them: {told(around)}, {100 * share:.2f} % of the stages; {ours[0]['progress_calls']} progress calls")
    print(f"Python, import of torch and gsv3d: {told([times['import'] for times in ours])} of CPU time, once per process")
    print(f"the same object.ply in all {arguments.rounds} rounds")


if __name__ == "__main__":
    main()
