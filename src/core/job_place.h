// Which process of a job this is, and which share of a job's work: as Slurm, OpenMPI, torchrun and Kubernetes say in the
// environment.
#pragma once

#include <cstdint>
#include <string>

namespace gsv3d {

/// The processes of one training that work together.
struct JobPlace {
  int64_t rank = 0, size = 1;              ///< of all processes
  int64_t local_rank = 0, local_size = 1;  ///< of those on this machine
  std::string address = "127.0.0.1";       ///< where process 0 is
  int64_t port = 29500;
  int64_t meeting_seconds = 300;  ///< GSV3D_MEETING_SECONDS: how long they wait for one another at the start
  std::string source;             ///< who says so: "torchrun", "OpenMPI", "Slurm"; empty: nobody, the process is alone
};

/// RANK and WORLD_SIZE (torchrun's names, with LOCAL_RANK, LOCAL_WORLD_SIZE), else OMPI_COMM_WORLD_RANK … (mpirun), else
/// SLURM_PROCID and SLURM_STEP_NUM_TASKS (srun). MASTER_ADDR and MASTER_PORT count in all cases; without them process 0 is on
/// this machine when all are, or on the first host of SLURM_STEP_NODELIST, and the port follows from the number of the job.
/// Throws UsageError when the variables contradict one another, or when the address is not known.
JobPlace job_place();

/// Part `index` of `count`.
struct Shard {
  int64_t index = 0, count = 1;
};

/// "I/N" with 0 <= I < N, or "auto": SLURM_ARRAY_TASK_ID within SLURM_ARRAY_TASK_MIN … MAX; JOB_COMPLETION_INDEX of a Kubernetes
/// Indexed Job, whose manifest must set JOB_COMPLETIONS to its number of completions; else the process's place in job_place().
/// Throws UsageError for anything else, also for "auto" when nothing says which part this is.
Shard parse_shard(const std::string& text);

}  // namespace gsv3d
