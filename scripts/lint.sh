#!/usr/bin/env bash
# Formatting and static analysis of our own code: C++ (clang-format and clang-tidy 14, Debian 12's), shell (shellcheck), Python (ruff) and
# TypeScript (ESLint, in web/node_modules).
#   scripts/lint.sh [--fix] [--since COMMIT | FILE...]
#   scripts/lint.sh --scripts     all of shell, Python and TypeScript, no C++; seconds. 77: none of their tools is at hand
# --fix rewrites the formatting of C++; without it a difference is an error. --since: only what differs from that commit. Otherwise all
# tracked files. GSV3D_JOBS: how many analyses run side by side (default: one per core). Tools that are not there are named and passed
# over; scripts/test_tools.sh installs shellcheck and ruff, scripts/build_viewer.sh ESLint.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PATH:$PWD/.venv/bin
mode=(--dry-run --Werror)
cpp_patterns=('src/*.cpp' 'src/*.h' 'apps/*.cpp' 'apps/*.h' 'include/*.h' 'tests/*.cpp' 'tests/*.h' 'bench/*.cpp')
scripts_only=0
git rev-parse --git-dir >/dev/null 2>&1 || { echo "lint: only in a git checkout" >&2; exit 77; }
[ "${1:-}" = --fix ] && { mode=(-i); shift; }
if [ "${1:-}" = --since ]; then
  mapfile -t files < <(git diff --name-only --diff-filter=d "${2:?--since needs a commit}")
elif [ "${1:-}" = --scripts ]; then
  scripts_only=1
  mapfile -t files < <(git ls-files)
elif (($#)); then
  files=("$@")
else
  mapfile -t files < <(git ls-files)
fi
((${#files[@]})) || { echo "lint: nothing to check"; exit 0; }

# of PATTERN...: those of the files that have such a name, or, as git, such a path.
of() { git ls-files -- "$@" | grep -xF "$(printf '%s\n' "${files[@]}")" || true; }

ran=0 wrong=0
# with TOOL FILES COMMAND...: runs it on the files, if there are any, where the tool is at hand.
with() {
  local tool=$1 names=$2
  shift 2
  [ -n "$names" ] || return 0
  if ! command -v "$tool" >/dev/null; then
    echo "lint: no $tool: $(wc -l <<<"$names") files are not checked" >&2
    return
  fi
  ran=1
  xargs -d '\n' "$@" <<<"$names" || wrong=1
}

shell_files() {
  local file line
  while read -r file; do
    { IFS= read -r line <"$file"; } 2>/dev/null || continue
    if [[ $line =~ ^'#!'.*sh$ ]]; then echo "$file"; fi
  done < <(of '.ci/*' '*.sh')
}
with shellcheck "$(shell_files)" shellcheck -x -S warning
with ruff "$(of '*.py')" ruff check --quiet
page=$(of 'web/*.ts' 'web/*.js')
if [ -n "$page" ] && [ ! -e web/node_modules/.bin/eslint ]; then
  echo "lint: no ESLint: $(wc -l <<<"$page") files are not checked" >&2
elif [ -n "$page" ]; then
  ran=1
  (cd web && PATH=$PATH:$PWD/node_modules/.bin && node node_modules/eslint/bin/eslint.js --max-warnings 0 .) || wrong=1
fi
if ((scripts_only)); then
  ((ran)) || exit 77
  exit "$wrong"
fi

mapfile -t files < <(of "${cpp_patterns[@]}")
((${#files[@]})) || exit "$wrong"
clang-format "${mode[@]}" "${files[@]}" || wrong=1

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
((${#units[@]})) || exit "$wrong"
# The recorded commands are GCC's: flags that clang does not know are passed over, and omp.h is GCC's own, with an attribute that
# clang writes otherwise.
extra=()
for argument in -Wno-unknown-warning-option -Wno-ignored-optimization-argument -Wno-unused-command-line-argument \
  '-D__malloc__(...)=__malloc__' -idirafter "$(gcc -print-file-name=include)"; do extra+=(--extra-arg="$argument"); done
printf '%s\n' "${units[@]}" | xargs -P "${GSV3D_JOBS:-$(nproc)}" -n 1 clang-tidy -p build/lint --quiet "${extra[@]}" || wrong=1
exit "$wrong"
