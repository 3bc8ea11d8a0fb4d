#include "models/defaults.h"

#include <cstdlib>

#include "core/device.h"
#include "core/own_file.h"

namespace gsv3d {

namespace fs = std::filesystem;

fs::path default_model_folder() {
  if (const char* given = std::getenv("GSV3D_MODEL"); given && *given) return given;
  std::error_code error;
  const fs::path in_prefix = fs::path("share") / "gsv3d" / "models" / "tiny";
  const fs::path folder = own_file().parent_path();
  // bin/ and lib/ lie in the prefix, lib/x86_64-linux-gnu/ one further down.
  for (const fs::path& prefix : {folder.parent_path(), folder.parent_path().parent_path()})
    if (fs::is_directory(prefix / in_prefix, error)) return prefix / in_prefix;
  if (fs::is_directory(GSV3D_SOURCE_MODEL, error)) return GSV3D_SOURCE_MODEL;
  return folder.parent_path() / in_prefix;
}

at::ScalarType default_dtype(const ModelConfig& config, const at::Device& device) {
  if (device.is_cuda()) return at::kBFloat16;
  // Below this width, converting weights and activations costs a CPU more than its bf16 products save: the embedded model (64
  // channels) takes 3.05 s of CPU time per photo in bf16 and 2.85 s in fp32.
  constexpr int64_t wide_enough = 192;
  return config.unet.model_channels >= wide_enough && prefers_bfloat16(device) ? at::kBFloat16 : at::kFloat;
}

}  // namespace gsv3d
