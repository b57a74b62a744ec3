#include "image/transport.h"

#include "aws/curl_library.h"
#include "base/check.h"
#include "base/text.h"
#include "image/exchange.h"

#include <curl/curl.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>

namespace berth::image {

// Idle handles, each with its open connections.
struct HttpClient::Pool {
  std::mutex mutex;
  std::vector<CURL*> idle;
  std::map<std::string, Trust> trusts;  // by host, as read

  CURL* acquire() {
    std::lock_guard lock(mutex);
    if (idle.empty()) return curl_easy_init();
    CURL* handle = idle.back();
    idle.pop_back();
    return handle;
  }
  void release(CURL* handle) {
    std::lock_guard lock(mutex);
    idle.push_back(handle);
  }
  ~Pool() {
    for (CURL* handle : idle) curl_easy_cleanup(handle);
  }
};

namespace {

constexpr const char* kSystemAuthorities = "/etc/ssl/certs";

struct SlistCloser {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Slist = std::unique_ptr<curl_slist, SlistCloser>;

// An upload's method is named, for libcurl would PUT.
void set_upload(CURL* handle, const HttpRequest& request, const char* method) {
  curl_easy_setopt(handle, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, method);
  curl_easy_setopt(handle, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request.body.size));
}

void set_method(CURL* handle, const HttpRequest& request) {
  switch (request.method) {
    case Method::kGet:
      curl_easy_setopt(handle, CURLOPT_HTTPGET, 1L);
      break;
    case Method::kHead:
      curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
      break;
    case Method::kPostForm:
      curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE,
                       static_cast<curl_off_t>(request.form.reveal().size()));
      curl_easy_setopt(handle, CURLOPT_POSTFIELDS, request.form.reveal().c_str());
      break;
    case Method::kPost:
      set_upload(handle, request, "POST");
      break;
    case Method::kPut:
      set_upload(handle, request, "PUT");
      break;
    case Method::kPatch:
      set_upload(handle, request, "PATCH");
      break;
    case Method::kDelete:
      curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, "DELETE");
      break;
  }
}

Slist make_headers(const HttpRequest& request) {
  curl_slist* list = nullptr;
  for (const auto& [name, value] : request.headers) {
    list = curl_slist_append(list, (name + ": " + value).c_str());
  }
  if (request.offset > 0) {
    list = curl_slist_append(list, fmt::format("Range: bytes={}-", request.offset).c_str());
  }
  if (!request.authorization.empty()) {
    list = curl_slist_append(list, ("Authorization: " + request.authorization.reveal()).c_str());
  }
  return Slist(list);
}

void set_trust(CURL* handle, const Trust& trust) {
  if (!trust.authorities.empty()) {
    curl_blob blob{const_cast<char*>(trust.authorities.data()), trust.authorities.size(),
                   CURL_BLOB_COPY};
    curl_easy_setopt(handle, CURLOPT_CAINFO_BLOB, &blob);
    curl_easy_setopt(handle, CURLOPT_CAPATH, kSystemAuthorities);  // beside ours
  }
  if (trust.certificate.empty()) return;
  curl_easy_setopt(handle, CURLOPT_SSLCERT, trust.certificate.c_str());
  curl_easy_setopt(handle, CURLOPT_SSLKEY, trust.key.c_str());
}

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

// Others than 307 and 308 may mean: fetch this instead.
bool keeps_method(int status) {
  return status == 307 || status == 308;
}

bool is_upload(Method method) {
  return method == Method::kPost || method == Method::kPut || method == Method::kPatch;
}

}  // namespace

Result<std::string> resolve_url(const std::string& base, const std::string& location) {
  std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url(curl_url(), curl_url_cleanup);
  char* text = nullptr;
  bool good = curl_url_set(url.get(), CURLUPART_URL, base.c_str(), 0) == CURLUE_OK &&
              curl_url_set(url.get(), CURLUPART_URL, location.c_str(), 0) == CURLUE_OK &&
              curl_url_get(url.get(), CURLUPART_URL, &text, CURLU_NO_DEFAULT_PORT) == CURLUE_OK;
  if (!good) return fail(Errc::kInvalid, "{}: redirects to a malformed address", base);
  std::string absolute = text;
  curl_free(text);
  return absolute;
}

std::string HttpResponse::header(const std::string& name) const {
  auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

std::string origin_of(const std::string& url) {
  size_t scheme = url.find("://");
  if (scheme == std::string::npos) return "";
  std::string origin = to_lower(url.substr(0, url.find_first_of("/?#", scheme + 3)));
  std::string_view port = origin.starts_with("https:") ? ":443" : ":80";
  return origin.ends_with(port) ? origin.substr(0, origin.size() - port.size()) : origin;
}

std::string host_of(const std::string& url) {
  std::string origin = origin_of(url);
  size_t scheme = origin.find("://");
  return scheme == std::string::npos ? origin : origin.substr(scheme + 3);
}

HttpClient::HttpClient(TransportOptions options, Clock& clock)
    : options_(std::move(options)), clock_(clock), pool_(std::make_unique<Pool>()) {}
HttpClient::~HttpClient() = default;

Result<HttpResponse> HttpClient::perform(HttpRequest request, Cancel* cancel) {
  TRY(aws::load_curl());
  for (int hops = 0; hops <= kRedirectsMax; ++hops) {
    HttpResponse response = TRY(perform_once(request, cancel));
    std::string location = response.header("location");
    response.origin = origin_of(request.url);
    if (!is_redirect(response.status) || location.empty()) return response;
    if (is_upload(request.method) && !keeps_method(response.status)) return response;
    std::string next = TRY(resolve_url(request.url, location));
    if (request.url.starts_with("https:") && !next.starts_with("https:")) {
      return fail(Errc::kDenied, "{}: redirects from https to {}", origin_of(request.url),
                  origin_of(next));
    }
    if (origin_of(next) != origin_of(request.url)) {
      // The form holds a refresh token: it is as secret as Authorization.
      if (request.method == Method::kPostForm) {
        return fail(Errc::kDenied, "{}: redirects a form to {}", origin_of(request.url),
                    origin_of(next));
      }
      request.authorization = Secret();
    }
    request.url = std::move(next);
  }
  return fail(Errc::kUnavailable, "{}: more than {} redirects", origin_of(request.url),
              kRedirectsMax);
}

// A certificate of ours is for the very host; authorities are also for those that it names.
Result<HttpClient::Route> HttpClient::route_to(const std::string& url) {
  Route route;
  route.proxy = proxy_for(url, options_.proxies);
  if (!url.starts_with("https:")) return route;
  std::string host = host_of(url);
  route.is_verified = std::ranges::none_of(options_.unverified, [&](const std::string& name) {
    return host_of("https://" + name) == host;
  });
  std::lock_guard lock(pool_->mutex);
  for (const std::string& name : {host, options_.registry}) {
    if (name.empty() || pool_->trusts.contains(name)) continue;
    pool_->trusts[name] = TRY(load_trust(options_.certificates, name));
  }
  route.trust = pool_->trusts[host];
  if (host_of("https://" + options_.registry) == host)
    route.trust = pool_->trusts[options_.registry];
  else
    route.trust.authorities += pool_->trusts[options_.registry].authorities;
  return route;
}

void HttpClient::configure(void* handle, const HttpRequest& request, const Route& route) {
  curl_easy_setopt(handle, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_USERAGENT, "berth");
  curl_easy_setopt(handle, CURLOPT_BUFFERSIZE, 512L * 1024);
  // HTTP/2 where the other side offers it in its TLS handshake.
  curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  // Even an empty one keeps libcurl from deciding by the environment.
  curl_easy_setopt(handle, CURLOPT_PROXY, route.proxy.reveal().c_str());
  curl_easy_setopt(handle, CURLOPT_NOPROXY, "");
  // What the proxy says of the tunnel is not the registry's answer.
  curl_easy_setopt(handle, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, route.is_verified ? 1L : 0L);
  curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, route.is_verified ? 2L : 0L);
  set_trust(handle, route.trust);
}

Result<HttpResponse> HttpClient::perform_once(const HttpRequest& request, Cancel* cancel) {
  Route route = TRY(route_to(request.url));
  CURL* handle = pool_->acquire();
  CHECK(handle != nullptr);
  curl_easy_reset(handle);  // options only; connections stay
  std::string reason(CURL_ERROR_SIZE, '\0');
  Slist headers = make_headers(request);
  Exchange exchange(handle, request, options_, clock_, cancel);
  configure(handle, request, route);
  auto connect_timeout =
      std::chrono::duration_cast<std::chrono::milliseconds>(options_.connect_timeout);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(connect_timeout.count()));
  set_method(handle, request);
  exchange.attach();
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, reason.data());
  CURLcode code = curl_easy_perform(handle);
  auto response = exchange.finish(code, reason.c_str());
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, nullptr);
  pool_->release(handle);
  return response;
}

}  // namespace berth::image
