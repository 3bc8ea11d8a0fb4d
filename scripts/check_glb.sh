#!/usr/bin/env bash
# Checks GLB files with Khronos' glTF Validator: no errors, no warnings. Exits 77 (skipped) without npm or the network on first use.
#   scripts/check_glb.sh FILE...
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
modules=$root/.cache/node/node_modules
"$root/scripts/test_tools.sh"
if [ ! -d "$modules/gltf-validator" ] || ! command -v node >/dev/null; then
  echo "check_glb: skipped, gltf-validator is not there (scripts/test_tools.sh installs it)" >&2
  exit 77
fi
NODE_PATH=$modules node - "$@" <<'SCRIPT'
const fs = require("fs");
const validator = require("gltf-validator");
(async () => {
  let failed = false;
  for (const file of process.argv.slice(2)) {
    const { issues } = await validator.validateBytes(new Uint8Array(fs.readFileSync(file)));
    console.log(`${file}: ${issues.numErrors} errors, ${issues.numWarnings} warnings`);
    if (issues.numErrors + issues.numWarnings > 0) {
      failed = true;
      console.log(JSON.stringify(issues.messages, null, 1));
    }
  }
  process.exit(failed ? 1 : 0);
})();
SCRIPT
