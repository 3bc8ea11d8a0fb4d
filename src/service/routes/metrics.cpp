// GET /metrics in Prometheus' text format. https://prometheus.io/docs/instrumenting/exposition_formats/
#include "service/routes/routes.h"
#include "service/service.h"

namespace gsv3d {
namespace {

class Exposition {
 public:
  void family(const std::string& name, const char* type, const char* help) {
    text_ += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", name, help, type);
  }
  void sample(const std::string& name, double value) { text_ += fmt::format("{} {}\n", name, value); }
  void one(const std::string& name, const char* type, const char* help, double value) {
    family(name, type, help);
    sample(name, value);
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace

HttpResponse get_metrics(Service& service, const HttpRequest&, const PathParameters&) {
  const auto number = [](auto value) { return static_cast<double>(value); };
  Exposition metrics;
  metrics.family("gsv3d_jobs", "gauge", "Jobs that are kept, by state.");
  for (const auto& [state, count] : service.store().counts())
    metrics.sample(fmt::format("gsv3d_jobs{{state=\"{}\"}}", job_state_name(state)), number(count));
  const RunnerCounts& runs = service.runner().counts();
  metrics.family("gsv3d_jobs_ended_total", "counter", "Jobs that ended since the start, by outcome.");
  metrics.sample("gsv3d_jobs_ended_total{outcome=\"succeeded\"}", number(runs.succeeded.load()));
  metrics.sample("gsv3d_jobs_ended_total{outcome=\"failed\"}", number(runs.failed.load()));
  metrics.sample("gsv3d_jobs_ended_total{outcome=\"cancelled\"}", number(runs.cancelled.load()));
  metrics.one("gsv3d_job_seconds_total", "counter", "Seconds of work in jobs that succeeded since the start.",
              number(runs.milliseconds.load()) / 1000);
  metrics.one("gsv3d_stored_bytes", "gauge", "Bytes of photos and results that are kept.",
              number(service.store().stored_bytes()));
  const HttpCounts& http = service.http_counts();
  metrics.one("gsv3d_http_connections", "gauge", "Open connections.", number(http.connections.load()));
  metrics.one("gsv3d_event_streams", "gauge", "Clients that watch a job.", number(http.streams.load()));
  metrics.family("gsv3d_http_responses_total", "counter", "Answers by the first digit of their status.");
  for (int digit = 2; digit <= 5; ++digit)
    metrics.sample(fmt::format("gsv3d_http_responses_total{{status=\"{}xx\"}}", digit), number(http.by_class[digit].load()));
  HttpResponse response;
  response.body = metrics.text();
  return response.with("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
}

}  // namespace gsv3d
