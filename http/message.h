// Requests and responses as values, and responses to bytes, RFC 9112. Pure. Requests are read by
// http/request_reader.h.
#pragma once

#include "base/env.h"

#include <cstdint>
#include <map>
#include <string>

namespace berth::http {

constexpr size_t kHeadMax = 16 * 1024;  // request line and headers
constexpr size_t kHeadersMax = 100;
constexpr size_t kBodyMax = 64 * 1024;  // unless a server is to take more

struct Request {
  std::string method;  // "GET"
  std::string path;    // "/v4/...", as it was sent: no escapes undone; "*" of OPTIONS alone
  std::string query;   // behind the '?'; may be empty
  std::map<std::string, std::string> headers;  // names in lower case; of several, joined by ", "
  std::string body;
  bool keep_alive = true;  // whether the connection may carry another request
  bool is_old = false;     // HTTP/1.0: knows no chunks, no other protocols

  // "" when it is not there.
  const std::string& header(const std::string& name) const;
};

// Why a request is not taken. The connection cannot go on after it.
struct Refusal {
  int status = 400;
  std::string text;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::map<std::string, std::string> headers;  // others
};

// What the connection does after the response. kGoOnAsAsked: who spoke HTTP/1.0 and asked for it is
// told so, or waits for the end (RFC 9112, 9.3).
enum class After { kGoOn, kGoOnAsAsked, kClose };

// `method` is the request's: the answer to a HEAD has no body.
std::string render_response(const Response& response, const std::string& method, After after);

// "Not Found".
const char* reason_of(int status);

// "Sun, 06 Nov 1994 08:49:37 GMT": of a Date header, RFC 9110, 5.6.7.
std::string format_http_date(WallTime time);

}  // namespace berth::http
