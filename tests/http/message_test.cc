#include "http/message.h"

#include <gtest/gtest.h>

namespace berth::http {
namespace {

TEST(HttpResponse, HasALengthAndEndsTheConnectionWhereToldTo) {
  Response response{.status = 404, .body = "\"no\"", .headers = {{"Allow", "GET"}}};
  EXPECT_EQ(render_response(response, "GET", After::kGoOn),
            "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nAllow: GET\r\n"
            "Content-Length: 4\r\n\r\n\"no\"");
  EXPECT_EQ(render_response(response, "HEAD", After::kClose),
            "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nAllow: GET\r\n"
            "Content-Length: 4\r\nConnection: close\r\n\r\n");
  std::string kept = render_response(response, "HEAD", After::kGoOnAsAsked);
  EXPECT_TRUE(kept.ends_with("\r\nConnection: keep-alive\r\n\r\n")) << kept;
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
