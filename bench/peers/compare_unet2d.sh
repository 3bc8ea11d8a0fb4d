#!/usr/bin/env bash
# One guided step of Stable Diffusion 2.x's UNet in fp32, this program beside diffusers, in turn; then medians and their ratio.
#   bench/peers/compare_unet2d.sh [ROUNDS] [THREADS] [WIDTH] [SIZE]     default 3 1 128 32
# The Python side lives in .venv-peers: environment.sh.
set -euo pipefail
cd "$(dirname "$0")/../.."
rounds=${1:-3} threads=${2:-1} width=${3:-128} size=${4:-32}
. bench/peers/environment.sh
export OMP_NUM_THREADS=$threads OMP_WAIT_POLICY=passive
rows=$(mktemp)
trap 'rm -f "$rows"' EXIT
for ((round = 0; round < rounds; ++round)); do
  .venv-peers/bin/python bench/peers/diffusers_unet2d.py "$width" "$size" 1 "$threads" fp32 | tee -a "$rows"
  build/release/bin/bench_unet2d "$width" "$size" 1 "$threads" fp32 | tee -a "$rows"
done
python3 - "$rows" <<'PYTHON'
import statistics, sys

seconds = {}
for line in open(sys.argv[1]):
    program, _, _, processor, *_ = line.split()
    seconds.setdefault(program, []).append(float(processor) / 1e3)
there, here = (statistics.median(seconds[name]) for name in ("diffusers", "gsv3d"))
print(f"\n| one step, processor s | diffusers | here | ratio |\n|---|---:|---:|---:|\n| fp32 | {there:.2f} | {here:.2f} | {there / here:.2f} |")
PYTHON
