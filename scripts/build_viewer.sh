#!/usr/bin/env bash
# Builds web/dist/viewer.html, the page that the program carries inside, from the sources in web/ (needs Node 20 and npm).
#   scripts/build_viewer.sh           installs the pinned packages, checks types and style, builds
#   scripts/build_viewer.sh --check   fails when web/dist/viewer.html was built from other sources (needs no npm)
#   scripts/build_viewer.sh --hash    prints the hash of the sources, which the page carries
set -euo pipefail
cd "$(dirname "$0")/../web"
page=dist/viewer.html

sources_hash() {
  # Names and contents, in an order that does not depend on the language of the system.
  find index.html package.json package-lock.json tsconfig.json vite.config.js src -type f -print0 | LC_ALL=C sort -z |
    xargs -0 sha256sum | sha256sum | cut -d ' ' -f 1
}

case "${1:-}" in
  --hash) sources_hash ;;
  --check)
    if ! grep -qF "name=\"gsv3d-sources\" content=\"$(sources_hash)\"" "$page"; then
      echo "build_viewer: web/$page was not built from the sources in web/: run scripts/build_viewer.sh" >&2
      exit 1
    fi
    ;;
  "")
    npm ci --no-audit --no-fund --ignore-scripts --loglevel=error
    npm run --silent lint
    npm run --silent build
    echo "web/$page: $(wc -c <"$page") bytes"
    ;;
  *)
    echo "usage: scripts/build_viewer.sh [--check | --hash]" >&2
    exit 2
    ;;
esac
