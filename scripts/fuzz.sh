#!/usr/bin/env bash
# Feeds a reader of user files with damaged ones, and the tokenizer with prompts of any bytes (libFuzzer, with address and undefined-behaviour sanitizers):
#   scripts/fuzz.sh READER [SECONDS]       READER: ply compressed_ply splat spz sog gltf prompt (default: 600 seconds)
# Needs clang and libclang-rt-14-dev. What breaks a reader is left in build/fuzz/findings/READER; the inputs that reached new code stay in
# build/fuzz/corpus/READER and are where the next run starts.
set -euo pipefail
cd "$(dirname "$0")/.."
reader=${1:-}
seconds=${2:-600}
[[ " ply compressed_ply splat spz sog gltf prompt " == *" $reader "* && -n $reader ]] || { sed -n '2,5p' "$0"; exit 2; }

CC=clang CXX=clang++ cmake --preset release -B build/fuzz -DGSV3D_FUZZ=ON -DGSV3D_TESTS=OFF -DCMAKE_BUILD_TYPE=RelWithDebInfo \
  -DGSV3D_SANITIZE=fuzzer-no-link,address,undefined >/dev/null
cmake --build build/fuzz --parallel "${GSV3D_JOBS:-$(nproc)}" --target "fuzz_$reader" make_corpus
# Vectors cross into LibTorch, which was built without the sanitizer.
export ASAN_OPTIONS=detect_container_overflow=0:detect_leaks=0:allocator_may_return_null=0
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export OMP_NUM_THREADS=1
mkdir -p "build/fuzz/corpus/$reader" "build/fuzz/findings/$reader"
build/fuzz/bin/make_corpus build/fuzz/seeds tests/goldens/formats
mkdir -p build/fuzz/seeds/prompt
printf "a photo of the (red:1.3) armchair, it's &amp;eacute;&#x1F600; \xe4\xb8\x80 ‑ <end_of_text>" >build/fuzz/seeds/prompt/mixed
exec "build/fuzz/bin/fuzz_$reader" -max_total_time="$seconds" -rss_limit_mb=4096 -timeout=20 -max_len=65536 -print_final_stats=1 \
  -artifact_prefix="build/fuzz/findings/$reader/" "build/fuzz/corpus/$reader" "build/fuzz/seeds/$reader"
