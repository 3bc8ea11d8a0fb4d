// A progress bar with time left: one moving line on a terminal, a plain line every few seconds in a log, nothing when quiet.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace gsv3d {

class Progress {
 public:
  /// `total` steps of work named `label`. Nothing is printed before 0.5 s have passed, so short work stays silent.
  Progress(std::string label, int64_t total);
  /// Ends the line.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Says that `done` of the steps are finished; `note` is shown behind the bar (a loss, a file name). Thread-safe callers only.
  void update(int64_t done, const std::string& note = {});

  /// Whether an update would be shown now: what takes time to find out need only then be in its note.
  bool is_due() const;

  /// Silences every bar of the process (option --quiet).
  static void set_quiet(bool quiet);

 private:
  void print(const std::string& note, bool last);

  std::string label_;
  int64_t total_, done_ = 0;
  std::chrono::steady_clock::time_point start_, printed_;
  bool terminal_, shown_ = false;
};

}  // namespace gsv3d
