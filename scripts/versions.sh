# Pinned versions of what does not come from Debian, in one place (sourced by the other scripts).
TORCH_VERSION=2.13.0
