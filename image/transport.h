// HttpClient: one HTTP request after the other. libcurl is known to transport.cc and exchange.cc.
//
// Redirects are followed here, at most kRedirectsMax, and Authorization goes only to the host and
// port that it was meant for; from https never to http. A form is never posted to a second host,
// and other bodies go on only where the answer says that the method stays (307, 308).
#pragma once

#include "base/env.h"
#include "base/result.h"
#include "base/secret.h"
#include "image/cancel.h"
#include "image/proxy.h"
#include "image/stream.h"
#include "image/trust.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace berth::image {

constexpr int kRedirectsMax = 10;
constexpr size_t kBodyMax = 8 * 1024 * 1024;  // of bodies that are kept in memory
constexpr uint64_t kStallBytes = 30 * 1024;   // in a stall_timeout: 1 KiB a second by default
constexpr size_t kHeadersMax = 256 * 1024;

enum class Method { kGet, kHead, kPostForm, kPost, kPut, kPatch, kDelete };

// Bytes that go along. They are opened for each time that they are sent: after a redirect, or once
// we know how to authenticate, they are sent anew.
struct HttpBody {
  uint64_t size = 0;
  std::function<Result<std::unique_ptr<ByteSource>>()> open;  // empty: no bytes
};

struct HttpRequest {
  Method method = Method::kGet;
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  Secret authorization;        // the header's value; may be empty
  Secret form;                 // kPostForm: application/x-www-form-urlencoded
  HttpBody body;               // kPost, kPut, kPatch
  uint64_t offset = 0;         // ask for the body from this byte on; the sink gets just that
  Sink sink;                   // gets the body of a 2xx answer; without one it is kept in memory
  size_t body_max = kBodyMax;  // of what is kept in memory; a longer answer is kInvalid
};

struct HttpResponse {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;                            // unless the sink got it; an error's may be cut
  std::string origin;                          // of who answered, after redirects
  // Nothing but the end of the connection said where the body ends: it may be cut short.
  bool ends_with_connection = false;
  std::string header(const std::string& name) const;
};

struct TransportOptions {
  // Trust: load_trust() of the host that is asked, and the authorities of `registry` for all hosts
  // that it sends us to. Without verification, where that was asked for: hosts by HOST[:PORT].
  std::string certificates;
  std::string registry;
  std::vector<std::string> unverified;
  ProxySettings proxies;
  Duration connect_timeout;
  Duration answer_timeout;  // from the end of the request to the end of the headers
  Duration stall_timeout;   // in which stall_bytes must have come
  uint64_t stall_bytes = kStallBytes;
};

// "http://h:1" of "http://h:1/path"; what decides whether Authorization may go along.
std::string origin_of(const std::string& url);
// "host:port" of it.
std::string host_of(const std::string& url);

// The absolute form of a Location header that `base` answered. kInvalid when it is malformed.
Result<std::string> resolve_url(const std::string& base, const std::string& location);

// Safe from several threads; connections are kept for the next request.
class HttpClient {
 public:
  // `clock` is borrowed.
  HttpClient(TransportOptions options, Clock& clock);
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  ~HttpClient();

  // Any answer of the server is a response; kUnavailable when there is none, or it was cut short or
  // too slow, kDenied when its certificate is not trusted, kInvalid when it is too long, the sink's
  // error when the sink failed, kCancelled.
  Result<HttpResponse> perform(HttpRequest request, Cancel* cancel);

 private:
  struct Pool;
  // The way to one host.
  struct Route {
    Trust trust;
    Secret proxy;
    bool is_verified = true;
  };
  Result<Route> route_to(const std::string& url);
  static void configure(void* handle, const HttpRequest& request, const Route& route);
  Result<HttpResponse> perform_once(const HttpRequest& request, Cancel* cancel);
  TransportOptions options_;
  Clock& clock_;
  std::unique_ptr<Pool> pool_;
};

}  // namespace berth::image
