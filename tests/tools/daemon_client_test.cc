#include "tools/daemon_client.h"

#include <gtest/gtest.h>

namespace berth::tools {
namespace {

TEST(DaemonClient, AnAnswerIsItsStatusAndItsBody) {
  auto answer = parse_http_answer(
      "HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}\r\n\r\n");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 400);
  EXPECT_EQ(answer->body, "{}\r\n\r\n");
}

TEST(DaemonClient, WhatIsNoAnswerIsSaidSo) {
  for (const char* bytes : {"", "HTTP/1.1 200 OK\r\n", "SSH-2.0-x\r\n\r\n", "HTTP/1.1 x y\r\n\r\n",
                            "HTTP/1.1 99999 y\r\n\r\n", "\r\n\r\n"}) {
    auto answer = parse_http_answer(bytes);
    ASSERT_FALSE(answer) << bytes;
    EXPECT_EQ(answer.error().code, Errc::kCorrupt);
  }
}

}  // namespace
}  // namespace berth::tools
