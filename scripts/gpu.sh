#!/usr/bin/env bash
# Everything a machine with a GPU is for, in one go, without a package manager or network there: configure with CUDA, build, test,
# measure, train.
#   scripts/gpu.sh prepare                                   on a machine with apt: collects the few libraries needed into .deps/
#   scripts/gpu.sh run [--data SHARDS | --pack PACK] [--minutes N] [--stages "vae diffusion decoder distill"] [--call-minutes N]
#                      [--model DIR] [--config DIR] [--run DIR] [--output DIR] [--preset NAME]
# `run` builds, tests and measures (bench/) the first time it is called, renders a pack of objects (gsv3d data pack) into shards, and
# trains every stage for its share of --minutes. --call-minutes: the whole call ends in time, with a checkpoint; the same call again
# goes on from there. --output (default: $OUT or runs/gpu/output) gets results.tar.gz.00, .01, ... of 15 MiB: model, metrics, logs,
# previews, test and benchmark results, but no checkpoints; unpack: cat results.tar.gz.* | tar -xz
# GSV3D_GSPLAT_PYTHON: Python of an environment with gsplat (default .venv-gsplat/bin/python), to measure it too.
# GSV3D_RENDER_ARGUMENTS: options of gsv3d data render for --pack. GSV3D_TORCH names the folder of an installed torch package when Python cannot tell.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(nlohmann-json3-dev libfmt-dev libfmt9 libspdlog-dev libspdlog1.10 libcli11-dev libgtest-dev libgmock-dev googletest zlib1g-dev libzstd-dev libwebp-dev
  libwebp7 libembree-dev libembree3-3 libtbb-dev libtbb12 libtbbbind-2-5 libtbbmalloc2 libhwloc15)

prepare() {
  mkdir -p .deps/packages
  (cd .deps/packages && apt-get download "${packages[@]}")
  du -sh .deps/packages
}

# Makes .deps/prefix known to CMake, pkg-config, compiler, linker and loader.
unpack() {
  [ -d .deps/packages ] || return 0
  if [ ! -d .deps/prefix ]; then
    for package in .deps/packages/*.deb; do dpkg -x "$package" .deps/prefix.part; done
    mv .deps/prefix.part .deps/prefix
  fi
  local prefix="$PWD/.deps/prefix/usr" libraries="$PWD/.deps/prefix/usr/lib/x86_64-linux-gnu"
  export CMAKE_PREFIX_PATH="$prefix" PKG_CONFIG_PATH="$libraries/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$PWD/.deps/prefix"
  export CPATH="$prefix/include" LIBRARY_PATH="$libraries" LD_LIBRARY_PATH="$libraries:${LD_LIBRARY_PATH:-}"
  options+=(-DGSV3D_WITH_EMBREE=ON)
}

build_and_measure() {
  cmake --preset "$preset" -DGSV3D_BENCH=ON "${options[@]}" ${GSV3D_TORCH:+-DGSV3D_TORCH="$GSV3D_TORCH"} ${GSV3D_CMAKE_ARGUMENTS:-}
  cmake --build "build/$preset" --parallel "${GSV3D_JOBS:-$(nproc)}"
  mkdir -p "$results"
  [ ! -e "$results/measured" ] || return 0
  "build/$preset/bin/gsv3d" info --model "$model" >"$results/info.txt" 2>&1 || true
  ctest --test-dir "build/$preset" --output-on-failure --parallel "$(nproc)" -L golden >"$results/tests.log" 2>&1 || true
  tail -n 3 "$results/tests.log"
  ctest --test-dir "build/$preset" --output-on-failure -R 'Rasterizer|Cuda' >"$results/rasterizer_tests.log" 2>&1 || true
  tail -n 3 "$results/rasterizer_tests.log"
  local check
  for check in memcheck racecheck; do
    command -v compute-sanitizer >/dev/null || break
    compute-sanitizer --tool "$check" --error-exitcode 1 "build/$preset/bin/test_splat" --gtest_filter='RasterizerCuda.*' \
      >"$results/sanitizer_$check.log" 2>&1 || echo "gpu.sh: compute-sanitizer's $check failed"
  done
  local bench
  for bench in build/"$preset"/bin/bench_*; do
    timeout 120 "$bench" >"$results/$(basename "$bench").txt" 2>&1 || echo "gpu.sh: $(basename "$bench") failed or took too long"
  done
  # gsplat beside it, where an environment of its own has it (bench/peers/gsplat_rasterizer.py says how).
  local peer=${GSV3D_GSPLAT_PYTHON:-.venv-gsplat/bin/python}
  if [ -x "$peer" ]; then
    timeout 300 "$peer" bench/peers/gsplat_rasterizer.py --bench "build/$preset/bin/bench_rasterizer" >"$results/gsplat_rasterizer.txt" 2>&1 ||
      echo "gpu.sh: the comparison with gsplat failed or took too long"
  fi
  touch "$results/measured"
}

# One stage, up to the end of this call. Its exit code is 130 when it has to go on in another call.
train_stage() {
  local limit=()
  if [ -n "$call_minutes" ]; then
    local left=$(awk "BEGIN { print int($call_minutes * 60 - $SECONDS - 20) }")  # 20 s to write and pack
    ((left > 5)) || return 130
    limit=(timeout --preserve-status -s TERM "$left")
  fi
  "${limit[@]}" "build/$preset/bin/gsv3d" train "$1" --model "$model" --data "$data" --run "$run_folder/$1" \
    --config "$config/train_$1.json" --minutes "$2" 2>&1 | tee -a "$results/train_$1.log"
}

collect() {
  mkdir -p "$output"
  rm -f "$output"/results.tar.gz.*
  local stage
  for stage in $stages; do
    [ -d "$run_folder/$stage" ] || continue
    mkdir -p "$results/$stage"
    cp -r "$run_folder/$stage/metrics.csv" "$run_folder/$stage/settings.json" "$run_folder/$stage"/previews "$results/$stage/" 2>/dev/null || true
  done
  rm -rf "$results/model"
  [ ! -e "$model/config.json" ] || cp -r "$model" "$results/model"
  tar -cz -C "$(dirname "$results")" "$(basename "$results")" | split -b 15M -d - "$output/results.tar.gz."
  ls -l "$output"
}

run() {
  data="" pack="" minutes=10 stages="vae diffusion decoder distill" call_minutes="" model="" run_folder=runs/gpu
  output=${OUT:-runs/gpu/output} config=configs/tiny preset=cuda options=()
  while (($#)); do
    case "$1" in
      --data) data=$2 ;; --pack) pack=$2 ;; --minutes) minutes=$2 ;; --stages) stages=$2 ;; --call-minutes) call_minutes=$2 ;;
      --model) model=$2 ;; --run) run_folder=$2 ;; --output) output=$2 ;; --config) config=$2 ;; --preset) preset=$2 ;;
      *) echo "gpu.sh: unknown option $1" >&2; exit 2 ;;
    esac
    shift 2
  done
  [ -n "$data$pack" ] || { echo "gpu.sh: --data or --pack is needed" >&2; exit 2; }
  results="$run_folder/results" model=${model:-$run_folder/model}
  unpack
  build_and_measure
  trap collect EXIT  # also when a stage fails: what there is comes back
  if [ -n "$pack" ]; then
    data=$run_folder/shards
    if [ ! -e "$data/objects.csv" ]; then
      rm -rf "$data"
      # shellcheck disable=SC2086
      "build/$preset/bin/gsv3d" data render "$pack" -o "$data" \
        ${GSV3D_RENDER_ARGUMENTS:---size 64 --orbit-views 21 --elevations 10,random --random-views 8 --samples 3 --seed 1}
    fi
  fi
  mkdir -p "$model"
  [ -e "$model/config.json" ] || cp "$config/config.json" "$model/config.json"
  local share code stage
  share=$(awk "BEGIN { print $minutes / $(wc -w <<<"$stages") }")
  for stage in $stages; do
    [ ! -e "$run_folder/$stage/finished" ] || continue
    code=0
    train_stage "$stage" "$share" || code=$?
    if ((code == 130)); then echo "gpu.sh: $stage is not finished; the same call again goes on"; exit 130; fi
    ((code == 0)) || exit "$code"
    touch "$run_folder/$stage/finished"
  done
}

case "${1:-}" in
  prepare) prepare ;;
  run) shift; run "$@" ;;
  *) sed -n '2,11p' "$0"; exit 2 ;;
esac
