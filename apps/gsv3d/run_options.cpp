#include "run_options.h"

#include <ATen/Parallel.h>

#include <charconv>
#include <cstdlib>

#include "core/device.h"
#include "core/error.h"
#include "core/log.h"
#include "core/progress.h"
#include "models/model_folder.h"

namespace gsv3d {

namespace fs = std::filesystem;

fs::path default_model_folder() {
  if (const char* given = std::getenv("GSV3D_MODEL"); given && *given) return given;
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (!error) {
    const fs::path installed = program.parent_path().parent_path() / "share" / "gsv3d" / "models" / "tiny";
    if (fs::is_directory(installed, error)) return installed;
  }
  return GSV3D_DEFAULT_MODEL;
}

CLI::Validator number_between(double low, double high) {
  const auto check = [low, high](std::string& text) {
    double value = 0;
    const bool fits = CLI::detail::lexical_cast(text, value) && value >= low && value <= high;
    return fits ? std::string() : fmt::format("{} is not a number from {:.10g} to {:.10g}", text, low, high);
  };
  return {check, high < 1e6 ? fmt::format("{} to {}", low, high) : ""};
}

CLI::Validator whole_number() {
  const auto check = [](std::string& text) {
    uint64_t value = 0;
    const char* end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, value);
    return parsed.ec == std::errc() && parsed.ptr == end ? std::string() : text + " is not a whole number from 0 to 2^64 - 1";
  };
  return {check, ""};
}

void RunOptions::add_to(CLI::App& command) {
  command.add_option("--model", model, "model folder (default: $GSV3D_MODEL, else the embedded tiny model)");
  command.add_option("--device", device, "cpu, cuda, cuda:N or auto")->capture_default_str();
  command.add_option("--dtype", dtype, "precision of matrix products: fp32, bf16, fp16 or auto")->capture_default_str();
  command.add_option("--threads", threads, "CPU threads (default: OMP_NUM_THREADS, else one per core)")
      ->check(CLI::Range(1, 1024));
  command.add_flag("--quiet", quiet, "print errors and warnings only");
}

void RunOptions::apply() const {
  if (threads > 0) at::set_num_threads(threads);
  init_logging(quiet);
  Progress::set_quiet(quiet);
}

at::Device RunOptions::chosen_device() const {
  return parse_device(device);
}

at::ScalarType RunOptions::chosen_dtype() const {
  if (dtype != "auto") return parse_dtype(dtype);
  const at::Device place = chosen_device();
  if (place.is_cuda()) return at::kBFloat16;
  // Below this width, converting weights and activations costs a CPU more than its bf16 products save: the embedded model (64
  // channels) takes 3.05 s of CPU time per photo in bf16 and 2.85 s in fp32.
  constexpr int64_t wide_enough = 192;
  const bool wide = read_model_config(model_folder()).unet.model_channels >= wide_enough;
  return wide && prefers_bfloat16(place) ? at::kBFloat16 : at::kFloat;
}

}  // namespace gsv3d
