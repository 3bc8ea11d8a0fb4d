// gsv3d info: what this build can do, what the machine offers, and what a model folder holds.
#include <ATen/Context.h>
#include <ATen/Parallel.h>

#include "commands.h"
#include "core/device.h"
#include "core/error.h"
#include "core/int8_weights.h"
#include "core/safetensors.h"
#include "models/memory_plan.h"
#include "run_options.h"
#include "version.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

struct InfoArguments {
  fs::path model;
  int64_t frames = 0, size = 0;  ///< 0: the model's
};

void print_build() {
  fmt::print("{}\n", version_text());
}

void print_machine() {
  fmt::print("CPU          {} instructions, {} threads, bf16 {}\n", at::get_cpu_capability(), at::get_num_threads(),
             prefers_bfloat16(at::kCPU) ? "in hardware" : "emulated");
  const int64_t gpus = at::Context::hasCUDA() ? static_cast<int64_t>(at::detail::getCUDAHooks().deviceCount()) : 0;
  fmt::print("GPUs         {}\n", gpus);
}

struct PartSize {
  int64_t tensors = 0, parameters = 0;
  uintmax_t bytes = 0;
};

PartSize measure(const fs::path& path) {
  PartSize size;
  const SafetensorsFile file(path);
  for (const auto& [name, entry] : file.entries()) {
    if (is_row_scale(name)) continue;
    ++size.tensors;
    int64_t count = 1;
    for (const int64_t extent : entry.shape) count *= extent;
    size.parameters += count;
  }
  size.bytes = fs::file_size(path);
  return size;
}

void print_part(const std::string& name, const fs::path& path) {
  if (!fs::exists(path)) {
    fmt::print("  {:<18} missing\n", name);
    return;
  }
  const PartSize size = measure(path);
  fmt::print("  {:<18} {:>8.2f} M parameters in {:>4} tensors, {:>8.2f} MB\n", name, static_cast<double>(size.parameters) / 1e6,
             size.tensors, static_cast<double>(size.bytes) / 1e6);
}

/// What `gsv3d generate` will need at its largest, and what this machine has.
void print_memory(const ModelConfig& config) {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    const MemoryPlan plan = plan_memory(config, dtype);
    const auto gigabytes = [](int64_t bytes) { return static_cast<double>(bytes) / 1e9; };
    constexpr int64_t chunk = 8;
    fmt::print(
        "  memory, {}: {:.1f} GB at the peak with 8 views decoded at a time, {:.1f} GB at the least (--guidance-batch split "
        "--decode-chunk 1)\n",
        dtype_name(dtype), gigabytes(plan.peak(GuidanceBatch::kJoint, std::min(chunk, config.frames - 1))),
        gigabytes(plan.peak(GuidanceBatch::kSplit, 1)));
    fmt::print("    weights {:.2f}, a step {:.2f} or {:.2f} (split), decoding {:.2f} per view, program {:.2f}\n",
               gigabytes(plan.weights), gigabytes(plan.sampling_joint), gigabytes(plan.sampling_split),
               gigabytes(plan.decoding_view), gigabytes(plan.program));
  }
  if (const auto available = available_memory())
    fmt::print("  available here: {:.1f} GB\n", static_cast<double>(*available) / 1e9);
}

void print_model(const fs::path& folder, const InfoArguments& arguments) {
  ModelConfig config = read_model_config(folder);
  if (arguments.frames > 0) config.frames = arguments.frames;
  if (arguments.size > 0) config.image_size = arguments.size;
  check_model_config(config, fmt::format("--frames {} --size {}", config.frames, config.image_size));
  fmt::print("model        {} in {}\n", config.name, folder.string());
  fmt::print("  {} views of {} x {} pixels, {} steps, elevation {} degrees unless given\n", config.frames, config.image_size,
             config.image_size, config.sampler.steps, config.elevation_degrees);
  for (const std::string& part : model_part_names()) {
    const fs::path file = folder / (part + ".safetensors");
    // Most models make no pictures from words, or decode them with the autoencoder of the views.
    if (!part.starts_with("text_") || fs::exists(file)) print_part(part, file);
  }
  const fs::path lora = folder / "distilled_lora.safetensors";
  if (fs::exists(lora)) print_part("distilled_lora", lora);
  print_memory(config);
}

}  // namespace

void add_info_command(CLI::App& app) {
  auto* command = app.add_subcommand("info", "Version, libraries, devices, and what a model folder holds");
  auto arguments = std::make_shared<InfoArguments>();
  InfoArguments& a = *arguments;
  command->add_option("--model", a.model, "model folder (default: $GSV3D_MODEL, else the embedded tiny model)");
  command->add_option("--frames", a.frames, "views whose memory is foretold (default: the model's)")->check(CLI::Range(2, 1024));
  command->add_option("--size", a.size, "pixels of a view (default: the model's)")->check(CLI::Range(8, 4096));
  command->callback([arguments] {
    print_build();
    print_machine();
    print_model(arguments->model.empty() ? default_model_folder() : arguments->model, *arguments);
  });
}

}  // namespace gsv3d
