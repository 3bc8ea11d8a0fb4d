// A job as clients see it.
#pragma once

#include "service/job.h"
#include "service/job_events.h"
#include "service/job_files.h"

namespace gsv3d {

Json job_json(const Job& job, const std::optional<JobProgress>& progress, const JobFiles& files);

}  // namespace gsv3d
