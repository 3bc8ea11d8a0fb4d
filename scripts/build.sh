#!/usr/bin/env bash
# Configures and builds one preset: scripts/build.sh [preset] [target...]     (default: release, everything)
set -euo pipefail
cd "$(dirname "$0")/.."
preset=${1:-release}
shift || true
cmake --preset "$preset" ${GSV3D_CMAKE_ARGUMENTS:-} >/dev/null
cmake --build "build/$preset" --parallel "${GSV3D_JOBS:-$(nproc)}" ${@:+--target "$@"}
