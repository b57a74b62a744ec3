#include "image/transport.h"

#include "base/check.h"
#include "base/text.h"
#include "image/exchange.h"

#include <curl/curl.h>

#include <memory>
#include <mutex>

namespace berth::image {

// Idle handles, each with its open connections.
struct HttpClient::Pool {
  std::mutex mutex;
  std::vector<CURL*> idle;

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

void configure(CURL* handle, const TransportOptions& options, const HttpRequest& request) {
  auto connect_timeout =
      std::chrono::duration_cast<std::chrono::milliseconds>(options.connect_timeout);
  curl_easy_setopt(handle, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_USERAGENT, "berth");
  curl_easy_setopt(handle, CURLOPT_BUFFERSIZE, 512L * 1024);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(connect_timeout.count()));
  if (!options.ca_file.empty()) {
    curl_easy_setopt(handle, CURLOPT_CAINFO, options.ca_file.c_str());
  }
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

HttpClient::HttpClient(TransportOptions options, Clock& clock)
    : options_(std::move(options)), clock_(clock), pool_(std::make_unique<Pool>()) {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  CHECK(started == CURLE_OK);
}
HttpClient::~HttpClient() = default;

Result<HttpResponse> HttpClient::perform(HttpRequest request, Cancel* cancel) {
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

Result<HttpResponse> HttpClient::perform_once(const HttpRequest& request, Cancel* cancel) {
  CURL* handle = pool_->acquire();
  CHECK(handle != nullptr);
  curl_easy_reset(handle);  // options only; connections stay
  std::string reason(CURL_ERROR_SIZE, '\0');
  Slist headers = make_headers(request);
  Exchange exchange(handle, request, options_, clock_, cancel);
  configure(handle, options_, request);
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
