#include "models/memory_plan.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>

#include "core/error.h"
#include "models/sv3d_source.h"

namespace gsv3d {
namespace {

constexpr int64_t default_chunk = 8;

int64_t part_bytes(const std::string& part, const ModelConfig& config, at::ScalarType dtype) {
  int64_t bytes = 0;
  for (const auto& [name, tensor] : part_shapes(part, config))
    bytes += tensor.numel() * static_cast<int64_t>(tensor.dim() <= 1 ? 4 : c10::elementSize(dtype));
  return bytes;
}

/// One clip through the UNet, in numbers: what the skip connections keep, and the last blocks of the widest level, where an input
/// of three widths, its norm and the convolution's reordered copy of it are alive beside the output.
int64_t unet_activations(const ModelConfig& config) {
  const VideoUNetConfig& unet = config.unet;
  constexpr int64_t live_widths = 10;
  int64_t side = config.image_size / config.vae.downsampling(), skips = unet.model_channels * side * side, widest = 0;
  for (size_t level = 0; level < unet.channel_mult.size(); ++level) {
    const int64_t layer = unet.channel_mult[level] * unet.model_channels * side * side;
    skips += unet.num_res_blocks * layer;
    widest = std::max(widest, layer);
    if (level + 1 < unet.channel_mult.size()) skips += layer / 4, side /= 2;
  }
  return config.frames * (skips + live_widths * widest);
}

/// One view through the decoder, in numbers: the first block at full size takes the width of the level below.
int64_t decoder_activations(const ModelConfig& config) {
  const AutoencoderConfig& vae = config.vae;
  const int64_t width = vae.ch * (vae.ch_mult.size() > 1 ? vae.ch_mult[1] : vae.ch_mult[0]);
  constexpr int64_t live = 5;  // input, norm, upsampled input, and the convolution's two reordered copies
  const int64_t side = config.image_size / vae.patch_size;
  return live * width * side * side;
}

std::optional<int64_t> first_number(const char* path) {
  std::ifstream file(path);
  int64_t value = 0;
  return file >> value ? std::optional<int64_t>(value) : std::nullopt;
}

/// The value behind a key of a file of the proc file system, bytes.
std::optional<int64_t> kilobytes_of(const char* path, const std::string& wanted) {
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line))
    if (line.starts_with(wanted)) return 1024 * std::strtoll(line.c_str() + wanted.size(), nullptr, 10);
  return {};
}

double gigabytes(int64_t bytes) {
  return static_cast<double>(bytes) / 1e9;
}

}  // namespace

int64_t MemoryPlan::peak(GuidanceBatch batch, int64_t chunk) const {
  return program + weights + std::max(batch == GuidanceBatch::kJoint ? sampling_joint : sampling_split, chunk * decoding_view);
}

MemoryPlan plan_memory(const ModelConfig& config, at::ScalarType dtype) {
  MemoryPlan plan;
  plan.weights = part_bytes("unet", config, dtype) + part_bytes("image_embedder", config, dtype) +
                 part_bytes("vae", config, vae_dtype(dtype));
  const auto bytes = static_cast<int64_t>(c10::elementSize(dtype));
  plan.sampling_split = bytes * unet_activations(config);
  plan.sampling_joint = 2 * plan.sampling_split;
  plan.decoding_view = static_cast<int64_t>(c10::elementSize(vae_dtype(dtype))) * decoder_activations(config);
  plan.program = 300'000'000 + 3 * 4 * config.vae.out_ch * config.frames * config.image_size * config.image_size;
  return plan;
}

std::optional<int64_t> available_memory() {
  std::optional<int64_t> available = kilobytes_of("/proc/meminfo", "MemAvailable:");
  const auto limit = first_number("/sys/fs/cgroup/memory.max"), used = first_number("/sys/fs/cgroup/memory.current");
  if (available && limit && used) available = std::min(*available, std::max<int64_t>(*limit - *used, 0));
  return available;
}

MemoryChoice fitted_to(const MemoryChoice& choice, const MemoryPlan& plan, int64_t frames, int64_t available) {
  MemoryChoice fitted = choice;
  const int64_t room = available - plan.program;
  const int64_t others = std::max<int64_t>(frames - 1, 1);  // view 0 is the photo itself
  if (!fitted.guidance_batch) fitted.guidance_batch = plan.sampling_joint <= room ? GuidanceBatch::kJoint : GuidanceBatch::kSplit;
  if (!fitted.decode_chunk)
    fitted.decode_chunk =
        std::clamp<int64_t>(room / std::max<int64_t>(plan.decoding_view, 1), 1, std::min(default_chunk, others));
  const bool joint = *fitted.guidance_batch == GuidanceBatch::kJoint;
  const int64_t sampling = joint ? plan.sampling_joint : plan.sampling_split,
                decoding = *fitted.decode_chunk * plan.decoding_view;
  require(sampling <= room, "sampling needs {:.1f} GB beside the weights, {:.1f} GB are free: {}", gigabytes(sampling),
          gigabytes(std::max<int64_t>(room, 0)),
          joint ? "leave out --guidance-batch joint" : "use fewer --frames, a smaller --size or --dtype bf16");
  require(decoding <= room, "decoding {} views at a time needs {:.1f} GB beside the weights, {:.1f} GB are free: use {}",
          *fitted.decode_chunk, gigabytes(decoding), gigabytes(std::max<int64_t>(room, 0)),
          *fitted.decode_chunk > 1 ? "a smaller --decode-chunk" : "a smaller --size");
  return fitted;
}

MemoryChoice fitted_to_memory(const MemoryChoice& choice, const Model& model) {
  const auto available = model.device.is_cpu() ? available_memory() : std::nullopt;
  const MemoryPlan plan = plan_memory(model.config, model.dtype);
  // Weights that are mapped count as available memory, but must stay there.
  const int64_t mapped = std::max<int64_t>(plan.weights - kilobytes_of("/proc/self/status", "RssAnon:").value_or(0), 0);
  if (available) return fitted_to(choice, plan, model.config.frames, *available - mapped);
  MemoryChoice fitted = choice;
  if (!fitted.decode_chunk) fitted.decode_chunk = default_chunk;
  return fitted;
}

}  // namespace gsv3d
