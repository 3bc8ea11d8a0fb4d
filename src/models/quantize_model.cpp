#include "models/quantize_model.h"

#include <cmath>

#include "core/error.h"
#include "core/int8_weights.h"
#include "core/output_folder.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

QuantizedPart quantize_part(const fs::path& from, const fs::path& to, const std::string& name) {
  require(fs::exists(from), "{}: not there", from.string());
  const NamedTensors before = read_weights(from), stored = narrow_to_int8(before);
  write_safetensors(to, stored, SafetensorsFile(from).metadata());
  NamedTensors after = stored;
  widen_int8(after, from.string());
  double error = 0, size = 0;
  for (const auto& [tensor, value] : before) {
    const Tensor exact = value.to(at::kDouble);
    error += (after.at(tensor).to(at::kDouble) - exact).square().sum().item<double>();
    size += exact.square().sum().item<double>();
  }
  require(size > 0, "{}: no weights that differ from zero", from.string());
  return {name, fs::file_size(from), fs::file_size(to), std::sqrt(error / size)};
}

}  // namespace

std::vector<QuantizedPart> quantize_model(const fs::path& folder, const fs::path& target, const std::vector<std::string>& parts) {
  require(!fs::exists(target), "{} exists already: give a folder that is to be made", target.string());
  const fs::path place = fs::absolute(target).lexically_normal();
  OutputFolder output(place.parent_path(), place.filename().string());
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.is_regular_file()) fs::copy_file(entry.path(), output.staging() / entry.path().filename());
  std::vector<QuantizedPart> done;
  for (const std::string& part : parts) {
    const std::string file = part + ".safetensors";
    done.push_back(quantize_part(folder / file, output.staging() / file, part));
  }
  output.commit();
  return done;
}

}  // namespace gsv3d
