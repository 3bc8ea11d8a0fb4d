#include "service/job.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>

namespace gsv3d {
namespace {

constexpr std::array<const char*, 5> state_names = {"queued", "running", "succeeded", "failed", "cancelled"};

}  // namespace

const char* job_state_name(JobState state) {
  return state_names.at(static_cast<size_t>(state));
}

JobState parse_job_state(const std::string& name) {
  for (size_t i = 0; i < state_names.size(); ++i) {
    if (name == state_names[i]) return static_cast<JobState>(i);
  }
  throw UsageError(fmt::format("\"{}\" is no state of a job: use one of {}", name, fmt::join(state_names, ", ")));
}

std::string random_identifier() {
  std::array<uint8_t, 16> bytes{};
  require(::getrandom(bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()), "the system gives no random bytes");
  std::string text;
  for (const uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

bool is_job_identifier(std::string_view text) {
  return text.size() == 32 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string shown_text(std::string text) {
  std::erase_if(text, [](char letter) { return static_cast<unsigned char>(letter) < 32 || letter == 127; });
  return Json::parse(json_text(text)).get<std::string>();
}

int64_t now_milliseconds() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string utc_text(int64_t milliseconds) {
  const std::time_t seconds = milliseconds / 1000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  return fmt::format("{}.{:03}Z", text.data(), milliseconds % 1000);
}

}  // namespace gsv3d
