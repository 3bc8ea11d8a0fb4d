#include "training/stage_context.h"

#include "core/error.h"
#include "core/fingerprint.h"
#include "training/seeds.h"

namespace gsv3d {

std::shared_ptr<nn::ParameterStore> trained_store(const StageContext& context, const TrainerConfig& config,
                                                  const std::string& file) {
  if (config.initial_weights == "model_folder") return finished_store(context, file, "");
  return nn::ParameterStore::random(step_seed(context.seed, 0, "weights of " + file), context.device);
}

std::shared_ptr<nn::ParameterStore> finished_store(const StageContext& context, const std::string& file,
                                                   const std::string& stage) {
  const std::filesystem::path path = context.model_folder / file;
  if (!std::filesystem::exists(path)) {
    if (stage.empty()) fail("{}: not there, though initial_weights is \"model_folder\"", path.string());
    fail("{}: not there; run \"gsv3d train {}\" first", path.string(), stage);
  }
  return nn::ParameterStore::from_file(path, at::kFloat, context.device);
}

void add_trained(NamedTensors& all, const std::string& prefix, nn::ParameterStore& store) {
  store.set_requires_grad(true);
  for (const auto& [name, parameter] : store.parameters()) all[prefix + "/" + name] = parameter;
}

void export_parameters(const std::filesystem::path& path, const NamedTensors& parameters,
                       std::map<std::string, std::string> header) {
  NamedTensors halves;
  for (const auto& [name, parameter] : parameters) {
    halves[name] = parameter.detach().to(at::kCPU, at::kHalf);
    require(at::isfinite(halves[name]).all().item<bool>(), "{}: \"{}\" has values that fp16 cannot hold", path.string(), name);
  }
  header["format"] = "pt";
  header[weights_header::fingerprint] = fingerprint_text(fingerprint(halves));
  write_safetensors(path, halves, header);
}

}  // namespace gsv3d
