#!/usr/bin/env bash
# Training on a GPU machine that is there for minutes: built here, run there, in two calls that end in time. docs/gpu.md says how.
#   here:   scripts/gpu.sh build      the CUDA program (preset cuda), against the LibTorch of GSV3D_TORCH
#           scripts/gpu.sh pack       programs, libraries, reference numbers, configurations and object packs into .gpu/; checks sizes
#           scripts/gpu.sh stash      tracked files that the calls do not need become empty, so that little travels
#           scripts/gpu.sh unstash    and come back
#           scripts/gpu.sh rehearse   both calls on this machine's CPU with tiny numbers; prints times and sizes
#   there:  scripts/gpu.sh check      tests, benchmarks, some steps of every stage; then trains the autoencoder
#           scripts/gpu.sh train      all stages; what is ready is in $OUT after each of them
# Nothing is installed, built or fetched there: it needs only the driver and a Python package of the LibTorch version.
# Environment: GSV3D_GPU_SECONDS how long the call may take (check: 150, train: 540), GSV3D_GPU_PACKS folder of packs (data/packs),
# GSV3D_GPU_BUILD build folder, GSV3D_GPU_CONFIG configuration (configs/small), GSV3D_GPU_TORCH LibTorch's folder there.
set -uo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root" || exit 1
begin=$SECONDS

build=${GSV3D_GPU_BUILD:-build/cuda}
config=${GSV3D_GPU_CONFIG:-configs/small}
payload=$root/.gpu
work=${GSV3D_GPU_WORK:-$root/runs/gpu}
rehearsal=${GSV3D_GPU_REHEARSAL:-}
threads=${rehearsal:+1}  # of a training; empty: all
travel_limit=$((64 * 1024 * 1024 - 512 * 1024))

say() { printf '[%3d s] %s\n' $((SECONDS - begin)) "$*"; }
die() { say "gpu.sh: $*" >&2; exit 1; }
seconds_left() { echo $((deadline - SECONDS)); }
megabytes() { awk "BEGIN { printf \"%.1f MiB\", $1 / 1048576 }"; }

# ---------------------------------------------------------------------------------------------------------------------- here

targets=(gsv3d test_rasterizer bench_rasterizer bench_unet)

do_build() {
  local torch=${GSV3D_TORCH:-$root/.deps/torch-cuda/torch}
  [ -e "$build/build.ninja" ] ||
    cmake --preset cuda -B "$build" -DGSV3D_TORCH="$torch" -DCMAKE_CUDA_ARCHITECTURES="${GSV3D_GPU_ARCHITECTURES:-90-real}" \
      -DGSV3D_WITH_EMBREE=ON -DGSV3D_BENCH=ON -DCMAKE_EXE_LINKER_FLAGS=-Wl,--allow-shlib-undefined || return 1
  nice cmake --build "$build" -j "${GSV3D_JOBS:-2}" --target "${targets[@]}" || return 1
}

# Shared libraries that the other machine may lack: all but LibTorch's, CUDA's and the C library's.
needed_libraries() {
  local base='^(linux-vdso|ld-linux|lib(c|m|dl|rt|util|pthread|gcc_s|stdc\+\+|gomp|torch|c10|cu|nv).*)'
  for program in "$@"; do ldd "$program" 2>/dev/null; done | awk '$3 ~ /^\// { print $1, $3 }' | sort -u |
    while read -r name path; do [[ $name =~ $base ]] || echo "$path"; done
}

# needed_libraries' rule lets some through that are not LibTorch's: libcurl would match "c".
check_libraries() {
  local missing
  missing=$(for program in "$1"/bin/*; do LD_LIBRARY_PATH="$1/lib:$2/lib" ldd "$program"; done 2>/dev/null |
    awk '/not found/ && $1 !~ /^lib(cu|nv|nccl|torch_nvshmem)/ { print $1 }' | sort -u)
  [ -z "$missing" ] || die "libraries that nobody has: $missing"
  # Debian 12's; the machine's are the same or newer.
  for file in "$1"/bin/* "$1"/lib/*; do objdump -T "$file" 2>/dev/null; done | grep -o 'GLIBC_2\.[0-9]*\|GLIBCXX_3\.4\.[0-9]*' |
    sort -Vu | awk -F_ '{ last[$1] = $0 } END { for (k in last) print "needs " last[k] }'
}

do_pack() {
  local staging=$payload.part program
  rm -rf "$staging" "$payload.files"
  mkdir -p "$staging/packs" "$payload.files/bin" "$payload.files/lib" "$payload.files/tests/goldens"
  for program in "${targets[@]}"; do
    [ -x "$build/bin/$program" ] || { [ "$program" != gsv3d ] && continue; die "$build/bin/gsv3d: build it first"; }
    cp "$build/bin/$program" "$payload.files/bin/$program" || die "copying failed"
    strip "$payload.files/bin/$program" 2>/dev/null
  done
  if [ -z "$rehearsal" ]; then
    while read -r library; do cp -L "$library" "$payload.files/lib/"; done < <(needed_libraries "$payload.files"/bin/*)
    check_libraries "$payload.files" "$(sed -n 's/^GSV3D_TORCH:[A-Z]*=//p' "$build/CMakeCache.txt")"
  fi
  cp -r tests/goldens/gaussians "$payload.files/tests/goldens/"
  [ -s tests/goldens/gaussians/random.safetensors ] || die "tests/goldens is stashed: unstash first"
  cp -r "$config" "$payload.files/config"
  local source
  source=$(sed -n 's/^CMAKE_HOME_DIRECTORY:[A-Z]*=//p' "$build/CMakeCache.txt")
  echo "$source" >"$payload.files/source"
  git rev-parse HEAD >"$payload.files/commit" 2>/dev/null
  tar -C "$payload.files" -c . | xz -T2 -3 >"$staging/payload.tar.xz" || die "packing failed"
  cp "${GSV3D_GPU_PACKS:-data/packs}"/{furniture,cc0}_train.pack "$staging/packs/" || die "no packs"
  cp configs/objects/split.csv "$staging/packs/furniture_train.csv"
  cp "${GSV3D_GPU_PACKS:-data/packs}/cc0_train.csv" "$staging/packs/cc0_train.csv"
  rm -rf "$payload" "$payload.files"
  mv "$staging" "$payload"
  check_sizes
}

# What travels: tracked files, files that git does not ignore, and .gpu/.
check_sizes() {
  local tree gpu
  tree=$(git ls-files -co --exclude-standard -z | xargs -0 stat -c %s 2>/dev/null | awk '{ n += $1 } END { print n + 0 }')
  gpu=$(du -sb "$payload" | cut -f1)
  echo "tree $(megabytes "$tree"), .gpu $(megabytes "$gpu"), together $(megabytes $((tree + gpu)))"
  (cd "$payload" && find . -type f -printf '%s %P\n' | sort -rn | awk '{ printf "  %8.2f MiB  %s\n", $1 / 1048576, $2 }')
  [ -n "$rehearsal" ] || git check-ignore -q "$payload/x" || { echo "gpu.sh: .gpu is not ignored by git"; return 1; }
  if ((tree + gpu > travel_limit)); then echo "gpu.sh: too large; scripts/gpu.sh stash makes room"; return 1; fi
}

stash_folder() { echo "$(git rev-parse --git-common-dir)/gpu-stash/$(basename "$root")"; }

# Every file is moved before its empty stand-in is made: whenever this is interrupted, unstash has all of them.
do_stash() {
  local folder file
  folder=$(stash_folder)
  git ls-files -z | xargs -0 stat -c '%s %n' 2>/dev/null | awk '$1 > 200000 { sub(/^[0-9]+ /, ""); print }' |
    grep -vE '^(scripts|configs/small|web/dist)/' | while IFS= read -r file; do
    [ -L "$file" ] && continue
    [ ! -e "$folder/$file" ] || die "$folder/$file is there already: unstash first"
    mkdir -p "$folder/$(dirname "$file")"
    mv "$file" "$folder/$file" && : >"$file"
  done
  check_sizes
}

do_unstash() {
  local folder file
  folder=$(stash_folder)
  [ -d "$folder" ] || { echo "nothing is stashed"; return 0; }
  while IFS= read -r file; do
    if [ -s "$file" ]; then echo "gpu.sh: $file was written meanwhile; the stashed one stays in $folder" >&2; continue; fi
    mkdir -p "$(dirname "$file")" && mv -f "$folder/$file" "$file"
  done < <(cd "$folder" && find . -type f -printf '%P\n')
  find "$folder" -depth -type d -empty -delete
}

# --------------------------------------------------------------------------------------------------------------------- there

# Once per machine: the programs, and where they find LibTorch, CUDA and their reference numbers.
unpack() {
  if [ ! -e "$work/commit" ]; then
    mkdir -p "$work"
    tar -C "$work" -xJf "$payload/payload.tar.xz" 2>/dev/null || python3 -c '
import sys, tarfile
tarfile.open(sys.argv[1]).extractall(sys.argv[2])' "$payload/payload.tar.xz" "$work" || die "the payload cannot be unpacked"
  fi
  local torch=${GSV3D_GPU_TORCH:-} source
  [ -n "$torch" ] || torch=$(python3 -c 'import importlib.util as u; print(u.find_spec("torch").submodule_search_locations[0])')
  LD_LIBRARY_PATH="$work/lib:$torch/lib:$(printf '%s:' "$torch"/../nvidia/*/lib)${LD_LIBRARY_PATH:-}"
  export LD_LIBRARY_PATH
  export PATH="$work/bin:$PATH" NO_COLOR=1
  source=$(cat "$work/source")
  [ -e "$source/tests/goldens" ] || { mkdir -p "$source" && ln -sfn "$work/tests" "$source/tests"; } || true
  mkdir -p "$work"/{model,logs,shards,configs}
  [ ! -d "$payload/start" ] || cp -n "$payload"/start/* "$work/model/"  # weights, and the config.json that belongs to them
  [ -e "$work/model/config.json" ] || cp "$work/config/config.json" "$work/model/config.json"
  timeout 60 gsv3d --version || die "the program does not start"
  cores=$(getconf _NPROCESSORS_ONLN)  # nproc would obey OMP_NUM_THREADS
  unset OMP_NUM_THREADS
  [ -n "$rehearsal" ] || threads=4  # a GPU does the work, and renderings need the cores
}

# A copy of a stage's configuration with some keys replaced. configure STAGE NAME KEY=VALUE... → its path
configure() {
  local path=$work/configs/$2.json
  python3 - "$work/config/train_$1.json" "$path" "${@:3}" ${rehearsal:+batch=2 log_steps=2 supervision_views=2 preview_steps=2} <<'PYTHON'
import json, sys
source, target, *changes = sys.argv[1:]
settings = json.load(open(source))
for change in changes:
    key, value = change.split("=", 1)
    if key in settings or key in ("log_steps", "initial_weights", "checkpoint_minutes", "preview_minutes", "warmup_steps"):
        settings[key] = value if value in ("random", "model_folder") else json.loads(value)
json.dump(settings, open(target, "w"), indent=1)
PYTHON
  echo "$path"
}

# begin_with PART: with the model folder's weights where there are some (they are not replaced by others).
begin_with() { if [ -e "$work/model/$1.safetensors" ]; then echo initial_weights=model_folder; else echo initial_weights=random; fi; }

# The folders of shards with their shares of the draws: shapes matter to autoencoder and decoder, meaning to the others.
data_arguments() {
  local shares kind text=--follow
  case "$1" in
    vae | decoder) shares=(0.30 0.25 0.30 0.15) ;;
    *) shares=(0.45 0.35 0.13 0.07) ;;
  esac
  for kind in "${!kinds[@]}"; do text+=" --data $work/shards/${kinds[$kind]}:${shares[$kind]}"; done
  echo "$text"
}
kinds=(furniture cc0 procedural procedural_more)

# train_stage NAME STAGE SECONDS CONFIG MODEL [option...]: ends by itself; is ended 4 s later; is killed 8 s after that.
train_stage() {
  local name=$1 stage=$2 seconds=$3 settings=$4 model=$5 code=0 left
  shift 5
  left=$(seconds_left)
  ((seconds > left - 2)) && seconds=$((left - 2))
  if ((seconds < 5)); then say "$name: no time left"; return 1; fi
  [ "${GSV3D_RASTERIZER:-}" != cpu ] || threads=$(((cores * 3 + 3) / 4))
  say "$name: $stage for $seconds s"
  # shellcheck disable=SC2046
  timeout --preserve-status -k "${rehearsal:+3}8" $((seconds + 4)) gsv3d train "$stage" --model "$model" $(data_arguments "$stage") --run "$work/runs/$name" \
    --config "$settings" --seconds "$seconds" ${threads:+--threads "$threads"} "$@" >"$work/logs/$name.log" 2>&1 || code=$?
  if ((code == 130 || code == 143)); then  # ended from outside: the weights were written, but the model does not have them yet
    find "$work/runs/$name/model" -maxdepth 1 -type f -exec cp {} "$model/" \; && code=0
  fi
  say "$name: exit code $code; $(grep -v '^weights\|^run:' "$work/logs/$name.log" | tail -n 1)"
  ((code == 0)) || tail -n 12 "$work/logs/$name.log"
  return "$code"
}

# Everything that the trainings see, rendered side by side. Runs in a session of its own, so that it outlives the first call; a kind
# is complete when its folder holds objects.csv.
start_rendering() {
  [ ! -e "$work/rendering" ] || return 0
  touch "$work/rendering"
  setsid nice -n 10 bash "$root/scripts/gpu.sh" render_all >"$work/logs/rendering.log" 2>&1 </dev/null &
  echo $! >"$work/render.pid"
}

render_all() {
  local packs=$payload/packs spare
  spare=$(($(getconf _NPROCESSORS_ONLN) - 4))
  local few=$((spare > 9 ? spare / 3 : 1))
  render furniture "$few" "$packs/furniture_train.pack" "$packs/furniture_train.csv" &
  {
    render cc0 "$few" "$packs/cc0_train.pack" "$packs/cc0_train.csv"
    render procedural_more $((2 * few)) procedural:1500:2
  } &
  render procedural "$few" procedural:1200:1 &
  wait
  echo "all rendered after $((SECONDS - begin)) s"
}

# render KIND THREADS SOURCE [SPLIT_FILE]
render() {
  local kind=$1 threads=$2 source=$3 size few=(--orbit-views 21 --elevations "10,random" --random-views 8 --samples 2)
  [[ $kind != procedural* ]] || few[3]=random  # there are as many objects as one likes
  size=$(sed -n '/"image_size"/ { s/[^0-9]//g; p; q }' "$work/config/config.json")
  if [ -n "$rehearsal" ]; then few=(--orbit-views 7 --elevations 10 --random-views 2 --samples 1 --limit 40); fi
  # shellcheck disable=SC2086
  gsv3d data render "$source" -o "$work/shards/$kind" ${4:+--split-file "$4"} --split train --size "$size" "${few[@]}" --shuffle \
    --samples-per-shard "$([ -n "$rehearsal" ] && echo 8 || echo 32)" --seed 1 --threads "$threads" ${GSV3D_GPU_RENDER:---light-jitter 0.5 --smallest-scale 0.92} \
    >"$work/logs/render_$kind.log" 2>&1
  echo "$kind: exit code $? after $((SECONDS - begin)) s; $(tail -n 1 "$work/logs/render_$kind.log")"
}

# Until so many shards are there, at most so many seconds.
wait_for_shards() {
  local until=$((SECONDS + $2))
  while ((SECONDS < until)) && (($(find "$work/shards" -name '*.tar' | wc -l) < $1)); do sleep 0.3; done
  say "shards: $(for kind in "${kinds[@]}"; do printf '%s %s  ' "$kind" "$(find "$work/shards/$kind" -name '*.tar' 2>/dev/null | wc -l)"; done)"
}

start_gpu_log() {
  command -v nvidia-smi >/dev/null || return 0
  nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.sm,clocks.max.sm,power.limit --format=csv
  nvidia-smi --query-gpu=utilization.gpu,utilization.memory,memory.used,power.draw --format=csv,noheader,nounits -lms 250 \
    >>"$work/logs/gpu.csv" 2>/dev/null &
  gpu_log=$!
}
gpu_lines() { wc -l 2>/dev/null <"$work/logs/gpu.csv" || echo 0; }
# gpu_summary FIRST_LINE → mean utilisation and peak memory since then
gpu_summary() {
  [ -s "$work/logs/gpu.csv" ] || { echo "no GPU"; return; }
  tail -n +$(($1 + 1)) "$work/logs/gpu.csv" | awk -F', *' '{ busy += $1; power += $4; if ($3 > most) most = $3; n++ }
    END { if (n) printf "GPU busy %.0f %%, %.0f W, peak %.0f MiB\n", busy / n, power / n, most }'
}

# The rasterizer's tests decide which rasterizer the training uses.
check_rasterizer() {
  export GSV3D_RASTERIZER=auto
  if [ -n "$rehearsal" ]; then return; fi
  if timeout 60 test_rasterizer --gtest_filter='RasterizerCuda.*' >"$work/logs/test_rasterizer_cuda.log" 2>&1 &&
    ! grep -q 'SKIPPED' "$work/logs/test_rasterizer_cuda.log"; then
    say "CUDA rasterizer agrees with the CPU: $(grep -c ' OK ' "$work/logs/test_rasterizer_cuda.log") tests"
  else
    say "CUDA RASTERIZER FAILED ITS TESTS: training will render on the CPU"
    tail -n 30 "$work/logs/test_rasterizer_cuda.log"
    GSV3D_RASTERIZER=cpu
  fi
  echo "$GSV3D_RASTERIZER" >"$work/rasterizer"
}

run_sanitizer() {
  local tool
  tool=$(command -v compute-sanitizer || ls /usr/local/cuda/bin/compute-sanitizer 2>/dev/null)
  [ -n "$tool" ] && [ -z "$rehearsal" ] || return 0
  if timeout 45 "$tool" --tool memcheck --error-exitcode 9 "$work/bin/test_rasterizer" --gtest_filter='RasterizerCuda.SameBitsEveryTime' \
    >"$work/logs/sanitizer.log" 2>&1; then say "compute-sanitizer memcheck: $(tail -n 1 "$work/logs/sanitizer.log")"
  else say "compute-sanitizer memcheck: exit code $?: $(tail -n 2 "$work/logs/sanitizer.log")"; fi
}

run_benchmarks() {
  [ -z "$rehearsal" ] || return 0
  timeout 30 bench_unet gpu >"$work/logs/bench_unet.txt" 2>&1 || say "bench_unet failed or took too long"
  cat "$work/logs/bench_unet.txt"
  timeout 25 bench_rasterizer 5 'GPU: 435k Gaussians of 1 px, 8' >"$work/logs/bench_rasterizer.txt" 2>&1 || say "bench_rasterizer failed or took too long"
  tail -n 25 "$work/logs/bench_rasterizer.txt"
}

# A few steps of every stage at its real batch, each from what the one before wrote.
probe_stages() {
  local stage settings first seconds=${GSV3D_GPU_PROBE_SECONDS:-11}
  rm -rf "$work/probe"
  mkdir -p "$work/probe"
  cp "$work/config/config.json" "$work/probe/config.json"
  for stage in vae diffusion decoder distill; do
    settings=$(configure "$stage" "probe_$stage" log_steps=1 warmup_steps=2)
    first=$(gpu_lines)
    rm -rf "$work/runs/probe_$stage"
    train_stage "probe_$stage" "$stage" "$seconds" "$settings" "$work/probe" --no-resume || true
    step_time "$work/runs/probe_$stage/metrics.csv" "$stage"
    gpu_summary "$first"
  done
}

# Median time between steps in the second half of a metrics file.
step_time() {
  python3 - "$@" <<'PYTHON'
import csv, statistics, sys
try:
    rows = [(float(r["step"]), float(r["seconds"])) for r in csv.DictReader(open(sys.argv[1]))]
    times = [1e3 * (b[1] - a[1]) / max(1, b[0] - a[0]) for a, b in zip(rows, rows[1:])]
    print(f"  {sys.argv[2]}: {rows[-1][0]:.0f} steps, first at {rows[0][1]:.1f} s, then {statistics.median(times[len(times) // 2:]):.1f} ms/step")
except Exception as error:
    print(f"  {sys.argv[2]}: no step times ({error})")
PYTHON
}

# What there is goes to $OUT: at most 6 pieces of 15 MiB of model, metrics, previews and logs.
collect() {
  local part=$work/collect
  rm -rf "$part" && mkdir -p "$part/results"
  cp -r "$work/model" "$work/logs" "$work/commit" "$part/results/" 2>/dev/null
  rm -rf "$part"/results/model/previous-*
  [ ! -e "$work/rasterizer" ] || cp "$work/rasterizer" "$part/results/"
  local run
  for run in "$work"/runs/*/; do
    mkdir -p "$part/results/runs/$(basename "$run")"
    cp -r "$run"/{metrics.csv,settings.json,previews} "$part/results/runs/$(basename "$run")/" 2>/dev/null
  done
  (cd "$part" && tar -cz results | split -b 15M -d - results.tar.gz.) || { say "collecting failed"; return 1; }
  rm -f "$OUT"/results.tar.gz.*
  mv "$part"/results.tar.gz.* "$OUT/"
  say "in \$OUT: $(du -sh "$OUT" | cut -f1) in $(find "$OUT" -type f | wc -l) files, model: $(cd "$work/model" && du -sh | cut -f1)"
}

begin_call() {
  OUT=${OUT:-$root/runs/gpu-output}
  mkdir -p "$OUT" "$work/logs"
  exec > >(tee -a "$OUT/log") 2>&1
  deadline=$((SECONDS + ${GSV3D_GPU_SECONDS:-$1} - $2))  # $2 s for the last collecting
  trap finish EXIT
  trap 'exit 143' TERM INT
}
finish() {
  trap - EXIT TERM INT
  [ -z "${gpu_log:-}" ] || kill "$gpu_log" 2>/dev/null
  collect
  say "end of the call"
  sleep 0.3  # for the log
}

do_check() {
  begin_call 150 6
  unpack
  start_rendering
  start_gpu_log
  check_rasterizer
  run_benchmarks
  wait_for_shards 2 "${rehearsal:+1}30"
  probe_stages
  run_sanitizer &
  train_stage vae_1 vae "$(seconds_left)" "$(configure vae vae_1 "$(begin_with vae)" checkpoint_minutes=0.4)" "$work/model" --no-resume
  step_time "$work/runs/vae_1/metrics.csv" vae
}

# until SHARE: seconds from now to that share of the call
until_share() { awk "BEGIN { print int($1 * $total - ($SECONDS - $begin)) }"; }

do_train() {
  begin_call 540 14
  total=$((deadline - begin))
  unpack
  start_rendering
  start_gpu_log
  [ ! -e "$work/rasterizer" ] || GSV3D_RASTERIZER=$(cat "$work/rasterizer")
  export GSV3D_RASTERIZER=${GSV3D_RASTERIZER:-auto}
  wait_for_shards 3 30
  local first
  first=$(gpu_lines)

  local vae_share=${GSV3D_GPU_VAE_SHARE:-0.15}
  [ ! -e "$work/model/vae.safetensors" ] || vae_share=${GSV3D_GPU_VAE_SHARE:-0.10}
  train_stage vae_2 vae "$(until_share "$vae_share")" "$(configure vae vae_2 "$(begin_with vae)" checkpoint_minutes=0.4)" \
    "$work/model" --no-resume
  step_time "$work/runs/vae_2/metrics.csv" vae
  gpu_summary "$first"
  collect

  # Diffusion and decoder do not need each other.
  first=$(gpu_lines)
  local pair diffusion decoder
  pair=$(until_share "${GSV3D_GPU_PAIR_SHARE:-0.68}")
  train_stage diffusion diffusion "$pair" "$(configure diffusion diffusion "$(begin_with unet)" checkpoint_minutes=1.5)" "$work/model" &
  diffusion=$!
  train_stage decoder decoder "$pair" "$(configure decoder decoder "$(begin_with gaussian_decoder)" checkpoint_minutes=1.5)" "$work/model" &
  decoder=$!
  wait "$diffusion"
  wait "$decoder"
  step_time "$work/runs/diffusion/metrics.csv" diffusion
  step_time "$work/runs/decoder/metrics.csv" decoder
  gpu_summary "$first"
  collect

  first=$(gpu_lines)
  if [ -e "$work/config/train_decoder_generated.json" ]; then
    train_stage decoder_generated decoder "$(until_share "${GSV3D_GPU_GENERATED_SHARE:-0.84}")" \
      "$(configure decoder_generated decoder_generated initial_weights=model_folder checkpoint_minutes=0.5)" "$work/model"
    step_time "$work/runs/decoder_generated/metrics.csv" decoder_generated
  fi
  train_stage distill distill "$(until_share 1)" "$(configure distill distill "$(begin_with distilled_lora)" checkpoint_minutes=0.5)" "$work/model"
  step_time "$work/runs/distill/metrics.csv" distill
  gpu_summary "$first"
}

# ----------------------------------------------------------------------------------------------------------------- rehearsal

do_rehearse() {
  local stage folder=${GSV3D_GPU_REHEARSAL_FOLDER:-/tmp/gsv3d-gpu-rehearsal}
  rm -rf "$folder"
  mkdir -p "$folder/scripts" "$folder/out_check" "$folder/out_train"
  export GSV3D_GPU_REHEARSAL=1 rehearsal=1
  payload=$folder/.gpu build=${GSV3D_GPU_BUILD:-build/release}
  do_pack | grep -v 'gpu.sh:'
  cp scripts/gpu.sh "$folder/scripts/"
  local torch code=0
  torch=$(sed -n 's/^GSV3D_TORCH:[A-Z]*=//p' "$build/CMakeCache.txt")
  [ -n "$torch" ] || torch=$(echo "$root"/.venv/lib/python3*/site-packages/torch)
  export GSV3D_GPU_TORCH=$torch GSV3D_GPU_WORK=$folder/runs/gpu GSV3D_GPU_PROBE_SECONDS=${GSV3D_GPU_PROBE_SECONDS:-15}
  for stage in check train; do
    echo "=== $stage"
    (cd "$folder" && OUT=$folder/out_$stage GSV3D_GPU_SECONDS=$([ $stage = check ] && echo "${1:-110}" || echo "${2:-160}") \
      timeout 600 bash scripts/gpu.sh $stage) || code=$?
  done
  [ ! -e "$GSV3D_GPU_WORK/render.pid" ] || kill -- -"$(cat "$GSV3D_GPU_WORK/render.pid")" 2>/dev/null
  echo "=== sizes"
  find "$folder"/out_* -type f -printf '%s %p\n' | awk '{ if ($1 > 16 * 1048576) bad = 1; n += $1; printf "%8.2f MiB  %s\n", $1 / 1048576, $2 }
    END { printf "%8.2f MiB together\n", n / 1048576; exit bad }' || code=1
  (cd "$folder/runs/gpu/model" && ls -l)
  return "$code"
}

main() {
  case "${1:-}" in
    build) do_build ;;
    pack) do_pack ;;
    sizes) check_sizes ;;
    stash) do_stash ;;
    unstash) do_unstash ;;
    rehearse) shift; do_rehearse "$@" ;;
    check) do_check ;;
    train) do_train ;;
    render_all) render_all ;;  # in the background of check and train
    *) sed -n '2,15p' "$0"; exit 2 ;;
  esac
}

main "$@"
exit  # so that an edited script does not go on in the middle
