// The work of a job with a model: what `gsv3d generate` does with a photo.
#pragma once

#include "models/model_folder.h"
#include "service/job_runner.h"

namespace gsv3d {

/// `threads`: of the CPU, for each job. The model and the files must outlive it; several workers share one model.
JobWork generate_work(const Model& model, const JobFiles& files, int threads);

}  // namespace gsv3d
