// The work of a job with a model: what `gsv3d generate` does with a photo, and `gsv3d text` with words.
#pragma once

#include "service/job_runner.h"
#include "service/served_models.h"

namespace gsv3d {

/// `threads`: of the CPU, for each job. The models and the files must outlive it; several workers share a model.
JobWork generate_work(ServedModels& models, const JobFiles& files, int threads);

}  // namespace gsv3d
