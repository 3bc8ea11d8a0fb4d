#!/usr/bin/env bash
# Installs the npm programs that only tests use, at their pinned versions, into .cache/node. Does nothing where npm is missing or they
# are there already; the tests that want them then say that they are skipped.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/versions.sh

say() { printf 'node_tools: %s\n' "$*" >&2; }

packages=("@playcanvas/splat-transform@$SPLAT_TRANSFORM_VERSION" "gltf-validator@$GLTF_VALIDATOR_VERSION" "playwright-core@$PLAYWRIGHT_VERSION")
missing=0
for package in "${packages[@]}"; do
  grep -qs "\"version\": \"${package##*@}\"" ".cache/node/node_modules/${package%@*}/package.json" || missing=1
done
((missing)) || exit 0
if ! command -v npm >/dev/null; then
  say "no npm: tests against ${packages[*]} will be skipped"
  exit 0
fi
say "installing ${packages[*]} (about 200 MB) into .cache/node"
mkdir -p .cache/node
# All in one call: npm removes what a later call does not name.
if ! npm install --prefix .cache/node --no-save --no-audit --no-fund --ignore-scripts --loglevel=error "${packages[@]}" >/dev/null; then
  say "npm failed: tests against them will be skipped"
fi
