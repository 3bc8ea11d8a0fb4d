#include "core/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include "core/standard_error.h"

namespace gsv3d {
namespace {

bool quiet = false;

std::string duration(double seconds) {
  const auto total = static_cast<int64_t>(seconds + 0.5);
  if (total < 60) return fmt::format("{} s", total);
  if (total < 3600) return fmt::format("{}:{:02} min", total / 60, total % 60);
  return fmt::format("{}:{:02} h", total / 3600, total % 3600 / 60);
}

double seconds_between(std::chrono::steady_clock::time_point a, std::chrono::steady_clock::time_point b) {
  return std::chrono::duration<double>(b - a).count();
}

}  // namespace

Progress::Progress(std::string label, int64_t total)
    : label_(std::move(label)),
      total_(total),
      start_(std::chrono::steady_clock::now()),
      printed_(start_),
      terminal_(::isatty(STDERR_FILENO)) {}

Progress::~Progress() {
  if (shown_) print("", true);
}

void Progress::set_quiet(bool value) {
  quiet = value;
}

bool Progress::is_due() const {
  if (quiet) return false;
  const auto now = std::chrono::steady_clock::now();
  // A terminal redraws its line; a log gets a line seldom enough to stay readable over hours.
  const double elapsed = seconds_between(start_, now), since = seconds_between(printed_, now);
  const double interval = terminal_ ? 0.1 : elapsed < 60 ? 5 : 30;
  return elapsed >= 0.5 && !(shown_ && since < interval);
}

void Progress::update(int64_t done, const std::string& note) {
  done_ = done;
  if (!is_due()) return;
  printed_ = std::chrono::steady_clock::now();
  shown_ = true;
  print(note, false);
}

void Progress::print(const std::string& note, bool last) {
  const double elapsed = seconds_between(start_, std::chrono::steady_clock::now());
  const double fraction = total_ > 0 ? static_cast<double>(done_) / static_cast<double>(total_) : 0;
  std::string line = fmt::format("{}  {}/{}", label_, done_, total_);
  if (last) {
    line += "  " + duration(elapsed);
  } else if (done_ > 0 && total_ > done_) {
    line += fmt::format("  {} left", duration(elapsed / static_cast<double>(done_) * static_cast<double>(total_ - done_)));
  }
  if (!note.empty()) line += "  " + note;
  if (terminal_) {
    constexpr int width = 24;
    const int filled = static_cast<int>(width * fraction);
    line = fmt::format("\r\033[K[{}{}] {}{}", std::string(filled, '#'), std::string(width - filled, '.'), line, last ? "\n" : "");
  } else {
    line += fmt::format(" ({:.0f} %)\n", 100 * fraction);
  }
  print_error(line);
}

}  // namespace gsv3d
