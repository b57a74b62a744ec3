// Requests from bytes and responses to bytes, RFC 9112. Pure.
//
// Its own reader rather than a library's, because what it must know is small: a request line,
// headers and a body of a known length. Everything else is refused with the status that says so,
// before a byte of it is kept.
#pragma once

#include "base/env.h"

#include <tl/expected.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace berth::http {

constexpr size_t kHeadMax = 16 * 1024;  // request line and headers
constexpr size_t kHeadersMax = 100;
constexpr size_t kBodyMax = 64 * 1024;  // unless a server is to take more

struct Request {
  std::string method;                          // "GET"
  std::string path;                            // "/v4/...", as it was sent: no escapes undone
  std::string query;                           // behind the '?'; may be empty
  std::map<std::string, std::string> headers;  // names in lower case; of several, joined by ", "
  std::string body;
  bool keep_alive = true;  // whether the connection may carry another request

  // "" when it is not there.
  const std::string& header(const std::string& name) const;
};

// Why a request is not taken. The connection cannot go on after it.
struct Refusal {
  int status = 400;
  std::string text;
};

struct Parsed {
  Request request;
  size_t consumed = 0;  // of the bytes that were given
};

// The first request in `bytes`; nothing while it is not complete. `body_max`: bytes of its body.
tl::expected<std::optional<Parsed>, Refusal> parse_request(std::string_view bytes, size_t body_max);

// Of `bytes` that are no complete request yet: whether whoever sends them keeps the body back until
// it is asked for ("Expect: 100-continue").
bool awaits_continue(std::string_view bytes);
// The answer to that.
inline constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::map<std::string, std::string> headers;  // others
};

// What the connection does after the response.
enum class After { kGoOn, kClose };

// `method` is the request's: the answer to a HEAD has no body.
std::string render_response(const Response& response, const std::string& method, After after);

// "Not Found".
const char* reason_of(int status);

// "Sun, 06 Nov 1994 08:49:37 GMT": of a Date header, RFC 9110, 5.6.7.
std::string format_http_date(WallTime time);

}  // namespace berth::http
