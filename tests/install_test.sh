#!/usr/bin/env bash
# Installs a build into a temporary prefix, moves that, and uses it as others do: the program from anywhere, pages and completions,
# both examples built with find_package and run, one of them with the static library as well.
#   tests/install_test.sh build/release
set -euo pipefail
source=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "$1" && pwd)
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
die() { echo "install_test.sh: $*" >&2; exit 1; }
export OMP_WAIT_POLICY=passive
unset GSV3D_MODEL

cmake --install "$build" --prefix "$room/first" >"$room/install.log" || { cat "$room/install.log"; die "cmake --install fails"; }
mv "$room/first" "$room/moved here"
prefix="$room/moved here"
for file in bin/gsv3d include/gsv3d/gsv3d.h include/gsv3d/gsv3d_c.h share/gsv3d/models/tiny/config.json share/gsv3d/viewer.html \
  share/man/man1/gsv3d.1 share/man/man1/gsv3d-data-render.1 share/bash-completion/completions/gsv3d \
  share/zsh/site-functions/_gsv3d share/fish/vendor_completions.d/gsv3d.fish share/doc/gsv3d/copyright share/doc/gsv3d/THIRD_PARTY.md; do
  [ -s "$prefix/$file" ] || die "$file is not installed"
done

# From the root, through a link in another place: the model is the prefix's own.
ln -s "$prefix/bin/gsv3d" "$room/link"
(cd / && "$room/link" info) >"$room/info"
grep -qF "$prefix/share/gsv3d/models/tiny" "$room/info" || die "the moved program does not use its own model: $(cat "$room/info")"
mv "$prefix/share/gsv3d/models" "$room/elsewhere"
[ "$(GSV3D_MODEL="$room/elsewhere/tiny" "$prefix/bin/gsv3d" info | grep -cF "$room/elsewhere/tiny")" = 1 ] || die "GSV3D_MODEL is not used"
mv "$room/elsewhere" "$prefix/share/gsv3d/models"

for language in c cpp; do
  cmake -S "$source/examples/$language" -B "$room/$language" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_BUILD_TYPE=Release \
    >"$room/log" 2>&1 && cmake --build "$room/$language" >>"$room/log" 2>&1 || { cat "$room/log"; die "examples/$language does not build"; }
done
photo="$source/examples/flower_cutout.png"
"$room/cpp/photo_to_mesh" "$photo" "$room/object.ply" "$room/object.glb" 2>"$room/progress" >"$room/out" || { cat "$room/progress"; die "photo_to_mesh fails"; }
grep -q "^views [0-9]*/[0-9]*$" "$room/progress" || die "photo_to_mesh shows no progress: $(cat "$room/progress")"
[ "$(head -c 4 "$room/object.glb")" = glTF ] || die "photo_to_mesh writes no GLB"
"$room/c/render_gaussians" "$room/object.ply" "$room/picture.png" >"$room/rendered"
cmp "$room/out" "$room/rendered" || die "the examples count different Gaussians"
[ "$(head -c 4 "$room/picture.png" | tail -c 3)" = PNG ] || die "render_gaussians writes no PNG"

# The same with the static library, which needs no libgsv3d.so.
mkdir "$room/static"
cp "$source"/examples/c/*.c "$room/static"
sed 's/gsv3d::gsv3d/gsv3d::gsv3d_static/' "$source/examples/c/CMakeLists.txt" >"$room/static/CMakeLists.txt"
cmake -S "$room/static" -B "$room/static" -DCMAKE_PREFIX_PATH="$prefix" >"$room/log" 2>&1 && cmake --build "$room/static" >>"$room/log" 2>&1 ||
  { cat "$room/log"; die "examples/c does not build with the static library"; }
readelf -d "$room/static/render_gaussians" | grep NEEDED | grep -q libgsv3d && die "the static library's program needs libgsv3d.so"
"$room/static/render_gaussians" "$room/object.ply" "$room/static.png" >"$room/static.out"
cmp "$room/static.out" "$room/rendered" && cmp "$room/static.png" "$room/picture.png" || die "static and shared library differ"

# Errors of both are one line and an exit code of 1.
for command in "cpp/photo_to_mesh /nowhere.jpg $room/a.ply $room/a.glb" "c/render_gaussians /nowhere.ply $room/a.png"; do
  # shellcheck disable=SC2086
  "$room"/$command 2>"$room/err" && die "$command succeeds"
  [ "$(wc -l <"$room/err")" = 1 ] || die "$command: $(cat "$room/err")"
done
[ ! -e "$room/a.png" ] && [ ! -e "$room/a.ply" ] || die "failed examples leave files"
echo "installed, moved and used"
