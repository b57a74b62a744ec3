#include "http/websocket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::http {
namespace {

using testing::HasSubstr;

// The example of RFC 6455, section 1.3.
Request example() {
  Request request;
  request.method = "GET";
  request.path = "/chat";
  request.headers = {{"upgrade", "websocket"},
                     {"connection", "keep-alive, Upgrade"},
                     {"sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="},
                     {"sec-websocket-version", "13"}};
  return request;
}

TEST(WebSocket, IsAcceptedAsTheRfcHasIt) {
  auto head = accept_websocket(example());
  ASSERT_TRUE(head);
  EXPECT_THAT(*head, HasSubstr("HTTP/1.1 101 "));
  EXPECT_THAT(*head, HasSubstr("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
  EXPECT_TRUE(head->ends_with("\r\n\r\n"));
}

TEST(WebSocket, IsRefusedForWhatItLacks) {
  struct Case {
    const char* header;
    const char* value;
    int status;
  };
  for (const Case& each :
       {Case{"upgrade", "h2c", 400}, Case{"connection", "close", 400},
        Case{"sec-websocket-key", "short", 400}, Case{"sec-websocket-version", "8", 426}}) {
    Request request = example();
    request.headers[each.header] = each.value;
    auto head = accept_websocket(request);
    ASSERT_FALSE(head) << each.header;
    EXPECT_EQ(head.error().status, each.status);
  }
  Request post = example();
  post.method = "POST";
  EXPECT_FALSE(accept_websocket(post));
}

}  // namespace
}  // namespace berth::http
