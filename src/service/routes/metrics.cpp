// GET /metrics in Prometheus' text format, by prometheus-cpp.
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "service/routes/routes.h"
#include "service/service.h"

namespace gsv3d {
namespace {

/// What is counted elsewhere, as a registry of this moment: no number is kept twice.
class Metrics {
 public:
  void gauge(const char* name, const char* help, double value, const prometheus::Labels& labels = {}) {
    prometheus::BuildGauge().Name(name).Help(help).Register(registry_).Add(labels).Set(value);
  }
  /// `value`: since the start.
  void counter(const char* name, const char* help, double value, const prometheus::Labels& labels = {}) {
    prometheus::BuildCounter().Name(name).Help(help).Register(registry_).Add(labels).Increment(value);
  }
  std::string text() const { return prometheus::TextSerializer().Serialize(registry_.Collect()); }

 private:
  prometheus::Registry registry_;
};

void add_jobs(Metrics& metrics, Service& service) {
  for (const auto& [state, count] : service.store().counts())
    metrics.gauge("gsv3d_jobs", "Jobs that are kept, by state.", static_cast<double>(count), {{"state", job_state_name(state)}});
  const RunnerCounts& runs = service.runner().counts();
  const std::pair<const char*, int64_t> outcomes[] = {
      {"succeeded", runs.succeeded}, {"failed", runs.failed}, {"cancelled", runs.cancelled}};
  for (const auto& [outcome, count] : outcomes)
    metrics.counter("gsv3d_jobs_ended_total", "Jobs that ended since the start, by outcome.", static_cast<double>(count),
                    {{"outcome", outcome}});
  metrics.counter("gsv3d_job_seconds_total", "Seconds of work in jobs that succeeded since the start.",
                  static_cast<double>(runs.milliseconds) / 1000);
  metrics.gauge("gsv3d_stored_bytes", "Bytes of photos and results that are kept.",
                static_cast<double>(service.store().stored_bytes()));
}

void add_http(Metrics& metrics, const HttpCounts& counts) {
  metrics.gauge("gsv3d_http_connections", "Open connections.", static_cast<double>(counts.connections));
  metrics.gauge("gsv3d_event_streams", "Clients that watch a job.", static_cast<double>(counts.streams));
  for (int digit = 2; digit <= 5; ++digit)
    metrics.counter("gsv3d_http_responses_total", "Answers by the first digit of their status.",
                    static_cast<double>(counts.by_class[digit]), {{"status", fmt::format("{}xx", digit)}});
}

}  // namespace

HttpResponse get_metrics(Service& service, const HttpRequest&, const PathParameters&) {
  Metrics metrics;
  add_jobs(metrics, service);
  add_http(metrics, service.http_counts());
  HttpResponse response;
  response.body = metrics.text();
  return response.with("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
}

}  // namespace gsv3d
