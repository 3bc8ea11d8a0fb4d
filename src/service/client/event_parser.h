// Server-sent events from bytes that arrive in pieces. https://html.spec.whatwg.org/multipage/server-sent-events.html
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace gsv3d {

class EventParser {
 public:
  using Listener = std::function<void(const std::string& type, const std::string& data)>;
  explicit EventParser(Listener listener) : listener_(std::move(listener)) {}
  /// Throws Error when a line is longer than any event of the service.
  void feed(std::string_view bytes);

 private:
  void line(std::string_view text);

  Listener listener_;
  std::string pending_, type_, data_;
};

}  // namespace gsv3d
