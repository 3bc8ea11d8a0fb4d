#!/usr/bin/env bash
# Installs the npm programs that only tests use, at their pinned versions, into .cache/node. Does nothing where npm is missing or they
# are there already; the tests that want them then say that they are skipped.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/versions.sh

say() { printf 'node_tools: %s\n' "$*" >&2; }

installed=".cache/node/node_modules/@playcanvas/splat-transform/package.json"
[ -e "$installed" ] && grep -q "\"version\": \"$SPLAT_TRANSFORM_VERSION\"" "$installed" && exit 0
if ! command -v npm >/dev/null; then
  say "no npm: tests against splat-transform will be skipped"
  exit 0
fi
say "installing splat-transform $SPLAT_TRANSFORM_VERSION (about 200 MB) into .cache/node"
mkdir -p .cache/node
if ! npm install --prefix .cache/node --no-save --no-audit --no-fund --ignore-scripts --loglevel=error \
  "@playcanvas/splat-transform@$SPLAT_TRANSFORM_VERSION" >/dev/null; then
  say "npm failed: tests against splat-transform will be skipped"
fi
