#include "pipeline/sampling_state.h"

#include "core/config.h"
#include "core/device.h"
#include "core/error.h"
#include "core/fingerprint.h"
#include "core/log.h"
#include "core/safetensors.h"

namespace gsv3d {
namespace {

constexpr const char* fingerprint_key = "settings";
constexpr const char* step_key = "step";

}  // namespace

std::string sampling_fingerprint(const Model& model, const SamplerConfig& sampler, uint64_t seed, const Tensor& photo,
                                 const Tensor& camera_vector) {
  const ModelConfig& config = model.config;
  return fmt::format("{} distilled {} {} {}x{} {} seed {} photo {:016x} cameras {:016x}", config.name, model.distilled,
                     dtype_name(model.dtype), config.frames, config.image_size, config_to_json(sampler).dump(), seed,
                     fingerprint(photo), fingerprint(camera_vector));
}

SamplingState::SamplingState(std::filesystem::path path, std::string fingerprint)
    : path_(std::move(path)), fingerprint_(std::move(fingerprint)) {}

std::optional<SamplingState::Point> SamplingState::read() const {
  std::error_code error;
  if (!std::filesystem::exists(path_, error)) return {};
  const SafetensorsFile file(path_);
  const auto settings = file.metadata().find(fingerprint_key), step = file.metadata().find(step_key);
  require(settings != file.metadata().end() && step != file.metadata().end() && file.contains("latents"),
          "{}: not the state of a sampling run; remove it to start over", path_.string());
  if (settings->second != fingerprint_) {
    spdlog::warn("{} is of a run with other settings: starting over", path_.string());
    return {};
  }
  return Point{std::stoll(step->second), file.tensor("latents").clone(),
               file.contains("previous") ? file.tensor("previous").clone() : Tensor()};
}

void SamplingState::write(const Point& point) const {
  NamedTensors tensors = {{"latents", point.latents}};
  if (point.previous.defined()) tensors.emplace("previous", point.previous);
  write_safetensors(path_, tensors, {{fingerprint_key, fingerprint_}, {step_key, std::to_string(point.step)}});
}

}  // namespace gsv3d
