// gsv3d doctor: is everything there that a photo needs? Machine, build, GPU, model folder and one small run, as a report that
// users can paste into an issue.
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <pwd.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <thread>

#include "commands.h"
#include "core/atomic_file.h"
#include "core/crc32c.h"
#include "core/device.h"
#include "core/error.h"
#include "core/safetensors.h"
#include "doctor_report.h"
#include "error_line.h"
#include "models/memory_plan.h"
#include "pipeline/pipeline.h"
#include "run_options.h"
#include "version.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

struct DoctorArguments {
  RunOptions run;
  fs::path output = ".";
  bool no_run = false;
};

constexpr double gigabyte = 1e9;

/// Free space below which results may not fit: a photo's take up to 30 MB, and a model's import more.
constexpr double least_disk_gigabytes = 0.2;

/// Models with more channels take minutes on a CPU.
constexpr int64_t most_channels_on_cpu = 192;

std::string home_folder() {
  if (const char* home = std::getenv("HOME")) return home;
  const passwd* user = ::getpwuid(::getuid());
  return user ? user->pw_dir : "";
}

/// The value behind `key` in a text file of lines "key…value", without quotes; empty when there is none.
std::string value_in(const fs::path& file, const std::string& key) {
  std::error_code error;
  if (!fs::exists(file, error)) return "";
  std::FILE* stream = std::fopen(file.c_str(), "r");
  if (!stream) return "";
  std::string value;
  for (char line[512]; value.empty() && std::fgets(line, sizeof line, stream);) {
    const std::string text = line;
    if (text.starts_with(key)) value = text.substr(std::min(text.find_first_not_of(" \t:=\"", key.size()), text.size()));
  }
  std::fclose(stream);
  value.erase(value.find_last_not_of("\"\n ") + 1);
  return value;
}

void check_machine(DoctorReport& report) {
  utsname system{};
  ::uname(&system);
  report.fact("system", fmt::format("{}, {} {} {}", value_in("/etc/os-release", "PRETTY_NAME"), system.sysname, system.release,
                                    system.machine));
  report.fact("processor",
              fmt::format("{}, {} cores, {} threads used, {} instructions, bf16 {}", value_in("/proc/cpuinfo", "model name"),
                          std::thread::hardware_concurrency(), at::get_num_threads(), at::get_cpu_capability(),
                          prefers_bfloat16(at::kCPU) ? "in hardware" : "emulated"));
  for (const char* name : {"GSV3D_MODEL", "OMP_NUM_THREADS", "OMP_WAIT_POLICY", "CUDA_VISIBLE_DEVICES", "LD_PRELOAD", "LC_ALL"})
    if (const char* value = std::getenv(name)) report.fact("environment", fmt::format("{}={}", name, value));
}

void check_build(DoctorReport& report) {
  std::string text = version_text();
  for (size_t begin = 0, end = 0; begin < text.size(); begin = end + 1) {
    end = std::min(text.find('\n', begin), text.size());
    report.fact(begin == 0 ? "program" : "", text.substr(begin, end - begin));
  }
  for (const auto& [name, there] : built_parts())
    if (name == "pictures" && !there) report.failed("pictures", "built without libvips: photos can only be PNG");
}

/// One product, so that a driver that does not fit shows here.
void check_gpu(DoctorReport& report) {
  if (!at::Context::hasCUDA())
    return report.fact("GPU", "this build has no CUDA, or no GPU is visible: everything runs on the CPU");
  const auto count = static_cast<int64_t>(at::detail::getCUDAHooks().deviceCount());
  if (count == 0) return report.fact("GPU", "none is visible: everything runs on the CPU");
  for (int64_t i = 0; i < count; ++i) {
    const std::string name = fmt::format("GPU {}", i);
    try {
      const Tensor ones = at::ones({64, 64}, at::device(at::Device(at::kCUDA, static_cast<int8_t>(i))));
      const double sum = at::matmul(ones, ones).sum().item<double>();
      require(sum == 64.0 * 64 * 64, "a product of matrices is wrong");
      report.passed(name, "multiplies matrices");
    } catch (const std::exception& error) {
      report.failed(name, error_line(error) + ": does the driver fit this build's CUDA? (--device cpu works without it)");
    }
  }
}

void check_disk(DoctorReport& report, const fs::path& folder) {
  try {
    const fs::path probe = folder / ".gsv3d-doctor";
    write_file(probe, "may be removed");
    fs::remove(probe);
    const double free = static_cast<double>(fs::space(folder).available) / gigabyte;
    const std::string text = fmt::format("{} can be written, {:.1f} GB free", folder.string(), free);
    if (free < least_disk_gigabytes) return report.failed("disk", text + ": less than results need");
    report.passed("disk", text);
  } catch (const std::exception& error) {
    report.failed("disk", error_line(error) + ": choose another folder with --output");
  }
}

void check_memory(DoctorReport& report, const ModelConfig& config, at::ScalarType dtype) {
  const auto available = available_memory();
  if (!available) return report.skipped("memory", "this system does not say how much is free");
  const double least = static_cast<double>(plan_memory(config, dtype).peak(GuidanceBatch::kSplit, 1)) / gigabyte,
               free = static_cast<double>(*available) / gigabyte;
  const std::string text = fmt::format("{:.1f} GB free, {:.1f} GB needed at the least in {}", free, least, dtype_name(dtype));
  free < least ? report.failed("memory", text) : report.passed("memory", text);
}

/// Sizes and sums of the files, with which a maintainer can tell whether they are whole.
void check_files(DoctorReport& report, const fs::path& folder) {
  std::vector<std::string> parts = model_part_names();
  parts.push_back("distilled_lora");
  for (const std::string& part : parts) {
    const fs::path path = folder / (part + ".safetensors");
    std::error_code error;
    if (!fs::exists(path, error)) {
      if (part != "distilled_lora" && !part.starts_with("text_")) report.fact("model file", part + ": not there");
      continue;
    }
    try {
      const size_t tensors = SafetensorsFile(path).entries().size();
      constexpr uintmax_t most_summed = 1'000'000'000;
      const uintmax_t bytes = fs::file_size(path);
      const std::string sum = bytes <= most_summed ? fmt::format("CRC-32C {:08x}", crc32c(read_file(path))) : "sum not taken";
      report.passed("model file", fmt::format("{}: {} bytes, {} tensors, {}", part, bytes, tensors, sum));
    } catch (const std::exception& file_error) {
      report.failed("model file", error_line(file_error));
    }
  }
}

/// A round of a colour on a transparent ground.
Image test_photo() {
  constexpr int64_t side = 96;
  Image photo{side, side, std::vector<uint8_t>(side * side * 4, 0), true};
  for (int64_t y = 0; y < side; ++y) {
    for (int64_t x = 0; x < side; ++x) {
      const int64_t dx = x - side / 2, dy = y - side / 2;
      if (dx * dx + dy * dy >= side * side / 9) continue;
      uint8_t* pixel = photo.at(x, y);
      pixel[0] = 200, pixel[1] = static_cast<uint8_t>(2 * y), pixel[2] = 60, pixel[3] = 255;
    }
  }
  return photo;
}

void check_run(DoctorReport& report, const DoctorArguments& arguments, const Model& model) {
  if (arguments.no_run) return report.skipped("run", "--no-run");
  if (model.device.is_cpu() && model.config.unet.model_channels > most_channels_on_cpu)
    return report.skipped("run", "a model of this width takes minutes on a CPU");
  const auto start = std::chrono::steady_clock::now();
  GenerateOptions options;
  options.sampling = {{"steps", 1}};
  options.fit_steps = 20;
  const Result result = generate(model, test_photo(), options);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  report.passed("run", fmt::format("{} Gaussians ({}) from a drawn disc in {:.1f} s on {}", result.gaussians->count(),
                                   route_name(result.route), seconds, model.device.str()));
}

/// Each line of the model needs the one before.
void check_model(DoctorReport& report, const DoctorArguments& arguments) {
  const fs::path folder = arguments.run.model_folder();
  std::string step = "model";
  try {
    const ModelConfig config = read_model_config(folder);
    report.passed("model", fmt::format("\"{}\" in {}: {} views of {} x {} pixels", config.name, folder.string(), config.frames,
                                       config.image_size, config.image_size));
    check_files(report, folder);
    const at::Device device = arguments.run.chosen_device();
    const at::ScalarType dtype = arguments.run.chosen_dtype();
    check_memory(report, config, dtype);
    step = "loading";
    const Model model = load_model(folder, {device, dtype, true, false});
    require_parts(model, {"vae", "image_embedder", "unet"});
    report.passed("loading", fmt::format("the networks fit config.json, on {} in {}", device.str(), dtype_name(dtype)));
    step = "run";
    check_run(report, arguments, model);
  } catch (const Cancelled&) {
    throw;
  } catch (const std::exception& error) {
    report.failed(step, error_line(error));
  }
}

void run_doctor(const DoctorArguments& arguments) {
  arguments.run.apply();
  DoctorReport report(home_folder());
  check_build(report);
  check_machine(report);
  check_gpu(report);
  check_disk(report, arguments.output);
  check_model(report, arguments);
  if (report.failures().empty()) {
    fmt::print("all {} checks passed\n", report.checks());
    return;
  }
  std::fflush(stdout);
  fail("doctor: {} of {} checks failed: {}", report.failures().size(), report.checks(),
       fmt::format("{}", fmt::join(report.failures(), ", ")));
}

}  // namespace

void add_doctor_command(CLI::App& app) {
  auto* command =
      app.add_subcommand("doctor", "Check machine, build, GPU, model and one small run: a report to paste into an issue");
  auto arguments = std::make_shared<DoctorArguments>();
  command->add_option("-o,--output", arguments->output, "the folder that results shall go to, checked for space")
      ->capture_default_str();
  command->add_flag("--no-run", arguments->no_run, "without the small run");
  arguments->run.add_to(*command);
  command->footer(
      "The report names no personal folders: your home is shown as ~. Exit code 1 when a check failed.\n\n"
      "Examples:\n"
      "  gsv3d doctor\n"
      "  gsv3d doctor --model models/sv3d_p --no-run");
  command->callback([arguments] { run_doctor(*arguments); });
}

}  // namespace gsv3d
