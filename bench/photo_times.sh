#!/usr/bin/env bash
# Where the time of a photo goes: gsv3d generate as users run it, seconds per stage from result.json, whole process, peak memory.
#   bench/photo_times.sh [ROUNDS] [PHOTO...]      default 3, examples/coffee_cutout.png; medians
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-3}
shift || true
photos=("$@")
((${#photos[@]})) || photos=(examples/coffee_cutout.png)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for photo in "${photos[@]}"; do
  for ((round = 0; round < rounds; ++round)); do
    start=$(date +%s.%N)
    build/release/bin/gsv3d generate "$photo" -o "$folder/$round" --quiet
    name=$(basename "${photo%.*}")
    echo "$name $(date +%s.%N) $start $folder/$round/$name/result.json" >>"$folder/runs"
  done
done
python3 - "$folder/runs" <<'PYTHON'
import collections, json, statistics, sys

photos = collections.defaultdict(lambda: collections.defaultdict(list))
for line in open(sys.argv[1]):
    name, end, start, path = line.split()
    record = json.load(open(path))
    for stage, seconds in record["seconds"].items():
        photos[name][stage].append(seconds)
    photos[name]["whole process"].append(float(end) - float(start))
    photos[name]["peak MB"].append(record["peak_memory_megabytes"])
stages = list(dict.fromkeys(stage for values in photos.values() for stage in values))
print(f"| s | {' | '.join(stages)} |\n|---|{'---:|' * len(stages)}")
for name, values in photos.items():
    cells = (f"{statistics.median(values[stage]):.{0 if stage == 'peak MB' else 2}f}" if values[stage] else "" for stage in stages)
    print(f"| {name} | {' | '.join(cells)} |")
PYTHON
