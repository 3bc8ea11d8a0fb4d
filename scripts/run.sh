#!/usr/bin/env bash
# One photo in, a 3D object out: installs what is missing, builds, and runs the embedded model.
#   scripts/run.sh PHOTO... [options of gsv3d generate]      results: out/<photo's name>/
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -ge 1 ] || { sed -n '2,3p' "$0"; exit 2; }
scripts/setup.sh
scripts/build.sh release gsv3d
arguments=("$@")
[[ " $* " == *" -o "* || " $* " == *" --output "* ]] || arguments+=(-o out)
exec build/release/bin/gsv3d generate "${arguments[@]}"
