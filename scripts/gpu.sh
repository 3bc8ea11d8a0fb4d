#!/usr/bin/env bash
# Everything a machine with a GPU is for, in one go, without a package manager or network there: configure with CUDA, build, test, train.
#   scripts/gpu.sh prepare                                   on a machine with apt: collects the few libraries needed into .deps/
#   scripts/gpu.sh run --data SHARDS [--minutes N] [--stages "vae diffusion decoder distill"] [--model DIR] [--run DIR] [--output DIR]
# `run` trains every stage for its share of N minutes, resumes what is in --run, and leaves model, metrics and checkpoints in --output
# (default: $OUT or runs/gpu). GSV3D_TORCH names the folder of an installed torch package when Python cannot tell.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(nlohmann-json3-dev libfmt-dev libfmt9 libspdlog-dev libspdlog1.10 libcli11-dev libgtest-dev libgmock-dev googletest zlib1g-dev libzstd-dev libwebp-dev
  libwebp7 libembree-dev libembree3-3 libtbb12 libtbbmalloc2 libhwloc15)

prepare() {
  mkdir -p .deps/packages
  (cd .deps/packages && apt-get download "${packages[@]}")
  du -sh .deps/packages
}

unpack() {
  [ -d .deps/packages ] || return 0
  [ -d .deps/prefix ] || for package in .deps/packages/*.deb; do dpkg -x "$package" .deps/prefix; done
  export CMAKE_PREFIX_PATH="$PWD/.deps/prefix/usr" PKG_CONFIG_PATH="$PWD/.deps/prefix/usr/lib/x86_64-linux-gnu/pkgconfig"
  export PKG_CONFIG_SYSROOT_DIR="$PWD/.deps/prefix" CPATH="$PWD/.deps/prefix/usr/include"
  export LD_LIBRARY_PATH="$PWD/.deps/prefix/usr/lib/x86_64-linux-gnu:${LD_LIBRARY_PATH:-}" LIBRARY_PATH="$PWD/.deps/prefix/usr/lib/x86_64-linux-gnu"
}

run() {
  local data="" minutes=10 stages="vae diffusion decoder distill" model=models/tiny run_folder=runs/gpu output=${OUT:-runs/gpu/output} config=configs/tiny preset=cuda
  while (($#)); do
    case "$1" in
      --data) data=$2 ;; --minutes) minutes=$2 ;; --stages) stages=$2 ;; --model) model=$2 ;; --run) run_folder=$2 ;;
      --output) output=$2 ;; --config) config=$2 ;; --preset) preset=$2 ;;
      *) echo "gpu.sh: unknown option $1" >&2; exit 2 ;;
    esac
    shift 2
  done
  [ -n "$data" ] || { echo "gpu.sh: --data is needed" >&2; exit 2; }
  unpack
  cmake --preset "$preset" ${GSV3D_TORCH:+-DGSV3D_TORCH="$GSV3D_TORCH"} ${GSV3D_CMAKE_ARGUMENTS:-}
  cmake --build "build/$preset" --parallel "$(nproc)"
  mkdir -p "$output" "$model"
  ctest --test-dir "build/$preset" --output-on-failure -L golden 2>&1 | tee "$output/tests.log" || true
  ctest --test-dir "build/$preset" --output-on-failure -R 'Rasterizer|Cuda' 2>&1 | tee "$output/rasterizer_tests.log" || true
  if command -v compute-sanitizer >/dev/null; then
    for check in memcheck racecheck; do
      compute-sanitizer --tool "$check" --error-exitcode 1 "build/$preset/bin/test_splat" --gtest_filter='RasterizerCuda.*' 2>&1 |
        tee "$output/sanitizer_$check.log" || true
    done
  fi
  [ -e "$model/config.json" ] || cp "$config/config.json" "$model/config.json"
  local count share
  count=$(wc -w <<<"$stages")
  share=$(awk "BEGIN { print $minutes / $count }")
  for stage in $stages; do
    "build/$preset/bin/gsv3d" train "$stage" --model "$model" --data "$data" --run "$run_folder/$stage" --config "$config/train_$stage.json" \
      --minutes "$share" 2>&1 | tee "$output/train_$stage.log"
  done
  cp -r "$model" "$output/model"
  for stage in $stages; do cp "$run_folder/$stage/metrics.csv" "$output/metrics_$stage.csv"; done
}

case "${1:-}" in
  prepare) prepare ;;
  run) shift; run "$@" ;;
  *) sed -n '2,7p' "$0"; exit 2 ;;
esac
