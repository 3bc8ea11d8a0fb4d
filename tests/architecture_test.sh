#!/usr/bin/env bash
# scripts/rooms.sh check must fail, and say why, for maps that are wrong in one place, and for two types of one name.
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

# Two types of one name: across headers and sources, not within anonymous namespaces, which hide them.
mkdir "$place/sources"
printf 'namespace gsv3d {\nclass Blob {\n};\n}\n' >"$place/sources/a.h"
printf 'namespace gsv3d {\nnamespace {\nstruct Blob {\n};\n}  // namespace\n}\n' >"$place/sources/b.cpp"
types() { GSV3D_SOURCES="$place/sources" scripts/rooms.sh check 2>&1 || true; }
! types | grep -q 'two types' || { echo "a hidden type is taken for a second one"; exit 1; }
printf 'namespace gsv3d {\nstruct Blob : Base {\n};\n}\n' >"$place/sources/c.cpp"
types | grep -qF "two types gsv3d::Blob: $place/sources/a.h and $place/sources/c.cpp" || { echo "two types: not noticed"; exit 1; }
echo "all wrong maps were noticed"
