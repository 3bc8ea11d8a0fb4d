#include <ATen/Parallel.h>

#include <mutex>

#include "api/handles.h"
#include "core/log.h"
#include "core/progress.h"

namespace gsv3d::api {
namespace {

std::string& last_message() {
  thread_local std::string message;
  return message;
}

}  // namespace

gsv3d_status failed(gsv3d_status status, const std::string& message) {
  try {
    last_message() = message.substr(0, message.find('\n'));  // LibTorch's go on with a trace of calls
  } catch (const std::exception&) {
    last_message().clear();
  }
  return status;
}

void start_library() {
  static std::once_flag once;
  std::call_once(once, [] {
    init_logging(true);
    Progress::set_quiet(true);
  });
}

}  // namespace gsv3d::api

using namespace gsv3d;
using namespace gsv3d::api;

const char* gsv3d_last_error(void) {
  return last_message().c_str();
}

const char* gsv3d_version(void) {
  return GSV3D_VERSION;
}

gsv3d_status gsv3d_set_threads(int threads) {
  return guarded([&] {
    if (threads < 1) throw UsageError(fmt::format("{} threads: it must be at least 1", threads));
    at::set_num_threads(threads);
  });
}
