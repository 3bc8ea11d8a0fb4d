#!/usr/bin/env bash
# Tries a page of the program in Chromium: viewer.html against what the program renders, or the page of `gsv3d serve`. Exits 77 (skipped)
# without Chromium, or without npm or the network on first use. CHROMIUM names another browser than the one on the path.
#   scripts/check_page.sh viewer|studio PROGRAM
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
modules=$root/.cache/node/node_modules
browser=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome || command -v chromium-headless-shell || true)}
if [ -z "$browser" ]; then
  echo "check_page: skipped, there is no Chromium (scripts/test_tools.sh --browser)" >&2
  exit 77
fi
"$root/scripts/test_tools.sh"
if ! command -v node >/dev/null; then
  echo "check_page: skipped, there is no Node" >&2
  exit 77
fi
for package in playwright-core axe-core gltf-validator; do
  if [ ! -d "$modules/$package" ]; then
    echo "check_page: skipped, $package is not there (scripts/test_tools.sh installs it)" >&2
    exit 77
  fi
done
NODE_PATH=$modules exec node "$root/tests/$1/$1_test.mjs" "$2" "$browser" "$root"
