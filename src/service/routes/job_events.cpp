// GET /v1/jobs/{id}/events: server-sent events "job" and "preview" until the job has ended.
// https://html.spec.whatwg.org/multipage/server-sent-events.html
#include "service/job_events.h"

#include "service/job_json.h"
#include "service/routes/find_job.h"
#include "service/routes/routes.h"
#include "service/service.h"

namespace gsv3d {
namespace {

void send(EventStream& stream, const JobEvent& event) {
  stream.send(fmt::format("event: {}\ndata: {}\n\n", event.type, event.data));
  if (event.last) stream.close();
}

}  // namespace

HttpResponse get_job_events(Service& service, const HttpRequest& request, const PathParameters& parameters) {
  const Job job = find_job(service, parameters);
  HttpResponse response;
  response.with("Content-Type", "text/event-stream").with("Cache-Control", "no-store");
  if (request.method == "HEAD") return response;
  response.on_open = [&service, id = job.id](const std::shared_ptr<EventStream>& stream) {
    // First listen, then look: what happens in between is told twice rather than never.
    const std::weak_ptr<EventStream> weak = stream;
    auto listening = service.events().listen(id, [weak](const JobEvent& event) {
      if (const auto open = weak.lock()) send(*open, event);
    });
    const auto now = service.store().find(id);
    if (!now) {
      stream->close();
    } else {
      const Json json = job_json(*now, service.events().progress(id), service.files());
      send(*stream, {"job", json_text(json), is_finished(now->state)});
    }
    return listening;
  };
  return response;
}

}  // namespace gsv3d
