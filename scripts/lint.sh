#!/usr/bin/env bash
# Formatting and static analysis of our own code: scripts/lint.sh [--fix] [file...]   (clang-format and clang-tidy 14, Debian 12's)
# Without files: everything that is tracked. --fix rewrites the formatting; without it a difference is an error.
set -euo pipefail
cd "$(dirname "$0")/.."
mode=(--dry-run --Werror)
[ "${1:-}" = --fix ] && { mode=(-i); shift; }
if (($#)); then files=("$@"); else mapfile -t files < <(git ls-files 'src/*.cpp' 'src/*.h' 'apps/*.cpp' 'apps/*.h' 'tests/*.cpp' 'tests/*.h' 'bench/*.cpp'); fi
clang-format "${mode[@]}" "${files[@]}"

# The precompiled header belongs to GCC, so analysis has a build folder of its own without it.
cmake --preset release -B build/lint -DGSV3D_PCH=OFF >/dev/null
sources=()
for file in "${files[@]}"; do [[ $file == *.cpp ]] && sources+=("$file"); done
# Flags that only GCC knows are in the recorded commands.
printf '%s\n' "${sources[@]}" | xargs -P "$(nproc)" -n 1 clang-tidy -p build/lint --quiet --extra-arg=-Wno-unknown-warning-option \
  --extra-arg=-Wno-ignored-optimization-argument --extra-arg=-Wno-unused-command-line-argument
