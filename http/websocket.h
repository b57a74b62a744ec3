// The beginning of a WebSocket connection, RFC 6455 section 4: pure.
//
//   GET /path HTTP/1.1             HTTP/1.1 101 Switching Protocols
//   Upgrade: websocket      ->     Upgrade: websocket
//   Sec-WebSocket-Key: KEY         Sec-WebSocket-Accept: base64(SHA-1(KEY + a UUID of the RFC))
#pragma once

#include "http/message.h"

#include <tl/expected.hpp>

#include <string>

namespace berth::http {

// Whether it asks for one. Other protocols that a client would rather speak (h2c) are nothing to
// us, and its request is one like others (RFC 9110, 7.8).
bool asks_for_websocket(const Request& request);

// The head of the answer that switches protocols, or why the request may not.
tl::expected<std::string, Response> accept_websocket(const Request& request);

}  // namespace berth::http
