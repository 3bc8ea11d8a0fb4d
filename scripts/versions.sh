# Pinned versions of what does not come from Debian, in one place (sourced by the other scripts).
TORCH_VERSION=2.13.0
SPLAT_TRANSFORM_VERSION=2.7.1  # npm @playcanvas/splat-transform: reads and writes splat files in tests; runs on Node 18 and later
