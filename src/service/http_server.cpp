#include "service/http_server.h"

#include <deque>
#include <fstream>
#include <thread>
#include <utility>

// After <utility>, which Boost 1.74 forgets.
#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include "core/log.h"

namespace gsv3d {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
using Tcp = asio::ip::tcp;

/// Bodies above this size need one of the places for uploads.
constexpr uint64_t small_body = 1u << 20;
constexpr size_t file_piece = 256u << 10;
constexpr std::chrono::seconds heartbeat_time{15};

struct Shared {
  HttpLimits limits;
  HttpServer::Handler handler;
  HttpCounts counts;
  asio::thread_pool handlers{4};
};

std::optional<HttpRequest> request_of(http::request<http::string_body>& message) {
  HttpRequest request;
  request.method = std::string(message.method_string());
  const std::string target(message.target());
  const size_t question = target.find('?');
  const auto path = percent_decoded(target.substr(0, question), false);
  if (!path || path->empty() || path->front() != '/' || path->find('\0') != std::string::npos) return {};
  request.path = *path;
  for (size_t at = question; at != std::string::npos;) {
    const size_t end = target.find('&', at + 1);
    const std::string pair = target.substr(at + 1, end == std::string::npos ? end : end - at - 1);
    const size_t equals = pair.find('=');
    const auto name = percent_decoded(pair.substr(0, equals), true);
    const auto value = percent_decoded(equals == std::string::npos ? "" : pair.substr(equals + 1), true);
    if (!name || !value) return {};
    if (!name->empty()) request.query[*name] = *value;
    at = end;
  }
  for (const auto& field : message) {
    std::string name(field.name_string());
    for (char& letter : name) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
    request.headers[name] = std::string(field.value());
  }
  request.body = std::move(message.body());
  return request;
}

HttpResponse answered(const Shared& shared, const std::optional<HttpRequest>& request) {
  try {
    if (!request) return problem_response(400, "the request's target cannot be read");
    return shared.handler(*request);
  } catch (const Problem& problem) {
    return problem_response(problem.status(), problem.what());
  } catch (const Error& error) {
    return problem_response(422, error.what());
  } catch (const std::exception& error) {
    spdlog::error("{} {}: {}", request->method, request->path, error.what());
    return problem_response(500, "the service failed; its log says more");
  }
}

/// One client. All of its functions run on its strand.
class Connection : public EventStream, public std::enable_shared_from_this<Connection> {
 public:
  Connection(Tcp::socket socket, std::shared_ptr<Shared> shared)
      : stream_(std::move(socket)), shared_(std::move(shared)), heartbeat_(stream_.get_executor()) {
    ++shared_->counts.connections;
  }
  ~Connection() override {
    release_upload();
    if (streaming_) --shared_->counts.streams;
    --shared_->counts.connections;
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void start() {
    asio::dispatch(stream_.get_executor(), [self = shared_from_this()] { self->read_header(); });
  }
  void send(std::string text) override {
    asio::post(stream_.get_executor(),
               [self = shared_from_this(), text = std::move(text)]() mutable { self->queue(std::move(text)); });
  }
  void close() override {
    asio::post(stream_.get_executor(), [self = shared_from_this()] {
      self->closing_ = true;
      if (self->backlog_.empty()) self->end();
    });
  }

 private:
  using Parser = http::request_parser<http::string_body>;

  void read_header() {
    parser_.emplace();
    parser_->body_limit(shared_->limits.body_bytes);
    parser_->header_limit(16 << 10);
    // One deadline for all of the header: bytes that trickle in do not move it.
    stream_.expires_after(first_ ? shared_->limits.request_time : shared_->limits.idle_time);
    first_ = false;
    http::async_read_header(stream_, buffer_, *parser_,
                            [self = shared_from_this()](error_code error, size_t) { self->on_header(error); });
  }

  void on_header(error_code error) {
    if (error == http::error::end_of_stream) return end();
    if (error == beast::error::timeout) return end();
    // Beast refuses a body that is announced to be too large together with its header.
    if (error == http::error::body_limit) return refuse(413, too_large());
    if (error == http::error::header_limit) return refuse(400, "the headers are too long");
    if (error.category() == http::make_error_code(http::error::bad_method).category()) return refuse(400, "this is not HTTP/1.1");
    if (error) return end();
    const auto length = parser_->content_length();
    if (length && *length > shared_->limits.body_bytes) return refuse(413, too_large());
    const bool is_large = parser_->chunked() || (length && *length > small_body);
    if (is_large) {
      if (++shared_->counts.uploads > shared_->limits.uploads) {
        --shared_->counts.uploads;
        return refuse(503, "too many uploads at a time");
      }
      uploading_ = true;
    }
    stream_.expires_after(shared_->limits.request_time);
    if (beast::iequals(parser_->get()[http::field::expect], "100-continue")) return send_continue();
    read_body();
  }

  std::string too_large() const { return fmt::format("the request is larger than {} bytes", shared_->limits.body_bytes); }

  void send_continue() {
    static const std::string text = "HTTP/1.1 100 Continue\r\n\r\n";
    asio::async_write(stream_, asio::buffer(text),
                      [self = shared_from_this()](error_code error, size_t) { error ? self->end() : self->read_body(); });
  }

  void read_body() {
    http::async_read(stream_, buffer_, *parser_, [self = shared_from_this()](error_code error, size_t) { self->on_body(error); });
  }

  void on_body(error_code error) {
    if (error == http::error::body_limit) return refuse(413, too_large());
    if (error) return end();  // the deadline, or a client that went away
    auto message = parser_->release();
    keep_alive_ = message.keep_alive();
    head_ = message.method() == http::verb::head;
    auto request = request_of(message);
    stream_.expires_never();
    asio::post(shared_->handlers, [self = shared_from_this(), request = std::move(request)] {
      HttpResponse response = answered(*self->shared_, request);
      asio::post(self->stream_.get_executor(),
                 [self, response = std::move(response)]() mutable { self->answer(std::move(response)); });
    });
  }

  void release_upload() {
    if (std::exchange(uploading_, false)) --shared_->counts.uploads;
  }

  template <class Body>
  void set_header(http::response<Body>& message, const HttpResponse& response) {
    message.version(11);
    message.result(static_cast<unsigned>(response.status));
    message.set(http::field::server, "gsv3d");
    message.set("X-Content-Type-Options", "nosniff");
    message.set("Referrer-Policy", "no-referrer");
    for (const auto& [name, value] : response.headers) message.insert(name, value);
    message.keep_alive(keep_alive_);
    ++shared_->counts.requests;
    ++shared_->counts.by_class[std::clamp(response.status / 100, 0, 5)];
  }

  void answer(HttpResponse response) {
    release_upload();
    if (response.on_open) return open_stream(response);
    stream_.expires_after(shared_->limits.idle_time);
    if (response.file) return send_file(response);
    text_.emplace();
    set_header(*text_, response);
    const size_t size = response.body.size();
    if (!head_) text_->body() = std::move(response.body);
    if (response.status != 204 && response.status != 304) text_->content_length(size);
    const auto done = [self = shared_from_this()](error_code error, size_t) { self->on_answered(error); };
    if (head_) {
      // The length is told, the body is not sent.
      text_serializer_.emplace(*text_);
      http::async_write_header(stream_, *text_serializer_, done);
    } else {
      http::async_write(stream_, *text_, done);
    }
  }

  void on_answered(error_code error) {
    if (error || !keep_alive_) return end();
    text_serializer_.reset(), text_.reset();
    read_header();
  }

  void refuse(int status, const std::string& detail) {
    keep_alive_ = false;
    HttpResponse response = problem_response(status, detail);
    text_.emplace();
    set_header(*text_, response);
    text_->body() = std::move(response.body);
    text_->prepare_payload();
    stream_.expires_after(std::chrono::seconds(10));
    http::async_write(stream_, *text_, [self = shared_from_this()](error_code error, size_t) {
      if (error) return self->end();
      error_code ignored;
      self->stream_.socket().shutdown(Tcp::socket::shutdown_send, ignored);
      self->discard();
    });
  }

  /// What the client still sends is read for the rest of the ten seconds: a connection closed before would lose the answer.
  void discard() {
    discarded_.resize(64 << 10);
    stream_.async_read_some(asio::buffer(discarded_),
                            [self = shared_from_this()](error_code error, size_t) { error ? self->end() : self->discard(); });
  }

  void send_file(const HttpResponse& response) {
    file_.open(response.file->path, std::ios::binary);
    file_.seekg(static_cast<std::streamoff>(response.file->begin));
    file_left_ = response.file->size;
    if (!file_) return answer(problem_response(404, "the file is not there any more"));
    header_.emplace();
    set_header(*header_, response);
    header_->content_length(file_left_);
    if (head_) file_left_ = 0;
    header_serializer_.emplace(*header_);
    http::async_write_header(stream_, *header_serializer_,
                             [self = shared_from_this()](error_code error, size_t) { self->send_piece(error); });
  }

  void send_piece(error_code error) {
    if (error) return end();
    if (file_left_ == 0) {
      file_.close();
      header_serializer_.reset(), header_.reset();
      return on_answered({});
    }
    piece_.resize(std::min<uint64_t>(file_piece, file_left_));
    file_.read(piece_.data(), static_cast<std::streamsize>(piece_.size()));
    if (static_cast<size_t>(file_.gcount()) != piece_.size()) return end();
    file_left_ -= piece_.size();
    stream_.expires_after(shared_->limits.idle_time);
    asio::async_write(stream_, asio::buffer(piece_),
                      [self = shared_from_this()](error_code written, size_t) { self->send_piece(written); });
  }

  void open_stream(const HttpResponse& response) {
    streaming_ = true;
    ++shared_->counts.streams;
    keep_alive_ = false;
    header_.emplace();
    set_header(*header_, response);
    header_serializer_.emplace(*header_);
    stream_.expires_after(shared_->limits.idle_time);
    http::async_write_header(stream_, *header_serializer_,
                             [self = shared_from_this(), on_open = response.on_open](error_code error, size_t) {
                               if (error) return self->end();
                               self->stream_.expires_never();
                               self->writing_ = false;
                               self->subscription_ = on_open(self);
                               self->watch_for_end();
                               self->beat();
                             });
  }

  /// A client that goes away is noticed at once, not at the next event.
  void watch_for_end() {
    discarded_.resize(1024);
    stream_.socket().async_read_some(asio::buffer(discarded_), [self = shared_from_this()](error_code error, size_t) {
      error ? self->end() : self->watch_for_end();
    });
  }

  void beat() {
    heartbeat_.expires_after(heartbeat_time);
    heartbeat_.async_wait([self = shared_from_this()](error_code error) {
      if (error || self->ended_) return;
      self->queue(": still here\n\n");
      self->beat();
    });
  }

  void queue(std::string text) {
    if (ended_ || closing_) return;
    backlog_bytes_ += text.size();
    backlog_.push_back(std::move(text));
    if (backlog_bytes_ > shared_->limits.stream_backlog) return end();
    if (!writing_) write_next();
  }

  void write_next() {
    writing_ = true;
    asio::async_write(stream_.socket(), asio::buffer(backlog_.front()), [self = shared_from_this()](error_code error, size_t) {
      self->writing_ = false;
      if (error || self->ended_) return self->end();
      self->backlog_bytes_ -= self->backlog_.front().size();
      self->backlog_.pop_front();
      if (!self->backlog_.empty()) return self->write_next();
      if (self->closing_) self->end();
    });
  }

  void end() {
    if (std::exchange(ended_, true)) return;
    release_upload();
    subscription_.reset();
    error_code ignored;
    heartbeat_.cancel();
    stream_.socket().shutdown(Tcp::socket::shutdown_both, ignored);
    stream_.close();
  }

  beast::tcp_stream stream_;
  std::shared_ptr<Shared> shared_;
  beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  std::optional<http::response<http::string_body>> text_;
  std::optional<http::response_serializer<http::string_body>> text_serializer_;
  std::optional<http::response<http::empty_body>> header_;
  std::optional<http::response_serializer<http::empty_body>> header_serializer_;
  std::ifstream file_;
  uint64_t file_left_ = 0;
  std::string piece_, discarded_;
  std::deque<std::string> backlog_;
  uint64_t backlog_bytes_ = 0;
  asio::steady_timer heartbeat_;
  std::shared_ptr<void> subscription_;
  bool first_ = true, keep_alive_ = false, head_ = false;
  bool uploading_ = false, streaming_ = false, writing_ = true, closing_ = false, ended_ = false;
};

}  // namespace

struct HttpServer::Implementation {
  asio::io_context context{1};
  std::shared_ptr<Shared> shared = std::make_shared<Shared>();
  Tcp::acceptor acceptor{context};
  std::thread thread;

  void listen(const std::string& address, int port) {
    const Tcp::endpoint endpoint(asio::ip::make_address(address), static_cast<uint16_t>(port));
    acceptor.open(endpoint.protocol());
    acceptor.set_option(asio::socket_base::reuse_address(true));
    acceptor.bind(endpoint);
    acceptor.listen();
  }
  void accept() {
    acceptor.async_accept(asio::make_strand(context), [this](error_code error, Tcp::socket socket) {
      if (error == asio::error::operation_aborted || !acceptor.is_open()) return;
      if (error) {  // out of file descriptors: not a loop that takes all of a core
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
      } else if (shared->counts.connections < shared->limits.connections) {
        std::make_shared<Connection>(std::move(socket), shared)->start();
      }
      accept();
    });
  }
};

HttpServer::HttpServer(const std::string& address, int port, const HttpLimits& limits, Handler handler)
    : implementation_(std::make_unique<Implementation>()) {
  implementation_->shared->limits = limits;
  implementation_->shared->handler = std::move(handler);
  try {
    implementation_->listen(address, port);
  } catch (const boost::system::system_error& error) {
    fail("cannot listen on {}:{}: {}", address, port, error.code().message());
  }
}

HttpServer::~HttpServer() {
  stop();
}

int HttpServer::port() const {
  return implementation_->acceptor.local_endpoint().port();
}

const HttpCounts& HttpServer::counts() const {
  return implementation_->shared->counts;
}

void HttpServer::start() {
  implementation_->accept();
  implementation_->thread = std::thread([this] { implementation_->context.run(); });
}

void HttpServer::stop() {
  if (!implementation_->thread.joinable()) return;
  implementation_->context.stop();
  implementation_->thread.join();
  implementation_->shared->handlers.join();
}

}  // namespace gsv3d
