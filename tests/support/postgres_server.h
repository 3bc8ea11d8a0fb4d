// A PostgreSQL server of the test's own: in a temporary folder, on a socket in it and no port, ended with the test. Made with
// Debian's package "postgresql"; as root it runs as another user, as PostgreSQL wants it.
#pragma once

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace gsv3d::testing {

class PostgresServer {
 public:
  /// Where initdb and postgres are; empty where they are not installed.
  static std::filesystem::path programs() {
    std::filesystem::path newest;
    std::error_code error;
    for (const auto& version : std::filesystem::directory_iterator("/usr/lib/postgresql", error)) {
      const auto folder = version.path() / "bin";
      if (std::filesystem::exists(folder / "initdb", error) && std::filesystem::exists(folder / "postgres", error) &&
          folder > newest)
        newest = folder;
    }
    return newest;
  }

  PostgresServer() {
    std::string name = (std::filesystem::temp_directory_path() / "gsv3d_postgres_XXXXXX").string();
    if (!::mkdtemp(name.data())) throw std::runtime_error("no temporary folder");
    folder_ = name;
    if (::geteuid() == 0) {
      user_ = ::getpwnam("postgres");
      if (!user_) user_ = ::getpwnam("nobody");
      if (!user_ || ::chown(name.c_str(), user_->pw_uid, user_->pw_gid) != 0) throw std::runtime_error("no user for PostgreSQL");
    }
    const std::string data = (folder_ / "data").string();
    const pid_t made = started({"initdb", "-D", data, "-U", "gsv3d", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"});
    int status = 0;
    ::waitpid(made, &status, 0);
    if (status != 0) throw std::runtime_error("initdb failed: " + log());
    start();
  }
  ~PostgresServer() {
    stop();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  void start() {
    server_ = started({"postgres", "-D", (folder_ / "data").string(), "-k", folder_.string(), "-c", "listen_addresses=", "-c",
                       "fsync=off", "-c", "shared_buffers=16MB", "-c", "max_connections=60"});
    for (int i = 0; i < 12'000; ++i) {
      std::ifstream file(folder_ / "data" / "postmaster.pid");
      std::string line, status;
      for (int number = 1; std::getline(file, line); ++number)
        if (number == 8) status = line;
      if (status.starts_with("ready")) return;
      if (::waitpid(server_, nullptr, WNOHANG) == server_) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    throw std::runtime_error("PostgreSQL does not start: " + log());
  }
  void stop() {
    if (server_ <= 0) return;
    ::kill(server_, SIGINT);  // "fast": connections are closed
    ::waitpid(server_, nullptr, 0);
    server_ = 0;
  }
  std::string address(const std::string& database = "postgres") const {
    return "postgresql:///" + database + "?user=gsv3d&host=" + folder_.string();
  }

 private:
  pid_t started(std::vector<std::string> words) const {
    words[0] = (programs() / words[0]).string();
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const std::string output = (folder_ / "log").string();
    const pid_t process = ::fork();
    if (process != 0) return process;
    const int file = ::open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0666);
    ::dup2(file, STDOUT_FILENO);
    ::dup2(file, STDERR_FILENO);
    if (::chdir(folder_.c_str()) != 0) ::_exit(126);
    if (user_ && (::setgid(user_->pw_gid) != 0 || ::setuid(user_->pw_uid) != 0)) ::_exit(126);
    ::prctl(PR_SET_PDEATHSIG, SIGINT);  // also when the test crashes
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
  std::string log() const {
    std::ifstream file(folder_ / "log");
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::filesystem::path folder_;
  const passwd* user_ = nullptr;
  pid_t server_ = 0;
};

}  // namespace gsv3d::testing
