#!/usr/bin/env bash
# The Python package's tests over a build's extension. Skipped (77) where that is not built (GSV3D_PYTHON) or pytest is missing.
#   tests/python_test.sh build/release [PYTHON [PYTEST-ARGUMENT...]]
set -euo pipefail
source=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "$1" && pwd)
python=${2:-}
shift $(($# < 2 ? $# : 2))
skip() { echo "python_test.sh: skipped: $*"; exit 77; }
compgen -G "$build/python/gsv3d/_native.*.so" >/dev/null || skip "no extension in $build: configure with -DGSV3D_PYTHON=ON, build gsv3d_python"
[ -n "$python" ] || skip "no Python was found"
"$python" -c "import pytest, PIL" 2>/dev/null || skip "$python has no pytest and Pillow: pip install the test extra of pyproject.toml"
export OMP_WAIT_POLICY=passive PYTHONDONTWRITEBYTECODE=1
export GSV3D_PROGRAM=${GSV3D_PROGRAM:-$build/bin/gsv3d}
PYTHONPATH="$build/python" exec "$python" -m pytest -q -p no:cacheprovider --rootdir "$source" "$source/python/tests" "$@"
