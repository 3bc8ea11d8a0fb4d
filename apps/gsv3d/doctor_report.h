// What gsv3d doctor prints: one line per check, as text that may be pasted into a public issue.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace gsv3d {

/// The text with the user's home folder as "~". `home`: without a slash at its end; empty changes nothing.
std::string without_home(const std::string& text, const std::string& home);

class DoctorReport {
 public:
  explicit DoctorReport(std::string home) : home_(std::move(home)) {}
  void fact(const std::string& name, const std::string& text);  ///< "      name  text": nothing that can be wrong
  void passed(const std::string& name, const std::string& text);
  void failed(const std::string& name, const std::string& text);  ///< text: what is wrong and what to do
  void skipped(const std::string& name, const std::string& why);

  const std::vector<std::string>& failures() const { return failures_; }
  int checks() const { return checks_; }

 private:
  void print(const char* verdict, const std::string& name, const std::string& text) const;

  std::string home_;
  std::vector<std::string> failures_;
  int checks_ = 0;
};

}  // namespace gsv3d
