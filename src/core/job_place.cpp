#include "core/job_place.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <optional>

#include "core/error.h"
#include "core/fingerprint.h"

namespace gsv3d {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

int64_t whole(const std::string& text, const std::string& what) {
  int64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || result.ec != std::errc() || result.ptr != text.data() + text.size() || value < 0)
    throw UsageError(fmt::format("{} is \"{}\", expected a whole number", what, text));
  return value;
}

std::optional<int64_t> number(const char* name) {
  const std::string text = variable(name);
  if (text.empty()) return {};
  return whole(text, name);
}

/// "node[03-05,07],other" → "node03".
std::string first_host(const std::string& list) {
  const size_t bracket = list.find('['), comma = list.find(',');
  if (bracket == std::string::npos || comma < bracket) return list.substr(0, comma);
  return list.substr(0, bracket) + list.substr(bracket + 1, list.find_first_of("-,]", bracket) - bracket - 1);
}

/// The variables of one launcher.
struct Launcher {
  const char *name, *rank, *size, *local_rank, *local_size, *job;
};

constexpr Launcher kLaunchers[] = {
    {"torchrun", "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "TORCHELASTIC_RUN_ID"},
    {"OpenMPI", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE",
     "PMIX_NAMESPACE"},
    {"Slurm", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID", "SLURM_NTASKS_PER_NODE", "SLURM_JOB_ID"}};

/// A port that all processes of a job find, and that two jobs on one machine hardly share.
int64_t port_of(const std::string& job) {
  return job.empty() ? 29500 : 20000 + static_cast<int64_t>(fingerprint(std::string_view(job)) % 12000);
}

JobPlace place_of(const Launcher& launcher) {
  JobPlace place;
  place.rank = *number(launcher.rank), place.size = *number(launcher.size), place.source = launcher.name;
  if (place.size < 1 || place.rank >= place.size)
    throw UsageError(fmt::format("{} = {} and {} = {} do not fit", launcher.rank, place.rank, launcher.size, place.size));
  const std::string hosts = variable("SLURM_STEP_NODELIST");
  const auto local_rank = number(launcher.local_rank), local_size = number(launcher.local_size);
  place.address = variable("MASTER_ADDR");
  const bool one_machine = local_size ? *local_size == place.size : place.address.empty() && hosts.empty();
  place.local_size = local_size.value_or(one_machine ? place.size : 1);
  place.local_rank = local_rank.value_or(one_machine ? place.rank : 0);
  if (place.address.empty()) place.address = one_machine ? "127.0.0.1" : first_host(hosts);
  if (place.address.empty())
    throw UsageError(
        fmt::format("{} says that {} processes work together on several machines: set MASTER_ADDR to that of process 0",
                    launcher.name, place.size));
  place.port = number("MASTER_PORT").value_or(port_of(variable(launcher.job)));
  place.meeting_seconds = number("GSV3D_MEETING_SECONDS").value_or(place.meeting_seconds);
  if (place.port < 1 || place.port > 65535) throw UsageError(fmt::format("MASTER_PORT = {} is no port", place.port));
  return place;
}

}  // namespace

JobPlace job_place() {
  for (const Launcher& launcher : kLaunchers) {
    const bool ranked = number(launcher.rank).has_value(), sized = number(launcher.size).has_value();
    if (ranked && sized) return place_of(launcher);
    // Slurm gives a script that srun did not start a number, too.
    if (sized && *number(launcher.size) > 1)
      throw UsageError(fmt::format("{} is set, but {} is not", launcher.size, launcher.rank));
  }
  return {};
}

Shard parse_shard(const std::string& text) {
  if (text != "auto") {
    const size_t slash = text.find('/');
    if (slash == std::string::npos) throw UsageError(fmt::format("--shard: \"{}\" is neither \"auto\" nor INDEX/COUNT", text));
    const Shard shard{whole(text.substr(0, slash), "--shard: the index"), whole(text.substr(slash + 1), "--shard: the count")};
    if (shard.index >= shard.count)
      throw UsageError(fmt::format("--shard {}: the index is not below the count, expected i/n with i from 0 to n - 1", text));
    return shard;
  }
  if (const auto task = number("SLURM_ARRAY_TASK_ID")) {
    const int64_t first = number("SLURM_ARRAY_TASK_MIN").value_or(0), last = number("SLURM_ARRAY_TASK_MAX").value_or(*task);
    const int64_t count = last - first + 1;
    if (*task < first || *task > last || number("SLURM_ARRAY_TASK_COUNT").value_or(count) != count)
      throw UsageError("--shard auto: the tasks of Slurm's array must be numbered without gaps");
    return {*task - first, count};
  }
  if (const auto index = number("JOB_COMPLETION_INDEX")) {
    const auto count = number("JOB_COMPLETIONS");
    if (!count) throw UsageError("--shard auto: set JOB_COMPLETIONS in the manifest to the number of completions of the Job");
    if (*index >= *count)
      throw UsageError(
          fmt::format("--shard auto: JOB_COMPLETION_INDEX = {} and JOB_COMPLETIONS = {} do not fit", *index, *count));
    return {*index, *count};
  }
  const JobPlace place = job_place();
  if (place.source.empty())
    throw UsageError("--shard auto: neither Slurm nor OpenMPI nor Kubernetes says in the environment which part this is");
  return {place.rank, place.size};
}

}  // namespace gsv3d
