"""The Python peer of bench_views: diffusers' StableVideoDiffusionPipeline with networks of SV3D's structure and random weights.

  diffusers_views.py WIDTH SIZE STEPS THREADS fp32|bf16     lines as bench_views has them

bench/peers/compare_views.sh installs what it needs into an environment of its own and runs both sides in turn. Both make 21 views
of 8 SIZE pixels from one photo, both halves of the guidance together, 8 views decoded at a time. Where the two differ:
- The autoencoder is a plain AutoencoderKL without post_quant_conv, which the pipeline takes as well, instead of Stable Video
  Diffusion's AutoencoderKLTemporalDecoder: SV3D's views are decoded without layers over time, so this is the same work.
- The pipeline gives the UNet three numbers (frame rate, motion, noise); here it gets five, so that the embedding is as wide as
  that of SV3D's cameras.
- Guidance grows from the first to the last frame (SV3D: a triangle), and noise levels come from EulerDiscreteScheduler with
  Karras' spacing from 700 to 0.002, in float32, as here.
- In bf16 everything here is bf16; bench_views keeps biases, norms and the sampler's latents in float32.
"""
import sys
import time

import numpy
import torch
from diffusers import AutoencoderKL, EulerDiscreteScheduler, StableVideoDiffusionPipeline
from diffusers_unet import FRAMES, make_unet, reset_peak, resident
from PIL import Image
from transformers import CLIPImageProcessor, CLIPVisionConfig, CLIPVisionModelWithProjection


def make_pipeline(width, dtype):
    """Widths as in bench/random_sv3d.h."""
    unet = make_unet(width).to(dtype)
    channels = 32 * max(1, (width * 128 + 5120) // 10240)
    vae = AutoencoderKL(in_channels=3, out_channels=3, latent_channels=4, layers_per_block=2,
                        block_out_channels=(channels, 2 * channels, 4 * channels, 4 * channels),
                        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
                        use_post_quant_conv=False, force_upcast=False)
    heads = max(1, width // 20)
    image_encoder = CLIPVisionModelWithProjection(CLIPVisionConfig(
        hidden_size=80 * heads, intermediate_size=320 * heads, projection_dim=1024, num_hidden_layers=32, num_attention_heads=heads,
        image_size=224, patch_size=14, hidden_act="gelu"))
    scheduler = EulerDiscreteScheduler(
        prediction_type="v_prediction", use_karras_sigmas=True, sigma_min=0.002, sigma_max=700, timestep_type="continuous",
        timestep_spacing="leading", steps_offset=1, beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012)
    pipeline = StableVideoDiffusionPipeline(vae.to(dtype).eval(), image_encoder.to(dtype).eval(), unet, scheduler,
                                            CLIPImageProcessor())
    pipeline.set_progress_bar_config(disable=True)
    pipeline._get_add_time_ids = lambda *_: torch.rand(2, 5, dtype=dtype)
    return pipeline


class StageClock:
    """Prints what each stage took since the one before, and the sum."""

    def __init__(self, row):
        self.row, self.start = row, (time.process_time(), time.perf_counter())
        self.last = self.start

    def __call__(self, stage):
        now = time.process_time(), time.perf_counter()
        self.print(stage, self.last, now)
        self.last = now

    def print_total(self):
        self.print("total", self.start, self.last)

    def print(self, stage, begin, end):
        print(self.row, stage, *(f"{b - a:.3f}" for a, b in zip(begin, end)), flush=True)


def run(width, size, steps, threads, name):
    torch.set_num_threads(threads)
    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[name]
    pipeline = make_pipeline(width, dtype)
    pixels = 8 * size
    photo = Image.fromarray(numpy.random.default_rng(2).integers(0, 256, (pixels, pixels, 3), dtype=numpy.uint8))
    encode, decode = pipeline._encode_vae_image, pipeline.decode_latents

    def timed_encode(image, **keywords):
        latents = encode(image.to(dtype), **keywords)  # the pipeline leaves the photo in float32, which a bf16 autoencoder refuses
        stage("photo")
        return latents

    def timed_decode(*arguments):
        stage("steps")
        return decode(*arguments)

    pipeline._encode_vae_image, pipeline.decode_latents = timed_encode, timed_decode
    reset_peak()
    before = resident("VmRSS:")
    stage = StageClock(f"diffusers {name}")
    views = pipeline(photo, height=pixels, width=pixels, num_frames=FRAMES, num_inference_steps=steps, min_guidance_scale=1,
                     max_guidance_scale=2.5, decode_chunk_size=8, noise_aug_strength=1e-5, output_type="pt").frames
    stage("decoding")
    stage.print_total()
    print(f"diffusers {name} peak_mb {resident('VmHWM:'):.0f} {before:.0f}")
    assert views.shape == (1, FRAMES, 3, pixels, pixels) and views.isfinite().all()


if __name__ == "__main__":
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    run(*(int(value) for value in sys.argv[1:5]), sys.argv[5])
