#!/usr/bin/env bash
# Formatting and static analysis of our own code (clang-format and clang-tidy 14, Debian 12's).
#   scripts/lint.sh [--fix] [--since COMMIT | FILE...]
# --fix rewrites the formatting; without it a difference is an error. --since: only what differs from that commit. Otherwise all
# tracked files. GSV3D_JOBS: how many analyses run side by side (default: one per core).
set -euo pipefail
cd "$(dirname "$0")/.."
mode=(--dry-run --Werror)
[ "${1:-}" = --fix ] && { mode=(-i); shift; }
patterns=('src/*.cpp' 'src/*.h' 'apps/*.cpp' 'apps/*.h' 'include/*.h' 'tests/*.cpp' 'tests/*.h' 'bench/*.cpp')
if [ "${1:-}" = --since ]; then
  mapfile -t files < <(git diff --name-only --diff-filter=d "${2:?--since needs a commit}" -- "${patterns[@]}")
elif (($#)); then
  files=("$@")
else
  mapfile -t files < <(git ls-files "${patterns[@]}")
fi
((${#files[@]})) || { echo "lint: nothing to check"; exit 0; }
clang-format "${mode[@]}" "${files[@]}"

# LibTorch's headers take half a minute per file, so all files of a room are analysed as one (CMake's unity build), in a build
# folder without the precompiled header, which belongs to GCC.
cmake --preset release -B build/lint -DGSV3D_PCH=OFF -DGSV3D_TESTS=ON -DGSV3D_BENCH=ON -DCMAKE_UNITY_BUILD=ON \
  -DCMAKE_UNITY_BUILD_BATCH_SIZE=0 >/dev/null
wanted=$(printf '/%s"\n' "${files[@]}")
units=()
while read -r unit; do
  if [[ $unit == */Unity/* ]]; then grep -qF "$wanted" "$unit" && units+=("$unit"); continue; fi
  [[ "$wanted" == *"${unit#"$PWD"}\""* ]] && units+=("$unit")
done < <(sed -n 's/^ *"file": "\(.*\)",\?$/\1/p' build/lint/compile_commands.json)
((${#units[@]})) || exit 0
# The recorded commands are GCC's: flags that clang does not know are passed over, and omp.h is GCC's own, with an attribute that
# clang writes otherwise.
extra=()
for argument in -Wno-unknown-warning-option -Wno-ignored-optimization-argument -Wno-unused-command-line-argument \
  '-D__malloc__(...)=__malloc__' -idirafter "$(gcc -print-file-name=include)"; do extra+=(--extra-arg="$argument"); done
printf '%s\n' "${units[@]}" | xargs -P "${GSV3D_JOBS:-$(nproc)}" -n 1 clang-tidy -p build/lint --quiet "${extra[@]}"
