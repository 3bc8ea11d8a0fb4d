// A plain HTTP client of the tests, byte for byte, so that it can also misbehave.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

namespace gsv3d::testing {

struct HttpAnswer {
  int status = 0;                              ///< 0: the connection ended without an answer
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;
};

/// A connection to 127.0.0.1. Reading waits at most 60 s.
class HttpConnection {
 public:
  explicit HttpConnection(int port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval time{60, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time));
    if (::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0)
      throw std::runtime_error("no connection");
  }
  ~HttpConnection() { ::close(socket_); }
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  /// False when the other side has closed.
  bool send(const std::string& bytes) {
    for (size_t sent = 0; sent < bytes.size();) {
      const ssize_t count = ::send(socket_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (count <= 0) return false;
      sent += static_cast<size_t>(count);
    }
    return true;
  }
  /// Up to and including `end`; what came when the connection ended.
  std::string read_until(const std::string& end) {
    while (true) {
      if (const size_t found = pending_.find(end); found != std::string::npos) return take(found + end.size());
      if (!receive()) return take(pending_.size());
    }
  }
  std::string read_count(size_t count) {
    while (pending_.size() < count && receive()) {
    }
    return take(std::min(count, pending_.size()));
  }
  std::string read_rest() {
    while (receive()) {
    }
    return take(pending_.size());
  }
  HttpAnswer read_answer(bool head = false) {
    HttpAnswer answer = read_header();
    if (head || answer.status == 0 || answer.status == 204 || answer.status == 304) return answer;
    const auto length = answer.headers.find("content-length");
    answer.body = length == answer.headers.end() ? read_rest() : read_count(std::stoul(length->second));
    return answer;
  }
  HttpAnswer read_header() {
    HttpAnswer answer;
    const std::string text = read_until("\r\n\r\n");
    if (text.size() < 12) return answer;
    answer.status = std::atoi(text.c_str() + 9);
    for (size_t begin = text.find("\r\n") + 2; begin + 2 < text.size();) {
      const size_t end = text.find("\r\n", begin), colon = text.find(": ", begin);
      std::string name = text.substr(begin, colon - begin);
      for (char& letter : name) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
      answer.headers[name] = text.substr(colon + 2, end - colon - 2);
      begin = end + 2;
    }
    return answer;
  }

 private:
  bool receive() {
    char buffer[65536];
    const ssize_t count = ::recv(socket_, buffer, sizeof(buffer), 0);
    if (count <= 0) return false;
    pending_.append(buffer, static_cast<size_t>(count));
    return true;
  }
  std::string take(size_t count) {
    std::string text = pending_.substr(0, count);
    pending_.erase(0, count);
    return text;
  }

  int socket_;
  std::string pending_;
};

using HttpHeaders = std::map<std::string, std::string>;

inline std::string request_text(const std::string& method, const std::string& target, const HttpHeaders& headers = {},
                                const std::string& body = "") {
  std::string text = method + " " + target + " HTTP/1.1\r\n";
  if (headers.count("Host") == 0) text += "Host: 127.0.0.1\r\n";
  for (const auto& [name, value] : headers) text += name + ": " + value + "\r\n";
  if (!body.empty() || method == "POST") text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return text + "\r\n" + body;
}

/// One request on a connection of its own.
inline HttpAnswer ask(int port, const std::string& method, const std::string& target, HttpHeaders headers = {},
                      const std::string& body = "") {
  HttpConnection connection(port);
  headers.emplace("Connection", "close");
  connection.send(request_text(method, target, headers, body));
  return connection.read_answer(method == "HEAD");
}

/// A form with one photo and fields, as curl -F sends it.
inline std::string form_body(const std::string& photo, const std::map<std::string, std::string>& fields = {},
                             const std::string& file_name = "cup.png") {
  std::string body = "--X\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"" + file_name +
                     "\"\r\nContent-Type: image/png\r\n\r\n" + photo + "\r\n";
  for (const auto& [name, value] : fields)
    body += "--X\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n";
  return body + "--X--\r\n";
}

inline HttpAnswer submit(int port, const std::string& photo, const std::map<std::string, std::string>& fields = {},
                         HttpHeaders headers = {}) {
  headers.emplace("Content-Type", "multipart/form-data; boundary=X");
  return ask(port, "POST", "/v1/generations", headers, form_body(photo, fields));
}

}  // namespace gsv3d::testing
