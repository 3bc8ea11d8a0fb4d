// Server-sent events, as a client puts them together.
#include "service/client/event_parser.h"

#include <gmock/gmock.h>

#include "core/error.h"

namespace gsv3d {
namespace {

using Events = std::vector<std::pair<std::string, std::string>>;

/// Fed in pieces of so many bytes.
Events events_of(const std::string& text, size_t piece) {
  Events events;
  EventParser parser([&](const std::string& type, const std::string& data) { events.emplace_back(type, data); });
  for (size_t at = 0; at < text.size(); at += piece) parser.feed(std::string_view(text).substr(at, piece));
  return events;
}

TEST(EventParser, EventsHoweverTheyAreCut) {
  const std::string text =
      ": a comment\n\nevent: job\ndata: {\"a\": 1}\n\nevent:preview\r\ndata:two\r\ndata: lines\r\n\r\ndata: no type\nid: 7\n\n"
      "event: without data\n\nevent: job\ndata: not yet ended\n";
  for (size_t piece = 1; piece <= text.size(); ++piece)
    EXPECT_EQ(events_of(text, piece), (Events{{"job", "{\"a\": 1}"}, {"preview", "two\nlines"}, {"message", "no type"}}))
        << piece;
}

TEST(EventParser, ALineWithoutAnEndIsRefused) {
  EventParser parser([](const std::string&, const std::string&) {});
  const std::string much(16 << 20, 'x');
  const auto feed = [&] {
    for (int i = 0; i < 5; ++i) parser.feed(much);
  };
  EXPECT_THROW(feed(), Error);
}

}  // namespace
}  // namespace gsv3d
