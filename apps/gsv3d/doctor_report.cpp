#include "doctor_report.h"

#include <fmt/format.h>

#include <cstdio>

#include "error_line.h"

namespace gsv3d {

std::string without_home(const std::string& text, const std::string& home) {
  if (home.size() < 2) return text;  // "/" is nobody's
  std::string result;
  size_t from = 0;
  for (size_t at = text.find(home); at != std::string::npos; at = text.find(home, at + 1)) {
    const size_t after = at + home.size();
    // /home/ann is no part of /home/anna, nor of /mnt/home/ann.
    const bool begins = at == 0 || std::string(" :=\"'(,").find(text[at - 1]) != std::string::npos;
    const bool ends = after == text.size() || std::string("/ :\"'),;").find(text[after]) != std::string::npos;
    if (!begins || !ends) continue;
    result.append(text, from, at - from).push_back('~');
    from = after;
  }
  return result.append(text, from, std::string::npos);
}

void DoctorReport::fact(const std::string& name, const std::string& text) {
  print("    ", name, text);
}

void DoctorReport::passed(const std::string& name, const std::string& text) {
  ++checks_;
  print("ok  ", name, text);
}

void DoctorReport::failed(const std::string& name, const std::string& text) {
  ++checks_;
  failures_.push_back(name);
  print("FAIL", name, text);
}

void DoctorReport::skipped(const std::string& name, const std::string& why) {
  print("--  ", name, "not checked: " + why);
}

void DoctorReport::print(const char* verdict, const std::string& name, const std::string& text) const {
  fmt::print("{} {:<16} {}\n", verdict, name, without_home(one_line(text), home_));
  std::fflush(stdout);  // a check may take seconds
}

}  // namespace gsv3d
