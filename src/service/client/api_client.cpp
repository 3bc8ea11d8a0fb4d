#include "service/client/api_client.h"

#include <curl/curl.h>

#include <fstream>
#include <memory>

#include "core/atomic_file.h"
#include "core/cancel.h"
#include "service/client/event_parser.h"
#include "service/job.h"

namespace gsv3d {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

struct ApiClient::Request {
  std::string method = "GET", path = {};
  const std::vector<SentPart>* files = nullptr;
  std::string options = {};  ///< JSON, beside the files
  std::vector<std::string> headers = {};
  /// Takes the bytes of a successful answer; without it they are kept.
  std::function<void(std::string_view)> on_bytes = {};
  bool heeds_cancel = true;
};

struct ApiClient::Answer {
  int status = 0;
  std::string body;
};

namespace {

constexpr auto longest_silence = 60s;  ///< the service says something every 15 s
constexpr size_t longest_body = size_t{64} << 20;

struct Transfer {
  CURL* handle = nullptr;
  const std::function<void(std::string_view)>* on_bytes = nullptr;
  bool heeds_cancel = true;
  std::string body;
  std::exception_ptr failure;
  Clock::time_point last = Clock::now();
  curl_off_t moved = 0;
};

size_t on_write(char* bytes, size_t size, size_t count, void* pointer) {
  auto& transfer = *static_cast<Transfer*>(pointer);
  const std::string_view view(bytes, size * count);
  long status = 0;
  curl_easy_getinfo(transfer.handle, CURLINFO_RESPONSE_CODE, &status);
  try {
    if (*transfer.on_bytes && status / 100 == 2)
      (*transfer.on_bytes)(view);
    else if (transfer.body.size() + view.size() <= longest_body)
      transfer.body += view;
    else
      fail("the service's answer is too long");
  } catch (...) {
    transfer.failure = std::current_exception();
    return 0;  // ends the transfer
  }
  return view.size();
}

int on_progress(void* pointer, curl_off_t, curl_off_t received, curl_off_t, curl_off_t sent) {
  auto& transfer = *static_cast<Transfer*>(pointer);
  if (transfer.moved != received + sent) transfer.moved = received + sent, transfer.last = Clock::now();
  if (transfer.heeds_cancel && cancel_requested()) return 1;
  return Clock::now() - transfer.last > longest_silence ? 1 : 0;
}

using Handle = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;
using Form = std::unique_ptr<curl_mime, decltype(&curl_mime_free)>;
using Headers = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

Form form_of(CURL* handle, const std::vector<SentPart>& files, const std::string& options) {
  Form form(curl_mime_init(handle), &curl_mime_free);
  for (const SentPart& file : files) {
    curl_mimepart* part = curl_mime_addpart(form.get());
    curl_mime_name(part, file.name.c_str());
    if (!file.file_name.empty()) curl_mime_filename(part, file.file_name.c_str());
    curl_mime_data(part, file.content.data(), file.content.size());
  }
  curl_mimepart* part = curl_mime_addpart(form.get());
  curl_mime_name(part, "options");
  curl_mime_data(part, options.data(), options.size());
  return form;
}

/// What the service says of a failure, else the status alone.
[[noreturn]] void throw_problem(CURL* handle, int status, const std::string& body) {
  std::string detail = fmt::format("the service answers {}", status);
  const Json json = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (json.is_object() && json.contains("detail") && json["detail"].is_string())
    detail = shown_text(json["detail"].get<std::string>());
  curl_off_t seconds = 0;
  curl_easy_getinfo(handle, CURLINFO_RETRY_AFTER, &seconds);
  throw ApiError(status, detail, std::chrono::seconds(std::clamp<curl_off_t>(seconds, 0, 3600)));
}

bool is_loopback(const std::string& server) {
  const std::string host = server.substr(server.find("//") + 2);
  return host.starts_with("127.") || host.starts_with("localhost") || host.starts_with("[::1]");
}

void set_common(CURL* handle, Transfer& transfer) {
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_USERAGENT, "gsv3d");
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, 10L);
  curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, &on_progress);
  curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &transfer);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &on_write);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &transfer);
}

}  // namespace

ApiClient::ApiClient(std::string server, std::string token) : server_(std::move(server)), token_(std::move(token)) {
  if (!server_.starts_with("http://") && !server_.starts_with("https://"))
    throw UsageError("--server: expected http://HOST:PORT or https://HOST");
  while (server_.ends_with('/')) server_.pop_back();
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  require(started == CURLE_OK, "libcurl does not start");
}

ApiClient::Answer ApiClient::perform(const Request& request) const {
  const Handle handle(curl_easy_init(), &curl_easy_cleanup);
  require(handle != nullptr, "libcurl does not start");
  Transfer transfer;
  transfer.handle = handle.get(), transfer.on_bytes = &request.on_bytes, transfer.heeds_cancel = request.heeds_cancel;
  set_common(handle.get(), transfer);
  const std::string address = server_ + request.path;
  curl_easy_setopt(handle.get(), CURLOPT_URL, address.c_str());
  if (is_loopback(server_)) curl_easy_setopt(handle.get(), CURLOPT_NOPROXY, "*");
  if (request.method != "GET") curl_easy_setopt(handle.get(), CURLOPT_CUSTOMREQUEST, request.method.c_str());
  Form form(nullptr, &curl_mime_free);
  if (request.files) {
    form = form_of(handle.get(), *request.files, request.options);
    curl_easy_setopt(handle.get(), CURLOPT_MIMEPOST, form.get());
  }
  std::vector<std::string> lines = request.headers;
  lines.emplace_back("Expect:");  // no second's wait before a body
  if (!token_.empty()) lines.push_back("Authorization: Bearer " + token_);
  Headers headers(nullptr, &curl_slist_free_all);
  for (const std::string& line : lines) headers.reset(curl_slist_append(headers.release(), line.c_str()));
  curl_easy_setopt(handle.get(), CURLOPT_HTTPHEADER, headers.get());

  const CURLcode result = curl_easy_perform(handle.get());
  if (transfer.failure) std::rethrow_exception(transfer.failure);
  if (request.heeds_cancel) throw_if_cancelled();
  long status = 0;
  curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
  // A service that refuses a large body may close before all of it was sent: its answer counts.
  if (status >= 300) throw_problem(handle.get(), static_cast<int>(status), transfer.body);
  if (result != CURLE_OK) {
    const char* reason = result == CURLE_ABORTED_BY_CALLBACK ? "it does not answer any more" : curl_easy_strerror(result);
    throw ConnectionError(fmt::format("{}: {}", server_, reason));
  }
  return {static_cast<int>(status), std::move(transfer.body)};
}

Json ApiClient::get(const std::string& path) const {
  return parse_json(perform({.path = path}).body, "the service's answer");
}

Json ApiClient::post_form(const std::string& path, const std::vector<SentPart>& files, const Json& options,
                          const std::string& idempotency_key) const {
  Request request{.method = "POST", .path = path, .files = &files, .options = json_text(options)};
  if (!idempotency_key.empty()) request.headers.push_back("Idempotency-Key: " + idempotency_key);
  return parse_json(perform(request).body, "the service's answer");
}

void ApiClient::remove(const std::string& path) const {
  perform({.method = "DELETE", .path = path, .heeds_cancel = false});
}

void ApiClient::watch(const std::string& path,
                      const std::function<void(const std::string&, const std::string&)>& on_event) const {
  EventParser parser(on_event);
  perform({.path = path, .on_bytes = [&](std::string_view bytes) { parser.feed(bytes); }});
}

void ApiClient::download(const std::string& path, const std::filesystem::path& file) const {
  AtomicFile target(file);
  perform({.path = path, .on_bytes = [&](std::string_view bytes) { target.write(bytes); }});
  target.commit();
}

}  // namespace gsv3d
