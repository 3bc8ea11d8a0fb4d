"""Whether diffusers and PEFT load the LoRA files that "gsv3d model lora" writes, and mean the same by them.

    python scripts/check_lora.py [--program build/release/bin/gsv3d]

Needs PyPI's torch, diffusers, peft and safetensors. Builds a small UNet of the SVD family (UNetSpatioTemporalConditionModel) with random
weights, gives it a random adapter by PEFT, takes that through "gsv3d import" and "gsv3d model lora" in every format, loads the
result into a fresh copy of the UNet with diffusers' own loaders, and compares what the two UNets make. Exits 1 when they differ
by more than 1e-5 of the adapter's effect.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import torch
from diffusers import UNetSpatioTemporalConditionModel
from diffusers.loaders import PeftAdapterMixin
from peft import LoraConfig, get_peft_model_state_dict, inject_adapter_in_model, set_peft_model_state_dict
from safetensors import safe_open
from safetensors.torch import load_file, save_file

RANK, ALPHA = 4, 6.0
TARGETS = ["attn1.to_q", "attn1.to_k", "to_v", "to_out.0"]
HEAD = 32


class AdaptableUNet(PeftAdapterMixin, UNetSpatioTemporalConditionModel):
    """diffusers' UNets of other families have this loader by themselves; that of Stable Video Diffusion has it when it is mixed in."""


def unet(state=None):
    network = AdaptableUNet(
        sample_size=8, in_channels=8, out_channels=4, block_out_channels=(32, 64), layers_per_block=1,
        down_block_types=("CrossAttnDownBlockSpatioTemporal", "CrossAttnDownBlockSpatioTemporal"),
        up_block_types=("CrossAttnUpBlockSpatioTemporal", "CrossAttnUpBlockSpatioTemporal"),
        num_attention_heads=(32 // HEAD, 64 // HEAD), cross_attention_dim=32, addition_time_embed_dim=32,
        projection_class_embeddings_input_dim=96, num_frames=3)
    if state:
        network.load_state_dict(state)
    return network.eval()


def program_config():
    """The same widths in a config.json; other parts as small as they may be."""
    return {
        "name": "check", "image_size": 64, "frames": 3, "vector_dimensions": [32, 32, 32],
        "unet": {"in_channels": 8, "out_channels": 4, "model_channels": 32, "attention_resolutions": [1, 2], "num_res_blocks": 1,
                 "channel_mult": [1, 2], "num_head_channels": HEAD, "context_dim": 32, "adm_in_channels": 96, "norm_groups": 32},
        "vae": {"ch": 8, "ch_mult": [1, 1, 2, 2], "num_res_blocks": 1, "norm_groups": 4},
        "image_embedder": {"image_size": 32, "patch_size": 16, "width": 16, "layers": 1, "head_width": 8, "embed_dim": 32},
        "dino": {"patch_size": 16, "embed_dim": 16, "depth": 1, "num_heads": 2, "pretrain_image_size": 32, "image_size": 32},
        "gaussian_decoder": {"width": 32, "patch_size": 1, "depth": 1, "num_heads": 2, "context_dim": 16, "upsampler_widths": [16],
                             "upsampler_heads": 2, "upsampler_window": 4},
    }


def views(network):
    generator = torch.Generator().manual_seed(1)
    draw = lambda *sizes: torch.randn(*sizes, generator=generator)
    with torch.no_grad():
        # The added embedding takes a time id per conditioning number: 3 of 32 wide.
        return network(draw(1, 3, 8, 8, 8), torch.tensor([1.0]), draw(1, 1, 32), added_time_ids=draw(1, 3)).sample


def adapted(state):
    network = unet(state)
    network.add_adapter(LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=TARGETS, init_lora_weights=False))
    return network


def load_diffusers(network, path):
    network.load_lora_adapter(str(path), prefix="unet")


def load_by_hand(network, path):
    """PEFT alone, which is told nothing about strength and ranks but what the tensors say."""
    state = {name.removeprefix("unet."): tensor for name, tensor in load_file(path).items()}
    layers = [name.removesuffix(".lora_A.weight") for name in state if name.endswith(".lora_A.weight")]
    inject_adapter_in_model(LoraConfig(r=RANK, lora_alpha=RANK, target_modules=layers), network)
    set_peft_model_state_dict(network, state)


def load_kohya(network, path):
    """As diffusers' pipelines do it: kohya's names to diffusers', then PEFT."""
    tensors = load_file(path)
    layers = {name.replace(".", "_"): name for name, _ in network.named_modules()}
    state, alphas = {}, {}
    for name, tensor in tensors.items():
        layer, rest = name.removeprefix("lora_unet_").split(".", 1)
        if rest == "alpha":
            alphas[layers[layer]] = tensor.item()
        else:
            state[f"{layers[layer]}.{'lora_A' if rest == 'lora_down.weight' else 'lora_B'}.weight"] = tensor
    config = LoraConfig(r=RANK, lora_alpha=next(iter(alphas.values())), target_modules=list(alphas), alpha_pattern=alphas)
    inject_adapter_in_model(config, network)
    set_peft_model_state_dict(network, state)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="build/release/bin/gsv3d")
    program = parser.parse_args().program
    torch.manual_seed(0)
    state = unet().state_dict()
    plain, wanted_network = views(unet(state)), adapted(state)
    wanted = views(wanted_network)
    effect = (wanted - plain).abs().max().item()
    print(f"the adapter changes the UNet's result by up to {effect:.3g}")
    wrong = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "config.json").write_text(json.dumps(program_config()))
        run = lambda *arguments: subprocess.run([program, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)
        run("model", "init", folder / "config.json", "-o", folder / "model")
        tensors = {f"unet.{key}": value.contiguous() for key, value in get_peft_model_state_dict(wanted_network).items()}
        metadata = {"unet.r": RANK, "unet.lora_alpha": ALPHA, "unet.target_modules": TARGETS}
        save_file(tensors, folder / "adapter.safetensors", {"lora_adapter_metadata": json.dumps(metadata)})
        run("import", "--lora", folder / "adapter.safetensors", "-o", folder / "model")
        for label, names, load in (("load_lora_adapter, diffusers' names", "diffusers", load_diffusers),
                                   ("PEFT, diffusers' names", "diffusers", load_by_hand),
                                   ("PEFT, kohya's names", "kohya", load_kohya)):
            path = folder / f"{names}.safetensors"
            run("model", "lora", folder / "model", "--names", names, "-o", path)
            network = unet(state)
            load(network, path)
            difference = (views(network) - wanted).abs().max().item() / effect
            print(f"{label}: {difference:.2e} of the effect")
            wrong += not difference < 1e-5
        run("model", "lora", folder / "model", "--names", "peft", "-o", folder / "peft.safetensors")
        with safe_open(folder / "peft.safetensors", "pt") as file:
            print(f"PEFT's names over Stability AI's layers: {len(list(file.keys()))} tensors, for example {sorted(file.keys())[0]}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
