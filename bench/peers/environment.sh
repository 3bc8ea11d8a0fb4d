# Sourced from the repository's root by the compare_*.sh beside it: makes .venv-peers, with diffusers, at the first run. LibTorch's own
# Python package from .venv is used for both sides.
if [ ! -x .venv-peers/bin/python ]; then
  python3 -m venv .venv-peers
  printf '%s\n' "$PWD"/.venv/lib/python3*/site-packages >"$(echo .venv-peers/lib/python3*/site-packages)/libtorch.pth"
  .venv-peers/bin/pip install --quiet typing_extensions sympy networkx jinja2 fsspec filelock numpy diffusers==0.35.2 \
    'transformers<5' safetensors
fi
