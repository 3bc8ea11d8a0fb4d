#!/usr/bin/env bash
# The packages: a .deb for Debian 12 and a tarball that needs nothing but a C library, both with LibTorch inside (docs/install.md).
#   scripts/package.sh [FOLDER]     builds in FOLDER (default build/package) and writes the packages into FOLDER/packages
# Needs what building needs (scripts/setup.sh), dpkg-dev and binutils.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build/package}
for tool in dpkg-shlibdeps strip ldd; do
  command -v "$tool" >/dev/null || { echo "scripts/package.sh: $tool is missing: apt-get install dpkg-dev binutils" >&2; exit 1; }
done
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DGSV3D_PORTABLE=ON -DGSV3D_TESTS=OFF >/dev/null
cmake --build "$build" --target gsv3d gsv3d_library ${JOBS:+--parallel "$JOBS"}
(cd "$build" && for kind in DEB TGZ; do cpack -G "$kind" -B packages >packages.log 2>&1 || { cat packages.log >&2; exit 1; }; done)
rm -rf "$build/packages/_CPack_Packages"
ls -l "$build"/packages/*.deb "$build"/packages/*.tar.gz
