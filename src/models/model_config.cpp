// config.json of a model folder: reading, and checking that the parts fit each other before any weight is touched.
#include <algorithm>
#include <cmath>
#include <set>

#include "core/error.h"
#include "models/model_folder.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

/// Collects what every check needs: where the configuration comes from begins each message.
struct Checker {
  const std::string& where;

  void positive(const char* key, int64_t value, int64_t limit = 1'000'000) const {
    require(value >= 1 && value <= limit, "{}: {} = {} is outside 1 … {}", where, key, value, limit);
  }
  void range(const char* key, double value, double low, double high) const {
    require(value >= low && value <= high, "{}: {} = {} is outside {} … {}", where, key, value, low, high);
  }
  void equal(const char* key, int64_t value, const char* other_key, int64_t other) const {
    require(value == other, "{}: {} = {} does not fit {} = {}", where, key, value, other_key, other);
  }
  void divides(const char* key, int64_t divisor, const char* other_key, int64_t value) const {
    require(divisor > 0 && value % divisor == 0, "{}: {} = {} is not a multiple of {} = {}", where, other_key, value, key,
            divisor);
  }
  void levels(const char* key, const std::vector<int64_t>& values, size_t limit) const {
    require(!values.empty() && values.size() <= limit, "{}: {} needs 1 … {} entries, found {}", where, key, limit, values.size());
    for (const int64_t value : values) positive(key, value);
  }
  void per_channel(const char* key, const std::vector<double>& values, size_t count, const char* counted_by) const {
    require(values.size() == count, "{}: {} has {} numbers, {} asks for {}", where, key, values.size(), counted_by, count);
    for (const double value : values) require(std::isfinite(value), "{}: {} holds a number that is not finite", where, key);
  }
};

void check_views(const ModelConfig& c, const Checker& check) {
  check.positive("image_size", c.image_size, 4096);
  check.range("frames", static_cast<double>(c.frames), 2, 1024);
  require(c.vector_dimensions.size() == 1 || c.vector_dimensions.size() == 3,
          "{}: vector_dimensions needs one entry (cond_aug) or three (cond_aug, polar, azimuth), found {}", check.where,
          c.vector_dimensions.size());
  check.levels("vector_dimensions", c.vector_dimensions, 3);
  for (const int64_t dimension : c.vector_dimensions) check.divides("2", 2, "vector_dimensions", dimension);
  check.range("cond_aug", c.cond_aug, 0, 1);
  check.range("image_frame_ratio", c.image_frame_ratio, 0.05, 1);
  check.range("elevation_degrees", c.elevation_degrees, -89, 89);
  check.range("radius", c.radius, 0.1, 1000);
  check.range("fov_y_degrees", c.fov_y_degrees, 1, 170);
  check.range("lora_rank", static_cast<double>(c.lora_rank), 0, 4096);
  check.range("lora_alpha", c.lora_alpha, 0, 1e6);
}

void check_vae(const ModelConfig& c, const Checker& check) {
  const AutoencoderConfig& vae = c.vae;
  check.positive("vae.z_channels", vae.z_channels, 1024);
  require(vae.in_channels == 3 || vae.in_channels == 4, "{}: vae.in_channels = {} must be 3 (RGB) or 4 (RGB and alpha)",
          check.where, vae.in_channels);
  check.equal("vae.out_ch", vae.out_ch, "vae.in_channels", vae.in_channels);
  check.positive("vae.patch_size", vae.patch_size, 16);
  check.positive("vae.ch", vae.ch, 8192);
  check.levels("vae.ch_mult", vae.ch_mult, 8);
  check.positive("vae.num_res_blocks", vae.num_res_blocks, 64);
  for (const int64_t multiple : vae.ch_mult)
    check.divides("vae.norm_groups", vae.norm_groups, "vae.ch · ch_mult", vae.ch * multiple);
  require(vae.scale_factor > 0 && std::isfinite(vae.scale_factor), "{}: vae.scale_factor must be above 0", check.where);
  check.per_channel("vae.latent_shift", vae.latent_shift, vae.latent_scale.size(), "vae.latent_scale");
  if (vae.scales_channels())
    check.per_channel("vae.latent_scale", vae.latent_scale, static_cast<size_t>(vae.z_channels), "vae.z_channels");
  for (const double scale : vae.latent_scale) check.range("vae.latent_scale", scale, 1e-6, 1e6);
  check.divides("vae downsampling", vae.downsampling(), "image_size", c.image_size);
}

void check_unet(const ModelConfig& c, const Checker& check) {
  const VideoUNetConfig& unet = c.unet;
  check.equal("unet.in_channels", unet.in_channels, "2 · vae.z_channels", 2 * c.vae.z_channels);
  check.equal("unet.out_channels", unet.out_channels, "vae.z_channels", c.vae.z_channels);
  check.positive("unet.model_channels", unet.model_channels, 8192);
  check.levels("unet.channel_mult", unet.channel_mult, 8);
  check.positive("unet.num_res_blocks", unet.num_res_blocks, 64);
  check.positive("unet.transformer_depth", unet.transformer_depth, 64);
  check.positive("unet.num_head_channels", unet.num_head_channels, 8192);
  int64_t sum = 0;
  for (const int64_t dimension : c.vector_dimensions) sum += dimension;
  check.equal("unet.adm_in_channels", unet.adm_in_channels, "the sum of vector_dimensions", sum);
  check.equal("unet.context_dim", unet.context_dim, "image_embedder.embed_dim", c.image_embedder.embed_dim);
  const std::set<int64_t> attention(unet.attention_resolutions.begin(), unet.attention_resolutions.end());
  int64_t downsampling = 1;
  for (const int64_t multiple : unet.channel_mult) {
    const int64_t channels = unet.model_channels * multiple;
    check.divides("unet.norm_groups", unet.norm_groups, "unet.model_channels · channel_mult", channels);
    if (attention.count(downsampling)) check.divides("unet.num_head_channels", unet.num_head_channels, "unet channels", channels);
    downsampling *= 2;
  }
  check.divides("unet downsampling", downsampling / 2, "latent size", c.image_size / c.vae.downsampling());
}

void check_encoders(const ModelConfig& c, const Checker& check) {
  const ImageEmbedderConfig& clip = c.image_embedder;
  check.positive("image_embedder.image_size", clip.image_size, 4096);
  check.divides("image_embedder.patch_size", clip.patch_size, "image_embedder.image_size", clip.image_size);
  check.positive("image_embedder.width", clip.width, 65536);
  check.positive("image_embedder.layers", clip.layers, 512);
  check.positive("image_embedder.embed_dim", clip.embed_dim, 65536);
  check.divides("image_embedder.head_width", clip.head_width, "image_embedder.width", clip.width);
  const Dinov2Config& dino = c.dino;
  check.positive("dino.image_size", dino.image_size, 4096);
  check.positive("dino.pretrain_image_size", dino.pretrain_image_size, 4096);
  check.divides("dino.patch_size", dino.patch_size, "dino.image_size", dino.image_size);
  check.positive("dino.embed_dim", dino.embed_dim, 65536);
  check.positive("dino.depth", dino.depth, 512);
  check.positive("dino.mlp_ratio", dino.mlp_ratio, 64);
  check.range("dino.num_register_tokens", static_cast<double>(dino.num_register_tokens), 0, 1024);
  check.divides("dino.num_heads", dino.num_heads, "dino.embed_dim", dino.embed_dim);
}

void check_decoder(const ModelConfig& c, const Checker& check) {
  const GaussianDecoderConfig& decoder = c.gaussian_decoder;
  check.equal("gaussian_decoder.latent_channels", decoder.latent_channels, "vae.z_channels", c.vae.z_channels);
  if (decoder.context_dim != 0)  // 0: without the photo's tokens
    check.equal("gaussian_decoder.context_dim", decoder.context_dim, "dino.embed_dim", c.dino.embed_dim);
  check.divides("gaussian_decoder.patch_size", decoder.patch_size, "latent size", c.image_size / c.vae.downsampling());
  check.positive("gaussian_decoder.width", decoder.width, 65536);
  check.positive("gaussian_decoder.depth", decoder.depth, 512);
  check.positive("gaussian_decoder.mlp_ratio", decoder.mlp_ratio, 64);
  check.divides("gaussian_decoder.num_heads", decoder.num_heads, "gaussian_decoder.width", decoder.width);
  check.levels("gaussian_decoder.upsampler_widths", decoder.upsampler_widths, 8);
  check.positive("gaussian_decoder.upsampler_window", decoder.upsampler_window, 4096);
  for (const int64_t width : decoder.upsampler_widths) {
    check.divides("gaussian_decoder.upsampler_heads", decoder.upsampler_heads, "gaussian_decoder.upsampler_widths", width);
  }
  check.range("gaussian_decoder.sh_degree", static_cast<double>(decoder.sh_degree), 0, 3);
  require(decoder.near > 0 && decoder.near < decoder.far, "{}: gaussian_decoder.near = {} and far = {} must be 0 < near < far",
          check.where, decoder.near, decoder.far);
  require(decoder.min_scale > 0 && decoder.min_scale < decoder.max_scale,
          "{}: gaussian_decoder.min_scale = {} and max_scale = {} must be 0 < min_scale < max_scale", check.where,
          decoder.min_scale, decoder.max_scale);
  check_gaussian_decoder(decoder);
  if (decoder.pixel_aligned) {
    check.range("gaussian_decoder.pixel_aligned.views", static_cast<double>(decoder.pixel_aligned->views), 1,
                static_cast<double>(c.frames));
    check.divides("gaussian_decoder.pixel_aligned's halvings", int64_t{1} << decoder.pixel_aligned->widths.size(), "image_size",
                  c.image_size);
  }
  require(!decoder.hull || decoder.hull->silhouettes != "alpha" || c.vae.out_ch == 4,
          "{}: gaussian_decoder.hull.silhouettes \"alpha\" needs an autoencoder with alpha (vae.out_ch 4); \"features\" does not",
          check.where);
}

void check_sampler(const SamplerConfig& sampler, const Checker& check) {
  check_settings(sampler, check.where + ": sampler");
  require(sampler.sigma_min < sampler.sigma_max, "{}: sampler.sigma_min = {} is not below sigma_max = {}", check.where,
          sampler.sigma_min, sampler.sigma_max);
}

}  // namespace

void check_model_config(const ModelConfig& config, const std::string& where) {
  const Checker check{where};
  check_views(config, check);
  check_vae(config, check);
  check_unet(config, check);
  check_encoders(config, check);
  check_decoder(config, check);
  check_sampler(config.sampler, check);
}

ModelConfig read_model_config(const fs::path& folder) {
  std::error_code error;
  require(fs::is_directory(folder, error), "{}: no such model folder", folder.string());
  const fs::path path = folder / "config.json";
  require(fs::exists(path, error), "{}: not a model folder: it has no config.json", folder.string());
  const ModelConfig config = config_from_json<ModelConfig>(read_json_file(path), path.string());
  check_model_config(config, path.string());
  return config;
}

const std::vector<std::string>& model_part_names() {
  static const std::vector<std::string> names = {"vae", "image_embedder", "unet", "dino", "gaussian_decoder"};
  return names;
}

void write_model_config(const fs::path& folder, const ModelConfig& config) {
  write_json_file(folder / "config.json", config_to_json(config));
}

}  // namespace gsv3d
