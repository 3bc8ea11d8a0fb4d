#!/usr/bin/env bash
# One guided denoising step of SV3D's UNet, this program beside diffusers, in turn; then whether both give the same numbers.
#   bench/peers/compare_unet.sh [ROUNDS] [THREADS] [WIDTH] [SIZE]     default 3 1 128 32
# The Python side lives in .venv-peers: environment.sh.
set -euo pipefail
cd "$(dirname "$0")/../.."
rounds=${1:-3} threads=${2:-1} width=${3:-128} size=${4:-32}
. bench/peers/environment.sh
peer=(.venv-peers/bin/python bench/peers/diffusers_unet.py)
export OMP_NUM_THREADS=$threads OMP_WAIT_POLICY=passive
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
rows=$folder/rows
"${peer[@]}" export "$folder" 64 16
build/release/bin/bench_unet check "$folder" 64
for ((round = 0; round < rounds; ++round)); do
  for precision in fp32 bf16; do
    "${peer[@]}" time "$width" "$size" 1 "$threads" "$precision" | tee -a "$rows"
    build/release/bin/bench_unet sv3d "$width" "$size" 1 "$threads" "$precision" | tee -a "$rows"
  done
done
python3 - "$rows" <<'PYTHON'
import collections, statistics, sys

values = collections.defaultdict(list)
for line in open(sys.argv[1]):
    program, precision, _, processor, _, wall, _, peak, *_ = line.split()
    for what, number in (("processor s", float(processor) / 1e3), ("wall s", float(wall) / 1e3), ("peak MB", float(peak))):
        values[precision, what, program].append(number)


def cell(numbers, digits):
    return f"{statistics.median(numbers):.{digits}f} ({min(numbers):.{digits}f}-{max(numbers):.{digits}f})"


print("\n| precision | one step | diffusers | here | ratio |\n|---|---|---:|---:|---:|")
for precision, what, program in list(values):
    if program == "gsv3d":
        there, here = (values[precision, what, name] for name in ("diffusers", "gsv3d"))
        digits = 0 if what == "peak MB" else 2
        print(f"| {precision} | {what} | {cell(there, digits)} | {cell(here, digits)} | {statistics.median(there) / statistics.median(here):.2f} |")
there, here = (statistics.median(values[key]) for key in (("fp32", "processor s", "diffusers"), ("bf16", "processor s", "gsv3d")))
print(f"| bf16 here beside fp32 there | processor s | {there:.2f} | {here:.2f} | {there / here:.2f} |")
PYTHON
