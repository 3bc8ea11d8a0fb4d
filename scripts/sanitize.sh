#!/usr/bin/env bash
# What the compiler can find in the whole program:
#   scripts/sanitize.sh address [CTEST ARGUMENTS]   all tests, those that run the program included, under address and undefined-behaviour
#                                                   sanitizers: every finding fails its test (build/asan, a quarter of an hour to build)
#   scripts/sanitize.sh odr                         one name, two definitions: links everything with -flto -Wodr (build/odr)
set -euo pipefail
cd "$(dirname "$0")/.."
jobs=${GSV3D_JOBS:-$(nproc)}

address() {
  cmake --preset asan -DGSV3D_TESTS=ON -DGSV3D_WITH_CUDA=OFF -DCMAKE_CXX_FLAGS_RELWITHDEBINFO="-O1 -g1 -DNDEBUG" >/dev/null
  cmake --build build/asan --parallel "$jobs"
  # LibTorch is not instrumented: what it keeps until the end looks lost, and containers that cross over look overflowed.
  export ASAN_OPTIONS=detect_leaks=0:detect_container_overflow=0:alloc_dealloc_mismatch=0:detect_odr_violation=2
  export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 OMP_WAIT_POLICY=passive
  export PATH=$PATH:$PWD/.venv/bin
  ctest --test-dir build/asan --output-on-failure --parallel "$jobs" --timeout 1800 "$@"
}

# Optimisation adds nothing: types and functions are compared where the program is put together.
odr() {
  cmake --preset debug -B build/odr -DGSV3D_TESTS=ON -DGSV3D_WITH_CUDA=OFF -DCMAKE_CXX_FLAGS_DEBUG="-O0 -flto -Wodr -Werror=odr" \
    -DCMAKE_CXX_COMPILER_AR="$(command -v gcc-ar)" -DCMAKE_CXX_COMPILER_RANLIB="$(command -v gcc-ranlib)" -DCMAKE_AR="$(command -v gcc-ar)" \
    -DCMAKE_RANLIB="$(command -v gcc-ranlib)" >/dev/null
  cmake --build build/odr --parallel "$jobs"
  echo "sanitize: no name has two definitions"
}

case ${1:-} in
  address) shift && address "$@" ;;
  odr) odr ;;
  *) sed -n '2,5p' "$0"; exit 2 ;;
esac
