// HTTP/1.1 over Boost.Beast: connections, limits of size and time, answers from files and event streams. What is answered is
// said by one handler.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "service/http_message.h"

namespace gsv3d {

struct HttpLimits {
  uint64_t body_bytes = 64ull << 20;
  std::chrono::milliseconds request_time{30'000};  ///< from a request's first byte, or the connection, to its last byte
  std::chrono::milliseconds idle_time{60'000};     ///< between requests, and until a client takes what it is sent
  int64_t connections = 1024;
  int64_t uploads = 8;                 ///< bodies of more than a megabyte at a time, which bounds memory
  uint64_t stream_backlog = 4u << 20;  ///< bytes that wait for a client of an event stream before it is let go
};

struct HttpCounts {
  std::atomic<int64_t> connections = 0, streams = 0, uploads = 0, requests = 0;
  std::atomic<int64_t> by_class[6] = {};  ///< answers by the status's first digit
};

class HttpServer {
 public:
  /// Called on one of a few threads; exceptions become problems (500; Problem its own; UsageError and Error 422).
  using Handler = std::function<HttpResponse(const HttpRequest&)>;

  /// Listens at once. `port` 0: a free one. Throws Error "cannot listen on ADDRESS:PORT: …".
  HttpServer(const std::string& address, int port, const HttpLimits& limits, Handler handler);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  int port() const;
  const HttpCounts& counts() const;
  /// Runs on threads of its own until stop().
  void start();
  /// Closes all connections.
  void stop();

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace gsv3d
