#include "service/service.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "core/log.h"
#include "service/routes/routes.h"

namespace gsv3d {
namespace {

/// What a browser needs to let listed pages of other origins read answers.
void add_origin_headers(HttpResponse& response, const std::string& origin) {
  if (origin.empty()) return;
  response.with("Access-Control-Allow-Origin", origin).with("Vary", "Origin");
  response.with("Access-Control-Expose-Headers", "ETag, Location, Retry-After");
}

HttpResponse preflight_answer() {
  HttpResponse response;
  response.status = 204;
  response.with("Access-Control-Allow-Methods", "GET, POST, DELETE");
  return response.with("Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key, Range")
      .with("Access-Control-Max-Age", "600");
}

}  // namespace

void check_service_config(const ServiceConfig& config) {
  const bool loopback = config.address == "127.0.0.1" || config.address == "::1";
  if (!loopback && config.token.empty())
    throw UsageError(fmt::format("--address {} lets other machines connect: give a token (--token-file)", config.address));
  if (!config.token.empty() && config.token.size() < 16) throw UsageError("the token must have 16 letters or more");
}

std::shared_ptr<void> lock_data_folder(const std::filesystem::path& folder) {
  const std::string path = (folder / "lock").string();
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  require(file >= 0, "cannot write to folder {}", folder.string());
  if (::flock(file, LOCK_EX | LOCK_NB) != 0) {
    ::close(file);
    fail("{} is used by another gsv3d serve", folder.string());
  }
  return {static_cast<void*>(nullptr), [file](void*) { ::close(file); }};
}

Service::Service(ServiceConfig config, const ServedModels& models, std::unique_ptr<JobStore> store, JobFiles& files, JobWork work)
    : config_(std::move(config)),
      models_(models),
      store_(std::move(store)),
      files_(files),
      runner_(*store_, files_, events_, std::move(work)),
      access_(config_.token, config_.origins) {
  check_service_config(config_);
  server_ = std::make_unique<HttpServer>(config_.address, config_.port, config_.http,
                                         [this](const HttpRequest& request) { return handle(request); });
}

Service::~Service() {
  stop();
}

void Service::start() {
  runner_.start(config_.workers);
  server_->start();
  cleaner_ = std::thread([this] {
    std::unique_lock lock(cleaning_mutex_);
    while (!stopped_) {
      forget_old_jobs();
      cleaning_.wait_for(lock, std::chrono::minutes(1), [this] { return stopped_; });
    }
  });
}

void Service::drain(std::chrono::milliseconds time) {
  draining_ = true;
  runner_.drain(time);
}

void Service::stop() {
  drain(std::chrono::milliseconds(0));
  server_->stop();
  {
    const std::lock_guard lock(cleaning_mutex_);
    stopped_ = true;
  }
  cleaning_.notify_all();
  if (cleaner_.joinable()) cleaner_.join();
}

void Service::forget_old_jobs() {
  if (config_.keep.count() == 0) return;
  try {
    const int64_t limit = now_milliseconds() - std::chrono::milliseconds(config_.keep).count();
    for (const std::string& id : store_->finished_before(limit)) {
      if (store_->remove(id)) files_.remove(id);
    }
  } catch (const std::exception& error) {
    spdlog::error("cannot remove old jobs: {}", error.what());
  }
}

HttpResponse Service::handle(const HttpRequest& request) {
  const std::string origin = access_.allowed_origin(request);
  HttpResponse response;
  try {
    if (request.method == "OPTIONS" && !origin.empty() && !request.header("access-control-request-method").empty())
      response = preflight_answer();
    else
      response = routed(*this, request);
  } catch (const Problem& problem) {
    response = problem_response(problem.status(), problem.what());
  } catch (const StoreUnavailable& error) {
    spdlog::error("{} {}: {}", request.method, request.path, error.what());
    response = problem_response(503, "the database does not answer");
  }
  add_origin_headers(response, origin);
  return response;
}

}  // namespace gsv3d
