#!/usr/bin/env bash
# Interrupts the program (Ctrl-C's signal) at moments that dice choose within each command's run, and looks at what is left:
#   tests/interrupt_sweep.sh PROGRAM [MOMENTS]     default: 50 moments, the commands in turn
# Every run must end with 130 and one line "cancelled", or with 0 when it was done before, and leave no temporary file and no output
# but such of an undisturbed run, byte for byte.
set -euo pipefail
program=$(realpath "$1")
moments=${2:-50}
source=$(realpath "$(dirname "$0")/..")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export OMP_WAIT_POLICY=passive
RANDOM=17

sed 's/"steps": [0-9]*/"steps": 1/' "$source/configs/tiny/config.json" >config.json
"$program" model init config.json -o model >/dev/null
"$program" generate "$source/examples/coffee_cutout.png" --model model -o made --no-mesh --no-viewer --no-refinement --quiet
object=made/coffee_cutout/object.ply
names=(generate convert mesh render data)
declare -A commands=(
  [generate]="generate $source/examples/coffee_cutout.png --model model --no-mesh --no-refinement --quiet -o"
  [convert]="convert $object"
  [mesh]="mesh $object --resolution 48 --texture-size 128 --triangles 2000 --quiet -o"
  [render]="render $object --frames 12 --size 64 -o"
  [data]="data render procedural:3:1 --size 64 --orbit-views 7 --random-views 0 --samples 1 --quiet -o"
)
declare -A outputs=([generate]=out [convert]=out.spz [mesh]=out.glb [render]=out.gif [data]=out)
declare -A milliseconds

now() { date +%s%3N; }
# The files of an output, with sums; of those that hold times only the names.
listing() { [ ! -e "$1" ] || find "$1" -type f | sort | while read -r file; do
  case $file in *.json) echo "$file" ;; *) sha256sum "$file" ;; esac; done; }

for name in "${names[@]}"; do
  begin=$(now)
  # shellcheck disable=SC2086
  "$program" ${commands[$name]} "${outputs[$name]}" >/dev/null 2>&1
  milliseconds[$name]=$(($(now) - begin))
  listing "${outputs[$name]}" >"$name.whole"
  rm -r "${outputs[$name]}"
done

wrong=0 cancelled=0 finished=0
for ((moment = 0; moment < moments; ++moment)); do
  name=${names[moment % ${#names[@]}]} output=${outputs[${names[moment % ${#names[@]}]}]}
  wait_ms=$((RANDOM * milliseconds[$name] / 32768))
  # A job of a shell without job control ignores SIGINT, and so does what it starts; --foreground's child does not.
  code=0
  # shellcheck disable=SC2086
  timeout --foreground --preserve-status -s INT "$(printf '%d.%03d' $((wait_ms / 1000)) $((wait_ms % 1000)))" \
    "$program" ${commands[$name]} "$output" >stdout.txt 2>stderr.txt || code=$?
  listing "$output" >left.txt
  case $code in
    130) cancelled=$((cancelled + 1)) ;;
    0) finished=$((finished + 1)) ;;
    *) echo "$name after $wait_ms ms: exit code $code, $(head -c 200 stderr.txt)"; wrong=$((wrong + 1)) ;;
  esac
  # Nothing said: the system ended it while libraries were loaded, before the program's first instruction.
  [ "$code" != 130 ] || [ ! -s stderr.txt ] || grep -q 'gsv3d: cancelled' stderr.txt ||
    { echo "$name: $(head -c 200 stderr.txt)"; wrong=$((wrong + 1)); }
  if [ -s left.txt ] && ! cmp -s left.txt "$name.whole"; then
    echo "$name after $wait_ms ms (exit code $code) left:"; cat left.txt; wrong=$((wrong + 1))
  elif [ "$code" = 0 ] && [ ! -s left.txt ]; then
    echo "$name after $wait_ms ms: said 0 and left nothing"; wrong=$((wrong + 1))
  fi
  if [ -n "$(find . -name '*.part' -print -quit)" ]; then
    echo "$name after $wait_ms ms left $(find . -name '*.part')"; wrong=$((wrong + 1)); find . -name '*.part' -exec rm -r {} +
  fi
  rm -rf "$output"
done
echo "$moments interrupts: $cancelled cancelled, $finished were done before, $wrong wrong"
[ "$wrong" = 0 ]
