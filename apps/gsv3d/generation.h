// What the commands that end in a 3D object share, whatever the photo comes from: options, the way from a photo to its folder of
// results, and what becomes of many in one call.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "exports/outputs.h"
#include "further_photo_options.h"
#include "mesh_options.h"
#include "photo_batch.h"
#include "run_options.h"
#include "sampling_options.h"

namespace gsv3d {

struct GenerationArguments {
  std::filesystem::path output = "out";
  GenerateOptions options;
  RunOptions run;
  SamplingOptions sampling;
  MeshPlacementOptions placement;
  bool skip_existing = false, json = false;
  bool offload = false, no_matting = false, no_mesh = false, no_viewer = false, no_refinement = false, no_photo_surface = false;

  /// Every option but those that say where photos come from. `what`: "photo", in the help.
  void add_to(CLI::App& command, const std::string& what);
  /// Puts the switches where they belong. Throws UsageError for what cannot be.
  void prepare();
  /// The model with the options' frames and size.
  Model load();
};

/// A photo on its way to its folder of results, OUTPUT/NAME.
struct GenerationInput {
  std::string name, file_name;  ///< of the folder; of the photo, for result.json
  Image photo;
  std::vector<FurtherImage> further = {};
  Json text = nullptr;                       ///< of pictures from text: result.json has it
  std::map<std::string, Image> beside = {};  ///< further pictures for the folder, by file name
};

/// Makes the object and its files. → The entry of --json for it.
Json generate_object(const GenerationInput& input, const Model& model, const GenerationArguments& arguments);

/// Names of all that a folder of results may hold.
std::vector<std::string> result_file_names();

/// Calls make(input) for each, goes on after those that fail, and prints what became of all. Throws CLI::RuntimeError when any
/// failed; what is wrong with the call itself, and Ctrl-C, end the whole.
void generate_all(const std::vector<BatchPhoto>& inputs, const GenerationArguments& arguments,
                  const std::function<Json(const BatchPhoto&)>& make);

}  // namespace gsv3d
