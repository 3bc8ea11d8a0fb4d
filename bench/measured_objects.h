// The objects that a program measures a model on, by the first arguments of its command line: MODEL SHARDS [LIMIT] [THREADS].
#pragma once

#include <ATen/Parallel.h>

#include <cstdlib>
#include <vector>

#include "evaluation/case_plan.h"
#include "models/model_folder.h"

namespace gsv3d {

/// All threads, two unless the fourth argument says otherwise, are set on the way.
inline std::vector<EvaluationCase> measured_objects(const Model& model, int argc, char** argv) {
  at::set_num_threads(argc > 4 ? std::atoi(argv[4]) : 2);
  CaseSelection selection;
  selection.dataset = argv[2];
  selection.view_size = model.config.image_size;
  selection.limit = argc > 3 ? std::atoi(argv[3]) : 0;
  return load_cases(selection);
}

}  // namespace gsv3d
