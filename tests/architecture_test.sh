#!/usr/bin/env bash
# scripts/rooms.sh check must fail, and say why, for maps that are wrong in one place.
set -euo pipefail
cd "$(dirname "$0")/.."
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

# expect WHAT SED-EXPRESSION MESSAGE: a copy of the page so changed is refused with the message.
expect() {
  sed -E "$2" docs/architecture.md >"$place/page.md"
  cmp -s docs/architecture.md "$place/page.md" && { echo "$1: the test changed nothing"; exit 1; }
  if output=$(GSV3D_MAP="$place/page.md" scripts/rooms.sh check 2>&1); then echo "$1: not noticed"; exit 1; fi
  grep -qF -- "$3" <<<"$output" || { echo "$1: expected \"$3\" in: $output"; exit 1; }
}

expect "an arrow too few" '/^\| `nn\//s/core \|$/|/' '-nn: core'
expect "an arrow too many" '/^\| `nn\//s/core \|$/core image |/' '+nn: core image'
expect "a room too few" '/^\| `video\//d' '-video: core image'
expect "rooms in another order" '/^\| `core\//{h;d};/^\| `image\//G' '+core:'
expect "a function that is gone" 's/`refine_to_views`/`refine_to_nothing`/' 'has no refine_to_nothing'
expect "a file that is gone" 's/`src\/diffusion\/sampler.cpp`/`src\/diffusion\/gone.cpp`/' 'no such file: src/diffusion/gone.cpp'
echo "all wrong maps were noticed"
