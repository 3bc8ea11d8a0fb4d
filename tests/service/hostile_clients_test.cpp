// Clients that send too much, too slowly, or not HTTP at all: they get their answer or lose their connection, and others are
// served.
#include "service/access.h"
#include "service/byte_range.h"
#include "service/multipart.h"
#include "test_service.h"

namespace gsv3d::testing {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;

class HostileClients : public ServiceTest {};

TEST_F(HostileClients, TooLargeIsRefusedBeforeItIsRead) {
  config_.http.body_bytes = 1 << 20;
  start();
  const std::string head = "POST /v1/generations HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n";
  HttpConnection announced(port_);
  announced.send(head + "Content-Length: 1000000000\r\n\r\n");
  expect_problem(announced.read_answer(), 413, "1048576 bytes");
  HttpConnection polite(port_);
  polite.send(head + "Expect: 100-continue\r\nContent-Length: 1000000000\r\n\r\n");
  EXPECT_EQ(polite.read_answer().status, 413);
  HttpConnection chunked(port_);
  chunked.send(head + "Transfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = "10000\r\n" + std::string(65536, ' ') + "\r\n";
  int sent = 0;
  while (sent < 1000 && chunked.send(chunk)) ++sent;  // a thousand would be 64 MB
  EXPECT_EQ(chunked.read_answer().status, 413);
  HttpConnection headers(port_);
  headers.send("GET /healthz HTTP/1.1\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n");
  EXPECT_EQ(headers.read_answer().status, 400);
  EXPECT_EQ(get("/healthz").status, 200);
}

TEST_F(HostileClients, TooManyPixelsAreRefused) {
  config_.photo_pixels = 47;
  start();
  expect_problem(submit(port_, small_png()), 413, "8 x 6 pixels");
}

TEST_F(HostileClients, SlowOnesLoseTheirConnection) {
  config_.http.request_time = 1000ms;
  start();
  std::vector<std::unique_ptr<HttpConnection>> slow;
  for (int i = 0; i < 50; ++i) {
    slow.push_back(std::make_unique<HttpConnection>(port_));
    slow.back()->send(i % 2 == 0 ? "GET /healthz HTTP/1.1\r\nX: "
                                 : "POST /v1/generations HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99\r\n\r\n");
  }
  EXPECT_EQ(get("/healthz").status, 200);  // beside them
  int rounds = 0;
  for (bool open = true; open && rounds < 600; ++rounds) {
    open = false;
    for (auto& connection : slow) open |= connection->send("x");  // a byte now and then does not prolong the time
    std::this_thread::sleep_for(100ms);
  }
  EXPECT_LT(rounds, 600);
  for (int i = 0; i < 12'000 && service_->http_counts().connections > 0; ++i) std::this_thread::sleep_for(5ms);
  EXPECT_EQ(service_->http_counts().connections, 0);
  EXPECT_EQ(get("/healthz").status, 200);
}

TEST_F(HostileClients, UploadsAtATimeAreBounded) {
  config_.http.uploads = 2;
  start();
  const std::string large =
      "POST /v1/generations HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 2000000\r\n\r\n";
  HttpConnection first(port_), second(port_);
  first.send(large), second.send(large);
  while (service_->http_counts().uploads < 2) std::this_thread::sleep_for(5ms);
  HttpConnection third(port_);
  third.send(large);
  expect_problem(third.read_answer(), 503, "too many uploads");
  first.send(std::string(2'000'000, ' '));
  EXPECT_EQ(first.read_answer().status, 400);  // blanks are no JSON
  EXPECT_EQ(service_->http_counts().uploads, 1);
}

TEST_F(HostileClients, ConnectionsAreBounded) {
  config_.http.connections = 3;
  start();
  {
    HttpConnection one(port_), two(port_), three(port_);
    while (service_->http_counts().connections < 3) std::this_thread::sleep_for(5ms);
    HttpConnection four(port_);
    four.send(request_text("GET", "/healthz"));
    EXPECT_EQ(four.read_answer().status, 0);
  }
  for (int i = 0; i < 12'000 && service_->http_counts().connections > 0; ++i) std::this_thread::sleep_for(5ms);
  EXPECT_EQ(get("/healthz").status, 200);
}

TEST_F(HostileClients, WhatIsNotHttpIsRefused) {
  start();
  for (const std::string text :
       {"\x16\x03\x01\x02", "hello\r\n\r\n", "GET\r\n\r\n", "GET /%zz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"}) {
    HttpConnection connection(port_);
    connection.send(text + "\r\n\r\n");
    EXPECT_EQ(connection.read_answer().status, 400) << text;
  }
  HttpConnection twice(port_);  // one connection, two requests
  for (int i = 0; i < 2; ++i) {
    twice.send(request_text("GET", "/healthz"));
    EXPECT_EQ(twice.read_answer().status, 200);
  }
}

TEST(Multipart, PartsAsTheyWereSent) {
  const std::string binary("\r\n--\0Y\r\n", 8);
  const std::string body = "--Y\r\nContent-Disposition: form-data; name=\"a b\"; filename=\"x\\\"y;.png\"\r\nX: 1\r\n\r\n" +
                           binary + "\r\n--Y\r\ncontent-disposition: form-data; name=seed\r\n\r\n7\r\n--Y--\r\ntrailing";
  const auto parts = parse_multipart("multipart/form-data; charset=x; boundary=\"Y\"", body);
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_EQ(parts[0].name, "a b");
  EXPECT_EQ(parts[0].file_name, "x\"y;.png");
  EXPECT_EQ(parts[0].content, binary);
  EXPECT_EQ(parts[1].name, "seed");
  EXPECT_EQ(parts[1].content, "7");
  EXPECT_TRUE(parse_multipart("multipart/form-data; boundary=Y", "--Y--").empty());
}

TEST(Multipart, EveryCutIsRefused) {
  const std::string body = form_body("photo", {{"seed", "7"}});
  const std::string type = "multipart/form-data; boundary=X";
  ASSERT_EQ(parse_multipart(type, body).size(), 2U);
  for (size_t cut = 0; cut + 2 < body.size(); ++cut) EXPECT_THROW(parse_multipart(type, body.substr(0, cut)), Problem) << cut;
  std::string many;
  for (size_t i = 0; i <= most_form_parts; ++i) many += "--X\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n";
  EXPECT_THROW(parse_multipart(type, many + "--X--"), Problem);
}

TEST(ByteRange, OfAnEmptyFile) {
  EXPECT_EQ(requested_range("bytes=0-", 0).outcome, RangeOutcome::kUnsatisfiable);
  EXPECT_EQ(requested_range("bytes=-1", 0).outcome, RangeOutcome::kUnsatisfiable);
  EXPECT_EQ(requested_range("", 0).outcome, RangeOutcome::kWhole);
  EXPECT_EQ(requested_range("bytes=99999999999999999999-", 5).outcome, RangeOutcome::kWhole);
}

TEST(Access, ComparesWholeTexts) {
  EXPECT_TRUE(equal_in_constant_time("abc", "abc"));
  for (const char* other : {"", "ab", "abd", "abcd", "xbc"}) EXPECT_FALSE(equal_in_constant_time(other, "abc")) << other;
}

}  // namespace
}  // namespace gsv3d::testing
