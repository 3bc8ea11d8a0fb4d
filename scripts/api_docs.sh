#!/usr/bin/env bash
# Pages of the library's public headers, build/api/html/index.html, by Doxygen (apt: doxygen). Anything that is not documented is an error.
#   scripts/api_docs.sh
set -euo pipefail
cd "$(dirname "$0")/.."
command -v doxygen >/dev/null || { echo "api_docs: doxygen is missing: apt-get install doxygen" >&2; exit 1; }
GSV3D_VERSION=$(sed -n 's/^project(gsv3d VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
export GSV3D_VERSION
mkdir -p build
doxygen docs/api/Doxyfile
echo "build/api/html/index.html: version $GSV3D_VERSION"
