// HttpClient: one HTTP request after the other. libcurl is known to transport.cc alone.
//
// Redirects are followed here, at most kRedirectsMax, and Authorization goes only to the host and
// port that it was meant for; from https never to http. A form is never posted to a second host.
#pragma once

#include "base/result.h"
#include "base/secret.h"
#include "image/cancel.h"
#include "image/stream.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace berth::image {

constexpr int kRedirectsMax = 10;
constexpr size_t kBodyMax = 8 * 1024 * 1024;  // of bodies that are kept in memory
constexpr size_t kHeadersMax = 256 * 1024;

enum class Method { kGet, kHead, kPostForm };

struct HttpRequest {
  Method method = Method::kGet;
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  Secret authorization;  // the header's value; may be empty
  Secret form;           // kPostForm: application/x-www-form-urlencoded
  uint64_t offset = 0;   // ask for the body from this byte on; the sink gets just that
  Sink sink;             // gets the body of a 2xx answer; without one it is kept in memory
};

struct HttpResponse {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;                            // unless the sink got it; cut at kBodyMax for errors
  std::string origin;                          // of who answered, after redirects
  std::string header(const std::string& name) const;
};

struct TransportOptions {
  std::string ca_file;
  std::chrono::milliseconds connect_timeout;
  std::chrono::seconds stall_timeout;
};

// "http://h:1" of "http://h:1/path"; what decides whether Authorization may go along.
std::string origin_of(const std::string& url);

// Safe from several threads; connections are kept for the next request.
class HttpClient {
 public:
  explicit HttpClient(TransportOptions options);
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  ~HttpClient();

  // Any answer of the server is a response; kUnavailable when there is none or it was cut short,
  // the sink's error when the sink failed, kCancelled.
  Result<HttpResponse> perform(HttpRequest request, Cancel* cancel);

 private:
  struct Pool;
  Result<HttpResponse> perform_once(const HttpRequest& request, Cancel* cancel);
  TransportOptions options_;
  std::unique_ptr<Pool> pool_;
};

}  // namespace berth::image
