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
"${peer[@]}" export "$folder" 64 16
build/release/bin/bench_unet check "$folder" 64
for ((round = 0; round < rounds; ++round)); do
  for precision in fp32 bf16; do
    "${peer[@]}" time "$width" "$size" 1 "$threads" "$precision"
    build/release/bin/bench_unet sv3d "$width" "$size" 1 "$threads" "$precision"
  done
done
