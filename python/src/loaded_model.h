// Models that Python holds, and how they are loaded.
#pragma once

#include <filesystem>
#include <mutex>
#include <optional>
#include <string>

#include "core/device.h"
#include "models/defaults.h"
#include "models/model_folder.h"

namespace gsv3d::python {

/// A model and who uses it: one call at a time.
struct LoadedModel {
  Model model;
  mutable std::mutex busy;
};

/// Device and precision by name; "auto" asks the model's configuration.
inline LoadOptions load_options(const std::filesystem::path& folder, const std::string& device_name, const std::string& precision,
                                bool offload) {
  const at::Device device = parse_device(device_name);
  const at::ScalarType dtype = precision == "auto" ? default_dtype(read_model_config(folder), device) : parse_dtype(precision);
  return {device, dtype, true, offload};
}

/// Where a model is when nobody says it.
inline std::filesystem::path model_place(const std::optional<std::filesystem::path>& folder) {
  return folder ? *folder : default_model_folder();
}

/// Settings of a sampler; nothing for an empty text.
inline Json sampling_json(const std::string& text) {
  return text.empty() ? Json() : Json::parse(text);
}

}  // namespace gsv3d::python
