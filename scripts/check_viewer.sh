#!/usr/bin/env bash
# Opens viewer.html in Chromium and compares it with what the program renders. Exits 77 (skipped) without Chromium, or without npm or
# the network on first use. CHROMIUM names another browser than the one on the path.
#   scripts/check_viewer.sh PROGRAM
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
modules=$root/.cache/node/node_modules
browser=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome || command -v chromium-headless-shell || true)}
if [ -z "$browser" ]; then
  echo "check_viewer: skipped, there is no Chromium (scripts/test_tools.sh --browser)" >&2
  exit 77
fi
"$root/scripts/test_tools.sh"
if [ ! -d "$modules/playwright-core" ] || ! command -v node >/dev/null; then
  echo "check_viewer: skipped, playwright-core is not there (scripts/test_tools.sh installs it)" >&2
  exit 77
fi
NODE_PATH=$modules exec node "$root/tests/viewer/viewer_test.mjs" "$1" "$browser" "$root"
