// gsv3d info: what this build can do, what the machine offers, and what a model folder holds.
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/csrc/api/include/torch/version.h>

#include "commands.h"
#include "core/device.h"
#include "core/error.h"
#include "core/safetensors.h"
#include "pipeline/model_folder.h"
#include "run_options.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

std::string on_off(bool value) {
  return value ? "on" : "off";
}

void print_build() {
  fmt::print("gsv3d {}\n", GSV3D_VERSION);
  fmt::print("LibTorch     {} ({})\n", TORCH_VERSION, at::Context::hasCUDA() ? "CUDA" : "CPU");
  fmt::print("parts        pictures {}, matting {}, video {}, object files {}, Embree {}\n", on_off(GSV3D_WITH_IMAGE_FILES),
             on_off(GSV3D_WITH_MATTING), on_off(GSV3D_WITH_VIDEO), on_off(GSV3D_WITH_OBJECT_FILES), on_off(GSV3D_WITH_EMBREE));
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
    int64_t count = 1;
    for (const int64_t extent : entry.shape) count *= extent;
    size.parameters += count;
  }
  size.tensors = static_cast<int64_t>(file.entries().size());
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

void print_model(const fs::path& folder) {
  const ModelConfig config = read_model_config(folder);
  fmt::print("model        {} in {}\n", config.name, folder.string());
  fmt::print("  {} views of {} x {} pixels, {} steps, elevation {} degrees unless given\n", config.frames, config.image_size,
             config.image_size, config.sampler.steps, config.elevation_degrees);
  for (const std::string& part : model_part_names()) print_part(part, folder / (part + ".safetensors"));
  const fs::path lora = folder / "distilled_lora.safetensors";
  if (fs::exists(lora)) print_part("distilled_lora", lora);
}

}  // namespace

void add_info_command(CLI::App& app) {
  auto* command = app.add_subcommand("info", "Version, libraries, devices, and what a model folder holds");
  auto model = std::make_shared<fs::path>();
  command->add_option("--model", *model, "model folder (default: $GSV3D_MODEL, else the embedded tiny model)");
  command->callback([model] {
    print_build();
    print_machine();
    print_model(model->empty() ? default_model_folder() : *model);
  });
}

}  // namespace gsv3d
