#!/usr/bin/env bash
# One orbit by "gsv3d data render" and by Blender Cycles (apt: blender) on the same cores, with the same size, views and rays per pixel,
# in turn: a table for docs/performance.md. Seconds are of processor time, of all threads together, so that other work on the machine
# counts little. "render": of rendering and writing alone, this program's those of a run less those of one with a single view of 8 pixels;
# "whole": of the whole process for one object, with start and reading, as scripts do it that start Blender for every object.
#   bench/compare_renderers.sh [--size 128] [--views 21] [--grid 4] [--threads 2] [--repeat 3] [OBJECT.obj ...]
# Blender renders twice: direct light only, as this program's shading knows nothing else, and with Cycles' default of 12 bounces.
# Rays per pixel: GRID x GRID here, as many samples there. Without objects: a knot, a sphere and a plate that it makes.
set -euo pipefail
cd "$(dirname "$0")/.."
size=128 views=21 grid=4 threads=2 repeat=3
objects=()
while [ $# -gt 0 ]; do
  case $1 in
    --size) size=$2; shift ;;
    --views) views=$2; shift ;;
    --grid) grid=$2; shift ;;
    --threads) threads=$2; shift ;;
    --repeat) repeat=$2; shift ;;
    *) objects+=("$1") ;;
  esac
  shift
done
program=${GSV3D_PROGRAM:-build/release/bin/gsv3d}
command -v blender > /dev/null || { echo "Blender is not there: apt install blender" >&2; exit 1; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if [ ${#objects[@]} = 0 ]; then
  python3 - "$folder" <<'PYTHON'
import math, sys
# A knot of 20,000 triangles, a sphere of 80,000 and a box of 12.
def write(name, rows, columns, point):
    with open(f"{sys.argv[1]}/{name}.obj", "w") as file:
        for i in range(rows + 1):
            for j in range(columns + 1):
                file.write("v %f %f %f\n" % point(i / rows, j / columns))
        for i in range(rows):
            for j in range(columns):
                a = i * (columns + 1) + j + 1
                file.write(f"f {a} {a + 1} {a + columns + 2} {a + columns + 1}\n")
def knot(u, v):
    t, s = 2 * math.pi * u, 2 * math.pi * v
    r = 2 + math.cos(3 * t) + 0.4 * math.cos(s)
    return r * math.cos(2 * t), r * math.sin(2 * t), math.sin(3 * t) + 0.4 * math.sin(s)
def sphere(u, v):
    t, s = math.pi * u, 2 * math.pi * v
    return math.sin(t) * math.cos(s), math.cos(t), math.sin(t) * math.sin(s)
write("knot", 500, 20, knot)
write("sphere", 200, 200, sphere)
write("plate", 1, 1, lambda u, v: (u, v, 0.3 * u))
PYTHON
  objects=("$folder"/*.obj)
fi

TIMEFORMAT='%U %S'
seconds() { { time "$@" > /dev/null 2>> "$folder/log"; } 2>&1 | awk '{ print $1 + $2 }'; }
ours() {  # OBJECT SIZE VIEWS GRID
  rm -rf "$folder/shards" "$folder/one"  # the program renders folders
  mkdir "$folder/one" && cp "$1" "$folder/one/"
  seconds "$program" data render "$folder/one" -o "$folder/shards" --size "$2" --orbit-views "$3" --random-views 0 --samples "$4" \
    --threads "$threads" --quiet
}
cycles() {  # OBJECT BOUNCES FILE
  { time blender -b -t "$threads" -P bench/peers/blender_orbit.py -- "$1" "$size" "$views" $((grid * grid)) "$2" "$threads" \
    "$folder/pictures" > "$folder/said" 2>> "$folder/log"; } 2>&1 | awk '{ print $1 + $2 }' >> "$folder/$3_whole"
  sed -n 's/^seconds //p' "$folder/said" >> "$folder/$3"
}
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

printf '%s cores, load %s: %s views of %s pixels, %s rays per pixel, %s threads, medians of %s runs in turn\n\n' "$(nproc)" \
  "$(cut -d' ' -f1 /proc/loadavg)" "$views" "$size" $((grid * grid)) "$threads" "$repeat"
printf '| object | gsv3d: render, whole | Cycles, direct light: render | ratio | Cycles, 12 bounces: render, whole | ratios |\n|---|---|---|---|---|---|\n'
for object in "${objects[@]}"; do
  for file in ours ours_whole direct direct_whole bounces bounces_whole; do : > "$folder/$file"; done
  for _ in $(seq "$repeat"); do
    all=$(ours "$object" "$size" "$views" "$grid")
    start=$(ours "$object" 8 1 1)
    echo "$all - $start" | bc >> "$folder/ours"
    echo "$all" >> "$folder/ours_whole"
    cycles "$object" 0 direct
    cycles "$object" 12 bounces
  done
  a=$(median < "$folder/ours") A=$(median < "$folder/ours_whole") b=$(median < "$folder/direct")
  c=$(median < "$folder/bounces") C=$(median < "$folder/bounces_whole")
  [ -n "$b" ] && [ -n "$c" ] || { cat "$folder/log" >&2; exit 1; }
  printf '| %s | %.2f, %.2f | %.2f | %.1f | %.2f, %.2f | %.1f, %.1f |\n' "$(basename "${object%.*}")" "$a" "$A" "$b" \
    "$(echo "$b / $a" | bc -l)" "$c" "$C" "$(echo "$c / $a" | bc -l)" "$(echo "$C / $A" | bc -l)"
done
