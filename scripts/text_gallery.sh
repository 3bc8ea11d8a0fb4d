#!/usr/bin/env bash
# What `gsv3d text` makes of sixteen prompts that were fixed before any of them was tried, and of the first ten all the way to a GLB:
#   scripts/text_gallery.sh [MODEL] [FOLDER] [SEED]        default: models/tiny build/text_gallery 1
# Writes docs/images/text_pictures.png and docs/images/text_objects.png, and leaves the objects in FOLDER. Needs build/release/bin/gsv3d and
# text_sheet (cmake -DGSV3D_BENCH=ON). GLBs are checked with Khronos' validator where
# scripts/test_tools.sh has installed it.
set -euo pipefail
cd "$(dirname "$0")/.."
model=${1:-models/tiny} folder=${2:-build/text_gallery} seed=${3:-1}
programs=${GSV3D_PROGRAMS:-build/release/bin}
objects=("red chair" "wooden table" "blue sofa" "green bottle" "yellow lamp" "grey bed" "purple armchair" "orange box" "brown bookcase"
  "pink stool")
pictures=("green tree" "white radiator" "wooden bench" "red truck" "black desk" "blue vase")

"$programs/gsv3d" text "${objects[@]}" --model "$model" --seed "$seed" -o "$folder" --no-viewer || echo "some made nothing: the pictures say which" >&2
"$programs/gsv3d" text "${pictures[@]}" --model "$model" --seed "$seed" -o "$folder" --picture-only || echo "some made nothing" >&2
results=()
for words in "${objects[@]}" "${pictures[@]}"; do results+=("$folder/${words// /-}"); done
mkdir -p docs/images
"$programs/text_sheet" pictures docs/images/text_pictures.png "${results[@]}"
"$programs/text_sheet" objects docs/images/text_objects.png "${results[@]:0:${#objects[@]}}"
meshes=()
for result in "${results[@]:0:${#objects[@]}}"; do [ ! -f "$result/object.glb" ] || meshes+=("$result/object.glb"); done
[ ! -d .cache/node/node_modules/gltf-validator ] || scripts/check_glb.sh "${meshes[@]}"
