// The program as a process of its own, such as a server, until it is ended.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <regex>
#include <thread>

#include "core/config.h"
#include "http_client.h"
#include "image/image.h"
#include "program.h"

namespace gsv3d::testing {

/// A square object on nothing, as PNG.
inline std::string small_photo() {
  Image image = blank_image(32, 32, 200, 120, 40, 0);
  for (int64_t y = 8; y < 24; ++y)
    for (int64_t x = 8; x < 24; ++x) image.at(x, y)[3] = 255;
  return encode_png(image);
}

/// It is killed when the test ends.
class RunningProgram {
 public:
  /// Starts `gsv3d WORDS` in the folder, and waits until it has printed a line.
  RunningProgram(const std::filesystem::path& folder, std::vector<std::string> words, bool waits_for_line = true) {
    static int number = 0;
    const std::filesystem::path out = folder / fmt::format("out{}", ++number);
    words.insert(words.begin(), program_path());
    process_ = ::fork();
    if (process_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::setenv("OMP_WAIT_POLICY", "passive", 1);
      if (::chdir(folder.c_str()) != 0) ::_exit(127);
      ::dup2(::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDOUT_FILENO);
      ::dup2(::open((out.string() + ".err").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDERR_FILENO);
      std::vector<char*> arguments;
      for (std::string& word : words) arguments.push_back(word.data());
      arguments.push_back(nullptr);
      ::execv(arguments[0], arguments.data());
      ::_exit(127);
    }
    for (int i = 0; waits_for_line && i < 12'000; ++i) {
      std::ifstream file(out);
      if (std::getline(file, line_) && !file.eof()) break;
      line_.clear();
      if (::waitpid(process_, nullptr, WNOHANG) == process_) {
        ADD_FAILURE() << "the program ended: " << read_file(out.string() + ".err");
        process_ = 0;
        return;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
  ~RunningProgram() {
    if (process_ > 0) end(SIGKILL);
  }
  RunningProgram(const RunningProgram&) = delete;
  RunningProgram& operator=(const RunningProgram&) = delete;
  const std::string& line() const { return line_; }
  void signal(int number) const { ::kill(process_, number); }
  /// → The exit code, 128 + the signal's number.
  int end(int number) {
    signal(number);
    return ended();
  }
  int ended() {
    int status = 0;
    ::waitpid(process_, &status, 0);
    process_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t process_ = 0;
  std::string line_;
};

class Server : public RunningProgram {
 public:
  explicit Server(const std::filesystem::path& folder, const std::vector<std::string>& more = {})
      : RunningProgram(folder, words(more)) {
    std::smatch match;
    if (std::regex_search(line(), match, std::regex("http://127.0.0.1:(\\d+)/$"))) port_ = std::stoi(match[1]);
  }
  /// 0: it did not start.
  int port() const { return port_; }
  std::string address() const { return fmt::format("http://127.0.0.1:{}", port_); }

 private:
  static std::vector<std::string> words(const std::vector<std::string>& more) {
    std::vector<std::string> words = {"serve", "--port", "0",    "--model",   "toy", "--device",
                                      "cpu",   "--data", "data", "--threads", "1"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  int port_ = 0;
};

/// The job as the service tells it.
inline Json job_at(const Server& server, const std::string& id) {
  return Json::parse(ask(server.port(), "GET", "/v1/jobs/" + id).body);
}
inline bool is_ended(const Json& job) {
  return job["state"] != "queued" && job["state"] != "running";
}
/// Once it has ended.
inline Json ended_job(const Server& server, const std::string& id) {
  for (int i = 0; i < 30'000; ++i) {
    Json now = job_at(server, id);
    if (is_ended(now)) return now;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ADD_FAILURE() << "the job does not end";
  return job_at(server, id);
}
inline std::string accepted_job(const Server& server, const std::map<std::string, std::string>& fields) {
  const HttpAnswer answer = submit(server.port(), small_photo(), fields);
  EXPECT_EQ(answer.status, 202) << answer.body;
  return answer.status == 202 ? Json::parse(answer.body)["id"].get<std::string>() : std::string(32, '0');
}

}  // namespace gsv3d::testing
