#!/bin/bash
# Golden tests run another set of the same form: other sizes, names and constants (other_goldens.py), each at least one of it.
# Usage: other_goldens_test.sh BIN_FOLDER. Needs a Python that has torch; GSV3D_PYTHON names it.
set -eu
source=$(cd "$(dirname "$0")" && pwd)
python=${GSV3D_PYTHON:-$source/../.venv/bin/python}
"$python" -c "import torch" 2>/dev/null || { echo "skipped: $python has no torch"; exit 77; }
set_folder=$(mktemp -d)
trap 'rm -rf "$set_folder"' EXIT
"$python" "$source/other_goldens.py" "$source/goldens" "$set_folder"

expect() { # PROGRAM FILTER COUNT: so many tests pass and none is skipped
  local output
  output=$(GSV3D_GOLDENS=$set_folder "$1" --gtest_filter="$2" 2>&1) || { echo "$output"; exit 1; }
  grep -q "PASSED  \] $3 test" <<<"$output" || { echo "$output"; echo "expected $3 tests of $2 to pass"; exit 1; }
  if grep -q "SKIPPED" <<<"$output"; then echo "$output"; exit 1; fi
  echo "$2: $3"
}
expect "$1/test_mesh" "MarchingCubesGolden.*:TsdfGolden.*" 4
expect "$1/test_evaluation" "MetricsGolden.*" 2
expect "$1/test_decoder" "*Dinov2Golden.*other*_official" 1
expect "$1/test_diffusion" "ConditioningGolden.*" 1
expect "$1/test_rasterizer" "*RasterizerGolden.*another*:*ProjectionGolden.*another*" 6
expect "$1/test_image" "*FramingGolden.*9" 1
