#!/usr/bin/env bash
# bench/run_all.sh on pages of its own: only the wanted table is rewritten, failing commands leave theirs, wrong pages are noticed.
set -euo pipefail
script=$(cd "$(dirname "$0")/.." && pwd)/bench/run_all.sh
GSV3D_BENCH_ROOT=$(mktemp -d)
export GSV3D_BENCH_ROOT
trap 'rm -rf "$GSV3D_BENCH_ROOT"' EXIT
cd "$GSV3D_BENCH_ROOT"
mkdir docs
table() { printf '<!-- bench %s: %s -->\n\nCommit `0123456`, old.\n\n| old %s |\n\n<!-- end %s -->\nText after %s.\n' "$1" "$2" "$1" "$1" "$1"; }
{
  table one "printf 'noise\\n| a |\\n|---|\\n| 1 |\\nmore noise\\n| b |\\n|---|\\n'"
  table two "echo '| new two |'"
  table fails "echo '| half |'; false"
  table silent "echo nothing"
} >docs/performance.md
expect() { grep -qxF -- "$1" docs/performance.md || { echo "missing: $1"; cat docs/performance.md; exit 1; }; }
refuse() { ! grep -qxF -- "$1" docs/performance.md || { echo "should not be there: $1"; cat docs/performance.md; exit 1; }; }

"$script" --check
[ "$("$script" --list | wc -l)" = 4 ]
"$script" one 2>/dev/null
expect '| 1 |'; expect '| b |'; expect '| old two |'; expect 'Text after one.'; refuse '| old one |'
! grep -qx 'more noise' docs/performance.md || { echo 'text was kept'; exit 1; }
grep -q '^Commit `[0-9a-f]*+\?`, `printf.*cores of .* load [0-9.]* before' docs/performance.md
"$script" 2>/dev/null
expect '| new two |'; expect '| old fails |'; expect '| old silent |'; refuse '| half |'
"$script" --check
if "$script" unknown 2>/dev/null; then echo "an unknown name was taken"; exit 1; fi
echo '| loose table |' >>docs/performance.md
if "$script" --check >/dev/null; then echo "a table without command was not noticed"; exit 1; fi
echo "tables are rewritten as they should be"
