// The job that a path names.
#pragma once

#include "service/job.h"
#include "service/routes/routes.h"

namespace gsv3d {

/// Of the parameter "id". Throws Problem 404.
Job find_job(Service& service, const PathParameters& parameters);

}  // namespace gsv3d
