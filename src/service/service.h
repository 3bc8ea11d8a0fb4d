// The service as a whole: its parts, its limits, and the one function that answers requests.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "service/access.h"
#include "service/http_server.h"
#include "service/job_runner.h"
#include "service/job_store.h"
#include "service/served_models.h"

namespace gsv3d {

struct ServiceConfig {
  std::filesystem::path data;  ///< where jobs and files are kept
  std::string address = "127.0.0.1";
  int port = 8188;  ///< 0: a free one
  std::string token;
  std::vector<std::string> origins;  ///< pages that may use the API from elsewhere: "https://example.org"
  StoreLimits store;
  HttpLimits http;
  int64_t photo_pixels = 64 << 20;
  int64_t workers = 1;
  std::chrono::hours keep{24 * 30};  ///< finished jobs; 0: for ever
  std::string version;
};

/// Throws UsageError unless the address is this machine alone or there is a token.
void check_service_config(const ServiceConfig& config);

class Service {
 public:
  /// Opens the data folder, which one service may use at a time. The models and the files must outlive it. Throws Error.
  Service(ServiceConfig config, const ServedModels& models, std::unique_ptr<JobStore> store, JobFiles& files, JobWork work);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  void start();
  int port() const { return server_->port(); }
  /// No new jobs, running ones have until then; clients are answered meanwhile.
  void drain(std::chrono::milliseconds time);
  void stop();

  // What the routes use.
  const ServiceConfig& config() const { return config_; }
  const ServedModels& models() const { return models_; }
  JobStore& store() { return *store_; }
  const JobFiles& files() const { return files_; }
  JobEvents& events() { return events_; }
  JobRunner& runner() { return runner_; }
  Access& access() { return access_; }
  const HttpCounts& http_counts() const { return server_->counts(); }
  bool draining() const { return draining_; }
  /// Held while a photo is decoded, one at a time: they may be large.
  std::mutex& decoding() { return decoding_; }
  /// Held while a result is written in another format, one at a time.
  std::mutex& converting() { return converting_; }

 private:
  HttpResponse handle(const HttpRequest& request);
  void forget_old_jobs();

  ServiceConfig config_;
  const ServedModels& models_;
  std::unique_ptr<JobStore> store_;
  JobFiles& files_;
  JobEvents events_;
  JobRunner runner_;
  Access access_;
  std::mutex decoding_, converting_;
  std::atomic<bool> draining_ = false;
  std::unique_ptr<HttpServer> server_;
  std::mutex cleaning_mutex_;
  std::condition_variable cleaning_;
  bool stopped_ = false;
  std::thread cleaner_;
};

/// Locks the folder for this process until the result is gone. Throws Error when another one has it.
std::shared_ptr<void> lock_data_folder(const std::filesystem::path& folder);

}  // namespace gsv3d
