#!/usr/bin/env bash
# Installs what building needs, and says what: Debian/Ubuntu packages (scripts/apt-packages.txt) and the LibTorch wheel, which goes into a
# private environment in .venv (only its C++ library is used). Safe to run again: what is there is left alone.
#   scripts/setup.sh [--no-apt]      --no-apt: no root needed; says which packages are missing and goes on
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/versions.sh

use_apt=1
for argument in "$@"; do
  case "$argument" in
    --no-apt) use_apt=0 ;;
    *) sed -n '2,4p' "$0"; exit 2 ;;
  esac
done

say() { printf 'setup: %s\n' "$*" >&2; }

missing=()
while read -r package; do
  [[ -z "$package" || "$package" == \#* ]] && continue
  dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^ii' || missing+=("$package")
done <scripts/apt-packages.txt

if ((${#missing[@]})); then
  if ((use_apt)); then
    root=""
    [ "$(id -u)" -eq 0 ] || root=sudo
    say "installing ${#missing[@]} packages with apt: ${missing[*]}"
    $root apt-get update -qq
    DEBIAN_FRONTEND=noninteractive $root apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  else
    say "not installed, and --no-apt was given: ${missing[*]}"
    say "parts that need a missing library can be switched off with the GSV3D_WITH_... options (README, section Build options)"
  fi
fi

if [ ! -e .venv/bin/python ]; then
  say "creating the private environment .venv"
  python3 -m venv .venv
fi
if ! compgen -G ".venv/lib/python3*/site-packages/torch/lib/libtorch_cpu.so" >/dev/null; then
  say "installing LibTorch ${TORCH_VERSION} (CPU build, about 190 MB) into .venv"
  index=()
  # PyTorch's own index has the small CPU build; a mirror configured for pip (PIP_FIND_LINKS, PIP_INDEX_URL) goes first where there is one.
  if [ -z "${PIP_FIND_LINKS:-}${PIP_INDEX_URL:-}" ]; then
    index=(--index-url https://download.pytorch.org/whl/cpu)
  fi
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps "${index[@]}" "torch==${TORCH_VERSION}"
fi
if [ ! -e .deps/xatlas/xatlas.cpp ]; then
  say "fetching xatlas ${XATLAS_VERSION} (texture coordinates of meshes; two source files) into .deps/xatlas"
  download=$(mktemp -d)
  trap 'rm -rf "$download"' EXIT
  printf 'xatlas==%s --hash=sha256:%s\n' "$XATLAS_VERSION" "$XATLAS_SHA256" >"$download/requirements.txt"
  .venv/bin/python -m pip download --quiet --disable-pip-version-check --no-deps --no-binary xatlas --require-hashes \
    --dest "$download" --requirement "$download/requirements.txt"
  mkdir -p .deps/xatlas
  tar -xzf "$download/xatlas-${XATLAS_VERSION}.tar.gz" -C .deps/xatlas --strip-components=5 --wildcards '*/extern/xatlas/source/xatlas/xatlas.*'
  tar -xzf "$download/xatlas-${XATLAS_VERSION}.tar.gz" -C .deps/xatlas --strip-components=3 --wildcards '*/extern/xatlas/LICENSE'
fi
say "ready: LibTorch in $(echo .venv/lib/python3*/site-packages/torch)"
