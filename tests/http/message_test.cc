#include "http/message.h"

#include <gtest/gtest.h>

namespace berth::http {
namespace {

Parsed parsed(std::string_view bytes) {
  auto request = parse_request(bytes, kBodyMax);
  EXPECT_TRUE(request && *request) << bytes;
  return request && *request ? **request : Parsed{};
}

int status_of(std::string_view bytes) {
  auto request = parse_request(bytes, kBodyMax);
  return request ? 0 : request.error().status;
}

TEST(HttpRequest, HasAPathAQueryHeadersAndABody) {
  std::string bytes =
      "PUT /v4/id?x=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nX: a\r\nx:  b \r\n\r\nbodyGET";
  Parsed found = parsed(bytes);
  EXPECT_EQ(found.request.method, "PUT");
  EXPECT_EQ(found.request.path, "/v4/id");
  EXPECT_EQ(found.request.query, "x=1");
  EXPECT_EQ(found.request.header("x"), "a, b");
  EXPECT_EQ(found.request.body, "body");
  EXPECT_EQ(bytes.substr(found.consumed), "GET");
  EXPECT_TRUE(found.request.keep_alive);
}

TEST(HttpRequest, IsAwaitedUntilItIsWhole) {
  std::string bytes = "GET / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc";
  for (size_t size = 0; size < bytes.size(); ++size) {
    auto request = parse_request(std::string_view(bytes).substr(0, size), kBodyMax);
    ASSERT_TRUE(request && !*request) << size;
  }
  EXPECT_EQ(parsed(bytes).consumed, bytes.size());
}

TEST(HttpRequest, SaysWhetherTheConnectionGoesOn) {
  EXPECT_FALSE(parsed("GET / HTTP/1.1\r\nConnection: x, Close\r\n\r\n").request.keep_alive);
  EXPECT_FALSE(parsed("GET / HTTP/1.0\r\n\r\n").request.keep_alive);
  EXPECT_TRUE(parsed("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").request.keep_alive);
}

TEST(HttpRequest, IsRefusedByWhatIsWrongWithIt) {
  EXPECT_EQ(status_of("GET /\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET  / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET  HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(status_of("\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET http://h/ HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/2.0\r\n\r\n"), 505);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost : h\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nA: b\x01\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"), 501);
}

TEST(HttpRequest, HasLimits) {
  auto with_body = [](size_t size) {
    return "POST / HTTP/1.1\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n";
  };
  EXPECT_EQ(status_of(with_body(kBodyMax)), 0);
  EXPECT_EQ(status_of(with_body(kBodyMax + 1)), 413);
  EXPECT_EQ(status_of("GET /" + std::string(kHeadMax - 6, 'a')), 0);
  EXPECT_EQ(status_of("GET /" + std::string(kHeadMax - 5, 'a')), 431);
  std::string many = "GET / HTTP/1.1\r\n";
  for (size_t i = 0; i < kHeadersMax; ++i) many += "A: b\r\n";
  EXPECT_EQ(status_of(many + "\r\n"), 0);
  EXPECT_EQ(status_of(many + "A: b\r\n\r\n"), 431);
}

TEST(HttpRequest, BodyIsAskedForOnceTheHeadIsWhole) {
  std::string head = "POST / HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-Continue\r\n\r\n";
  EXPECT_TRUE(awaits_continue(head));
  EXPECT_FALSE(awaits_continue(head.substr(0, head.size() - 1)));
  EXPECT_FALSE(awaits_continue(head + "a"));
  EXPECT_FALSE(awaits_continue("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n"));
}

TEST(HttpResponse, HasALengthAndEndsTheConnectionWhereToldTo) {
  Response response{.status = 404, .body = "\"no\"", .headers = {{"Allow", "GET"}}};
  EXPECT_EQ(render_response(response, "GET", After::kGoOn),
            "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nAllow: GET\r\n"
            "Content-Length: 4\r\n\r\n\"no\"");
  EXPECT_EQ(render_response(response, "HEAD", After::kClose),
            "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nAllow: GET\r\n"
            "Content-Length: 4\r\nConnection: close\r\n\r\n");
}

TEST(HttpDate, IsWrittenAsTheStandardHasIt) {
  auto at = [](int64_t seconds) { return WallTime(std::chrono::seconds(seconds)); };
  EXPECT_EQ(format_http_date(at(784111777)), "Sun, 06 Nov 1994 08:49:37 GMT");  // RFC 9110's own
  EXPECT_EQ(format_http_date(at(0)), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(format_http_date(at(1709251199) + std::chrono::milliseconds(999)),
            "Thu, 29 Feb 2024 23:59:59 GMT");
}

}  // namespace
}  // namespace berth::http
