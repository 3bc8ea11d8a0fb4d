#!/usr/bin/env bash
# Builds the pages that the program carries inside from the sources in web/ (needs Node 20 and npm): web/dist/viewer.html, which shows
# one object, and web/dist/studio/, the page of `gsv3d serve`.
#   scripts/build_viewer.sh                        installs the pinned packages, checks types and style, builds
#   scripts/build_viewer.sh --check                fails when a page was built from other sources (needs no npm)
#   scripts/build_viewer.sh --hash viewer|studio   prints the hash of a page's sources, which the page carries
set -euo pipefail
cd "$(dirname "$0")/../web"

sources_of() {
  local common=(package.json package-lock.json tsconfig.json page_notices.js src)
  case "$1" in
    viewer) find index.html vite.config.js "${common[@]}" -type f -not -path 'src/studio/*' -print0 ;;
    studio) find studio.html vite.studio.config.js "${common[@]}" -type f -print0 ;;
    *) echo "usage: scripts/build_viewer.sh --hash viewer|studio" >&2 && exit 2 ;;
  esac
}

sources_hash() {
  # Names and contents, in an order that does not depend on the language of the system.
  sources_of "$1" | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -d ' ' -f 1
}

check() {
  if ! grep -qF "name=\"gsv3d-sources\" content=\"$(sources_hash "$1")\"" "dist/$2"; then
    echo "build_viewer: web/dist/$2 was not built from the sources in web/: run scripts/build_viewer.sh" >&2
    exit 1
  fi
}

case "${1:-}" in
  --hash) sources_hash "${2:-}" ;;
  --check)
    check viewer viewer.html
    check studio studio/index.html
    ;;
  "")
    npm ci --no-audit --no-fund --ignore-scripts --loglevel=error
    npm run --silent lint
    npm run --silent build
    wc -c dist/viewer.html dist/studio/*
    ;;
  *)
    echo "usage: scripts/build_viewer.sh [--check | --hash viewer|studio]" >&2
    exit 2
    ;;
esac
