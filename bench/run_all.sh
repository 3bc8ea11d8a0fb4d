#!/usr/bin/env bash
# Runs benchmarks and rewrites their tables in docs/. A table stands between two comments, and the first names its command:
#   <!-- bench NAME: COMMAND -->  ...  <!-- end NAME -->
#   bench/run_all.sh                 all of them (hours: the peers' full runs are long); builds build/release first
#   bench/run_all.sh NAME...         only these
#   bench/run_all.sh --list          names and commands, without running anything
#   bench/run_all.sh --check         whether every table of docs/performance.md names its command and commit (a test)
# What a command prints as Markdown tables is kept, with the commit, the machine and how busy it was before. A command that fails
# leaves its table as it is. Run it on a machine with nothing else to do: figures of a busy one are marked by the load they name.
set -euo pipefail
cd "${GSV3D_BENCH_ROOT:-$(dirname "$0")/..}"

# "file<tab>name<tab>command" for every marker.
markers() {
  grep -Hno '^<!-- bench [a-z0-9_]*: .* -->$' docs/*.md | sed -E 's/^([^:]*):[0-9]*:<!-- bench ([a-z0-9_]*): (.*) -->$/\1\t\2\t\3/'
}

check() {
  awk '
    /^<!-- bench / { inside = $3; named = 0; next }
    /^<!-- end /   { if (inside != $3 ":") { print FILENAME ": <!-- end " $3 " --> ends nothing"; wrong = 1 } inside = ""; next }
    inside && /^Commit `[0-9a-f]+/ { named = 1 }
    /^\|/ && !inside { print FILENAME ":" NR ": a table without <!-- bench NAME: COMMAND -->"; wrong = 1; next }
    /^\|/ && !named  { print FILENAME ":" NR ": a table without a line \"Commit `...`\" before it"; wrong = 1; named = 1 }
    END { if (inside) { print FILENAME ": " inside " has no end"; wrong = 1 } exit wrong }
  ' docs/performance.md
}

# What is known of the run: commit, command, machine, its load, the day.
circumstances() {
  local commit cpu
  commit=$(git rev-parse --short=7 HEAD 2>/dev/null || echo 0000000)
  git diff --quiet HEAD -- src apps bench models 2>/dev/null || commit+="+"
  cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)
  printf 'Commit `%s`, `%s`: %s cores of %s, load %s before, %s.\n' "$commit" "$1" "$(nproc)" "${cpu:-an unknown processor}" \
    "$(cut -d' ' -f1 /proc/loadavg)" "$(date +%Y-%m-%d)"
}

# Puts the text of a file in place of what stands between a name's comments.
replace() {
  local file=$1 name=$2 text=$3
  awk -v name="$name" -v text="$text" '
    $0 ~ "^<!-- bench " name ": " { print; print ""; while ((getline line < text) > 0) print line; print ""; skip = 1; next }
    $0 == "<!-- end " name " -->" { skip = 0 }
    !skip' "$file" >"$file.part"
  mv "$file.part" "$file"
}

run() {
  local file=$1 name=$2 command=$3 output tables
  output=$(mktemp) tables=$(mktemp)
  echo "== $name: $command" >&2
  circumstances "$command" >"$tables"
  if ! PATH="$PWD/build/release/bin:$PWD/bench:$PWD/bench/peers:$PATH" bash -c "$command" | tee "$output" >&2; then
    echo "== $name failed; its table stays" >&2
  elif ! grep -q '^|' "$output"; then
    echo "== $name printed no table; the old one stays" >&2
  else
    # Every table after an empty line.
    awk '/^\|/ { if (!before) print ""; print; before = 1; next } { before = 0 }' "$output" >>"$tables"
    replace "$file" "$name" "$tables"
  fi
  rm -f "$output" "$tables"
}

case "${1:-}" in
  --list) markers | cut -f2,3; exit ;;
  --check) check; exit ;;
  -*) sed -n '2,9p' "bench/run_all.sh"; exit 2 ;;
esac
if [ -z "${GSV3D_BENCH_ROOT:-}" ]; then GSV3D_CMAKE_ARGUMENTS="-DGSV3D_BENCH=ON" scripts/build.sh release; fi
wanted=" $* "
for name in "$@"; do
  markers | cut -f2 | grep -qx "$name" || { echo "run_all.sh: no benchmark $name (--list has them)" >&2; exit 2; }
done
while IFS=$'\t' read -r file name command <&3; do
  [[ $# -eq 0 || "$wanted" == *" $name "* ]] || continue
  run "$file" "$name" "$command"
done 3< <(markers)
