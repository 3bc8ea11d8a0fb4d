#!/usr/bin/env bash
# The paper's ablations at tiny scale: L_3D, the depth loss, the decoder's look at the photo's DINO tokens, the number of views N;
# and two relatives of its decoder: from one picture by triplanes, and pixel-aligned from four views (docs/decoder.md).
#   scripts/ablations.sh FOLDER        everything goes there; FOLDER/ablations.md is the result. Start it again to go on.
# Every variant gets the same number of steps of every stage, each seed the same data; the autoencoder is shared, the diffusion
# model too by all variants of one N; the relatives' decoders get distillation's steps on top of the decoder's. Compared are the
# decoder on true latents (single_image: on the photo) and the unrefined pipeline, pair by pair of validation object and seed.
# Environment: GSV3D the program (build/release/bin/gsv3d), GSV3D_ABLATION_SEEDS ("1 2"), GSV3D_ABLATION_SCALE steps in percent
# of those below (100; 1 is a rehearsal), GSV3D_ABLATION_ONLY_DECODERS when set: no diffusion, distillation and pipeline, and so not
# without_l3d, GSV3D_ABLATION_VARIANTS (all that there are but views_21), GSV3D_ABLATION_FURNITURE folder of furniture libraries.
set -euo pipefail
[ $# -eq 1 ] || { sed -n '2,11p' "$0"; exit 2; }
root=$(cd "$(dirname "$0")/.." && pwd)
program=$(realpath "${GSV3D:-$root/build/release/bin/gsv3d}")
furniture=${GSV3D_ABLATION_FURNITURE:-/usr/share/sweethome3d/furniture}
split=$root/configs/objects/split.csv
read -ra seeds <<< "${GSV3D_ABLATION_SEEDS:-1 2}"
read -ra variants <<< "${GSV3D_ABLATION_VARIANTS:-without_l3d without_depth without_dino views_3 single_image few_view}"
scale=${GSV3D_ABLATION_SCALE:-100} only_decoders=${GSV3D_ABLATION_ONLY_DECODERS:-}
if [ -n "$only_decoders" ]; then read -ra variants <<< "${variants[*]/without_l3d/}"; fi
[[ $scale =~ ^[1-9][0-9]*$ ]] || { echo "ablations.sh: GSV3D_ABLATION_SCALE is a whole number above 0" >&2; exit 2; }
mkdir -p "$1"
cd "$1"

steps() { echo $(($1 * scale / 100 > 2 ? $1 * scale / 100 : 2)); }
say() { printf '%s  %s\n' "$(date +%H:%M:%S)" "$*"; }
quietly() { "$program" "$@" --threads 1 --quiet; }

# settings FILE OUTPUT section.key=value ...: a configuration with other values.
settings() {
  python3 - "$@" <<'PYTHON'
import json, os, sys
source, output, *changes = sys.argv[1:]
settings = json.load(open(source))
for change in changes:
    path, value = change.split("=", 1)
    *sections, key = path.split(".")
    target = settings
    for section in sections:
        target = target[section]
    target[key] = json.loads(value)
text = json.dumps(settings, indent=2)
if not os.path.exists(output) or open(output).read() != text:
    open(output, "w").write(text)
PYTHON
}

# model FOLDER key=value ...: the tiny architecture at 32 pixels with a fifth of its weights.
model() {
  local folder=$1
  shift
  mkdir -p "$folder"
  [ -e "$folder/config.json" ] || settings "$root/configs/tiny/config.json" "$folder/config.json" name='"ablation"' image_size=32 \
    unet.model_channels=32 unet.num_head_channels=16 vae.ch_mult='[1, 2, 4]' \
    image_embedder.image_size=32 image_embedder.layers=2 dino.image_size=32 dino.pretrain_image_size=32 dino.patch_size=4 dino.depth=2 \
    gaussian_decoder.width=96 gaussian_decoder.depth=3 gaussian_decoder.num_heads=3 gaussian_decoder.upsampler_widths='[48]' "$@"
}

# train STAGE MODEL SEED STEPS key=value ...: skipped when it was done.
train() {
  local stage=$1 folder=$2 seed=$3 count=$4
  shift 4
  [ ! -e "$folder/$stage.done" ] || return 0
  say "$stage of $folder, $count steps"
  settings "$root/configs/tiny/train_$stage.json" "$folder/train_$stage.json" steps="$count" preview_minutes=600 \
    warmup_steps=$((count / 20)) "$@"
  quietly train "$stage" --model "$folder" --data train --run "$folder/run_$stage" --config "$folder/train_$stage.json" --seed "$seed"
  touch "$folder/$stage.done"
}

take() { local from=$1 to=$2 file; shift 2; for file; do [ -e "$to/$file" ] || cp -r "$from/$file" "$to/"; done; }

# The autoencoder, which all variants share.
autoencoder() {
  model shared
  train vae shared 1 "$(steps 1500)"
}

# The diffusion model of all variants of N views.
diffusion() {
  local views=$1 folder=diffusion_$1
  mkdir -p "$folder"
  take shared "$folder" vae.safetensors
  [ -e "$folder/config.json" ] || settings shared/config.json "$folder/config.json" frames="$views"
  train diffusion "$folder" 1 "$(steps 1500)" batch=4
}

# scores FOLDER SEED FILE [ROW]: of the model's row on the validation objects; without ROW all that it has.
scores() {
  local folder=$1 seed=$2 file=$3
  shift 3
  [ ! -e "$file" ] || return 0
  say "$file"
  quietly eval --model "$folder" --dataset val --seed "$seed" ${1:+--rows "$1"} --baselines none --json "$file" > /dev/null
}

pipeline="pipeline, not refined"

# variant NAME SEED: the decoder and its scores; unless only the decoders are asked for, distillation and the pipeline's.
variant() {
  local name=$1 seed=$2 views=7 folder=$1_$2 count
  local architecture=() decoder=() distill=(batch=2) shares_decoder="" relative=""
  case $name in
    reference) ;;
    without_l3d) distill+=(lambda_3d=0.0) shares_decoder=yes ;;
    without_depth) decoder+=(depth_weight=0.0 thickness_weight=0.0) distill+=(depth_weight=0.0) ;;
    without_dino) architecture+=(gaussian_decoder.context_dim=0) ;;
    single_image) relative=yes architecture+=(gaussian_decoder.triplane='{"side": 8, "point_tokens": 128, "points_per_token": 14}') ;;
    few_view) relative=yes architecture+=(gaussian_decoder.pixel_aligned='{"views": 4, "widths": [32, 64]}') ;;
    views_*) views=${name#views_} ;;
    *) echo "ablations.sh: no variant is called \"$name\"" >&2; exit 2 ;;
  esac
  mkdir -p "$folder"
  take shared "$folder" vae.safetensors
  [ -e "$folder/config.json" ] || settings shared/config.json "$folder/config.json" frames="$views" "${architecture[@]}"
  if [ -n "$shares_decoder" ]; then
    take "reference_$seed" "$folder" gaussian_decoder.safetensors dino.safetensors decoder.done
  else
    count=$(steps 1200)
    [ -z "$relative" ] || [ -n "$only_decoders" ] || count=$((count + $(steps 300)))
    train decoder "$folder" "$seed" "$count" batch=2 supervision_views=3 "${decoder[@]}"
    scores "$folder" "$seed" "${name}_$seed.decoder.json"
  fi
  [ -z "$only_decoders" ] || return 0
  [ "$name" = single_image ] || { diffusion "$views"; take "diffusion_$views" "$folder" unet.safetensors image_embedder.safetensors; }
  [ -n "$relative" ] || train distill "$folder" "$seed" "$(steps 300)" supervision_views=3 "${distill[@]}"
  scores "$folder" "$seed" "${name}_$seed.json" "$pipeline"
}

[ -e train/objects.csv ] || { say "training views"; quietly data render procedural:300:1 "$furniture" --split-file "$split" --split train \
  --limit 500 --size 32 --elevations 10 --random-views 4 --samples 2 --seed 1 -o train; }
[ -e val/objects.csv ] || { say "validation views"; quietly data render "$furniture" --split-file "$split" --split val --size 32 \
  --samples 2 --seed 1 -o val; }
autoencoder
for seed in "${seeds[@]}"; do
  for name in reference "${variants[@]}"; do variant "$name" "$seed"; done
done

# table TITLE ENDING VARIANT ...: the first rows of the files, all against the reference's.
table() {
  local title=$1 ending=$2 arguments=() name seed files
  shift 2
  for name in reference "$@"; do
    files=
    for seed in "${seeds[@]}"; do files+=${files:+,}${name}_$seed$ending; done
    arguments+=("$name=$files")
  done
  printf '## %s\n\n' "$title"
  "$program" eval --compare "${arguments[@]}"
  printf '\n'
}
{
  # Distillation leaves the decoder as it is.
  with_decoder=()
  for name in "${variants[@]}"; do [ "$name" = without_l3d ] || with_decoder+=("$name"); done
  table "decoder on true latents" .decoder.json "${with_decoder[@]}"
  [ -n "$only_decoders" ] || table "$pipeline" .json "${variants[@]}"
} > ablations.md.new
mv ablations.md.new ablations.md
cat ablations.md
