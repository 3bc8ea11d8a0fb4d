#!/usr/bin/env bash
# Checks GLB files with Khronos' glTF Validator: no errors, no warnings. Exits 77 (skipped) without npm or the network on first use.
#   scripts/check_glb.sh FILE...
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
source "$root/scripts/versions.sh"
folder=$root/.cache/gltf-validator-$GLTF_VALIDATOR_VERSION
if ! command -v npm >/dev/null || ! command -v node >/dev/null; then
  echo "check_glb: skipped, there is no npm" >&2
  exit 77
fi
if [ ! -d "$folder/node_modules/gltf-validator" ]; then
  mkdir -p "$folder"
  if ! npm install --silent --no-audit --no-fund --prefix "$folder" "gltf-validator@$GLTF_VALIDATOR_VERSION" >&2; then
    echo "check_glb: skipped, npm could not install gltf-validator $GLTF_VALIDATOR_VERSION" >&2
    exit 77
  fi
fi
NODE_PATH=$folder/node_modules node - "$@" <<'SCRIPT'
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
