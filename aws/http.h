// How this folder asks for HTTP: requests as values, sent by whoever uses it. (libcurl lives in
// image/, which a folder below it cannot see.)
#pragma once

#include "base/env.h"
#include "base/result.h"
#include "base/secret.h"

#include <string>
#include <utility>
#include <vector>

namespace berth::aws {

constexpr size_t kAnswerMax = 1024 * 1024;

enum class Route {
  kUsual,   // through a proxy, if whoever sends it knows one
  kDirect,  // never: endpoints of this host and its link, which hand out keys
};

struct HttpRequest {
  std::string method;
  std::string url;
  // Signatures and tokens are among them, so none of their values is ever printed.
  std::vector<std::pair<std::string, Secret>> headers;
  Secret body;
  Duration timeout{0};  // of the whole exchange
  Route route = Route::kUsual;
};

struct HttpResponse {
  int status = 0;
  std::string body;  // at most kAnswerMax
};

class Http {
 public:
  virtual ~Http() = default;
  // Any answer is a response; redirects are not followed. kUnavailable when there is none in time.
  // Safe from several threads.
  virtual Result<HttpResponse> send(const HttpRequest& request) = 0;
};

}  // namespace berth::aws
