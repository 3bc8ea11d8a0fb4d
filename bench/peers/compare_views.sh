#!/usr/bin/env bash
# From a photo to SV3D's 21 orbit views, this program beside diffusers' pipeline, in turn; then medians per stage and their ratios.
#   bench/peers/compare_views.sh [ROUNDS] [THREADS] [WIDTH] [SIZE] [STEPS]     default 2 1 128 32 5
# The Python side lives in .venv-peers: environment.sh.
set -euo pipefail
cd "$(dirname "$0")/../.."
rounds=${1:-2} threads=${2:-1} width=${3:-128} size=${4:-32} steps=${5:-5}
. bench/peers/environment.sh
export OMP_NUM_THREADS=$threads OMP_WAIT_POLICY=passive
rows=$(mktemp)
trap 'rm -f "$rows"' EXIT
for ((round = 0; round < rounds; ++round)); do
  for precision in fp32 bf16; do
    .venv-peers/bin/python bench/peers/diffusers_views.py "$width" "$size" "$steps" "$threads" "$precision" | tee -a "$rows"
    build/release/bin/bench_views "$width" "$size" "$steps" "$threads" "$precision" | tee -a "$rows"
  done
done
python3 - "$rows" <<'PYTHON'
import collections, statistics, sys

values = collections.defaultdict(list)
for line in open(sys.argv[1]):
    program, precision, stage, first, _ = line.split()
    values[precision, stage, program].append(float(first))


def cell(numbers):
    return f"{statistics.median(numbers):.2f} ({min(numbers):.2f}-{max(numbers):.2f})"


print("\nProcessor seconds, peak in MB; median (extremes); ratios of medians\n\n| precision | stage | diffusers | here | ratio |\n"
      "| --- | --- | ---: | ---: | ---: |")
for precision, stage, program in list(values):
    if program == "gsv3d":
        there, here = (values[precision, stage, name] for name in ("diffusers", "gsv3d"))
        print(f"| {precision} | {stage} | {cell(there)} | {cell(here)} | {statistics.median(there) / statistics.median(here):.2f} |")
PYTHON
