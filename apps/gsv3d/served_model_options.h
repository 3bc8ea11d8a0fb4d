// Which models `gsv3d serve` and `gsv3d worker` let jobs choose from.
#pragma once

#include "run_options.h"
#include "service/served_models.h"

namespace gsv3d {

struct ServedModelOptions {
  std::vector<std::string> also;  ///< NAME=FOLDER
  int64_t most_further = 1;       ///< of them in memory at a time
  std::filesystem::path text;     ///< whose networks make pictures from words

  /// --also-model, --max-also-models and --text-model.
  void add_to(CLI::App& command);
  /// The one of `run`, then the further ones. All take words for pictures by the networks of
  /// --text-model, else each by its own. Throws UsageError for names that are none, Error for folders that are no models.
  std::vector<ServedModel> described(const RunOptions& run) const;
};

}  // namespace gsv3d
