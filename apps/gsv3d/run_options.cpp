#include "run_options.h"

#include <ATen/Parallel.h>

#include <charconv>

#include "core/device.h"
#include "core/error.h"
#include "core/log.h"
#include "core/progress.h"

namespace gsv3d {

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
  return dtype == "auto" ? default_dtype(read_model_config(model_folder()), chosen_device()) : parse_dtype(dtype);
}

}  // namespace gsv3d
