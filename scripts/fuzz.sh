#!/usr/bin/env bash
# Feeds a reader of user files, requests or prompts with damaged ones (libFuzzer, with address and undefined-behaviour sanitizers):
#   scripts/fuzz.sh READER [SECONDS]       READER: ply compressed_ply splat spz sog gltf, multipart request, prompt (default: 600 seconds)
# Needs clang and libclang-rt-14-dev. What breaks a reader is left in build/fuzz/findings/READER; the inputs that reached new code stay in
# build/fuzz/corpus/READER and are where the next run starts.
set -euo pipefail
cd "$(dirname "$0")/.."
reader=${1:-}
seconds=${2:-600}
[[ " ply compressed_ply splat spz sog gltf multipart request prompt " == *" $reader "* && -n $reader ]] || { sed -n '2,5p' "$0"; exit 2; }

CC=clang CXX=clang++ cmake --preset release -B build/fuzz -DGSV3D_FUZZ=ON -DGSV3D_TESTS=OFF -DCMAKE_BUILD_TYPE=RelWithDebInfo \
  -DGSV3D_SANITIZE=fuzzer-no-link,address,undefined >/dev/null
# Vectors cross into LibTorch, which was built without the sanitizer.
export ASAN_OPTIONS=detect_container_overflow=0:detect_leaks=0:allocator_may_return_null=0
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export OMP_NUM_THREADS=1
seeds=build/fuzz/seeds/$reader
if [[ " multipart request prompt " == *" $reader "* ]]; then
  seeds=tests/fuzz/seeds/$reader
  cmake --build build/fuzz --parallel "${GSV3D_JOBS:-$(nproc)}" --target "fuzz_$reader"
else
  cmake --build build/fuzz --parallel "${GSV3D_JOBS:-$(nproc)}" --target "fuzz_$reader" make_corpus
  build/fuzz/bin/make_corpus build/fuzz/seeds tests/goldens/formats
fi
mkdir -p "build/fuzz/corpus/$reader" "build/fuzz/findings/$reader"
exec "build/fuzz/bin/fuzz_$reader" -max_total_time="$seconds" -rss_limit_mb=4096 -timeout=20 -max_len=65536 -print_final_stats=1 \
  -artifact_prefix="build/fuzz/findings/$reader/" "build/fuzz/corpus/$reader" "$seeds"
