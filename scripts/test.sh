#!/usr/bin/env bash
# Installs what is missing, builds everything with warnings as errors, and runs all tests.
#   scripts/test.sh [ctest arguments]        for example: scripts/test.sh -L golden
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
scripts/test_tools.sh --browser
export PATH=$PATH:$PWD/.venv/bin  # Node, where the machine has none
GSV3D_CMAKE_ARGUMENTS="-DGSV3D_TESTS=ON" scripts/build.sh release
# Many small programs run side by side: waiting threads must not spin.
export OMP_WAIT_POLICY=passive
ctest --test-dir build/release --output-on-failure --parallel "${GSV3D_JOBS:-$(nproc)}" --timeout 600 "$@"
