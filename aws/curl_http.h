// CurlHttp: Http over libcurl, which is known to curl_http.cc alone in this folder. A client of its
// own rather than image/'s, because what it carries are keys: nothing is followed elsewhere, the
// whole exchange has one deadline, and endpoints of the host are never asked through a proxy.
#pragma once

#include "aws/http.h"

#include <functional>
#include <string>

namespace berth::aws {

struct CurlOptions {
  std::string ca_file;  // AWS_CA_BUNDLE; empty: the system's authorities
  // The proxy for a URL, "": none. Empty: nobody's, all are asked directly.
  std::function<Secret(const std::string& url)> proxy_for;
};

class CurlHttp final : public Http {
 public:
  explicit CurlHttp(CurlOptions options);
  Result<HttpResponse> send(const HttpRequest& request) override;

 private:
  CurlOptions options_;
};

}  // namespace berth::aws
