#include "image/transport.h"

#include "base/check.h"
#include "base/text.h"

#include <curl/curl.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>

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

// What the callbacks of one request write to.
struct Exchange {
  CURL* handle = nullptr;
  const HttpRequest& request;
  Cancel* cancel = nullptr;
  HttpResponse response;
  size_t header_bytes = 0;
  uint64_t skipped = 0;  // of a body that starts at 0 although we asked for more
  std::optional<Error> sink_error;

  int status() const {
    long code = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &code);
    return static_cast<int>(code);
  }
};

// A server may ignore Range: it answers 200 and begins at the beginning.
void skip_what_is_known(Exchange& exchange, std::string_view& bytes) {
  if (exchange.status() == 206) return;
  uint64_t skip = std::min<uint64_t>(exchange.request.offset - exchange.skipped, bytes.size());
  exchange.skipped += skip;
  bytes.remove_prefix(skip);
}

size_t on_body(char* data, size_t size, size_t count, void* self) {
  auto* exchange = static_cast<Exchange*>(self);
  std::string_view bytes(data, size * count);
  int status = exchange->status();
  bool is_good = status >= 200 && status < 300;
  if (is_good && exchange->request.sink) {
    skip_what_is_known(*exchange, bytes);
    auto taken = bytes.empty() ? Status() : exchange->request.sink(bytes);
    if (taken) return size * count;
    exchange->sink_error = std::move(taken).error();
    return 0;
  }
  std::string& body = exchange->response.body;
  if (body.size() + bytes.size() > kBodyMax) {
    exchange->sink_error =
        Error{Errc::kExhausted, 0, fmt::format("the answer is longer than {} bytes", kBodyMax)};
    return 0;
  }
  body += bytes;
  return bytes.size();
}

size_t on_header(char* data, size_t size, size_t count, void* self) {
  auto* exchange = static_cast<Exchange*>(self);
  std::string_view line(data, size * count);
  exchange->header_bytes += line.size();
  if (exchange->header_bytes > kHeadersMax) return 0;
  if (line.starts_with("HTTP/")) exchange->response.headers.clear();  // after a 1xx answer
  size_t colon = line.find(':');
  if (colon != std::string_view::npos) {
    std::string name = to_lower(line.substr(0, colon));
    std::string value(trim(line.substr(colon + 1)));
    std::string& known = exchange->response.headers[name];
    known = known.empty() ? value : known + ", " + value;
  }
  return size * count;
}

int on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto* exchange = static_cast<Exchange*>(self);
  return exchange->cancel != nullptr && exchange->cancel->is_cancelled() ? 1 : 0;
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

void configure(CURL* handle, const TransportOptions& options, Exchange& exchange) {
  curl_easy_setopt(handle, CURLOPT_URL, exchange.request.url.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_USERAGENT, "berth");
  curl_easy_setopt(handle, CURLOPT_BUFFERSIZE, 512L * 1024);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(options.connect_timeout.count()));
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME,
                   static_cast<long>(options.stall_timeout.count()));
  if (!options.ca_file.empty()) {
    curl_easy_setopt(handle, CURLOPT_CAINFO, options.ca_file.c_str());
  }
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &exchange);
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, &exchange);
  curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &exchange);
}

// The absolute form of a Location header.
Result<std::string> resolve_url(const std::string& base, const std::string& location) {
  std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url(curl_url(), curl_url_cleanup);
  char* text = nullptr;
  bool good = curl_url_set(url.get(), CURLUPART_URL, base.c_str(), 0) == CURLUE_OK &&
              curl_url_set(url.get(), CURLUPART_URL, location.c_str(), 0) == CURLUE_OK &&
              curl_url_get(url.get(), CURLUPART_URL, &text, 0) == CURLUE_OK;
  if (!good) return fail(Errc::kInvalid, "{}: redirects to a malformed address", base);
  std::string absolute = text;
  curl_free(text);
  return absolute;
}

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

}  // namespace

std::string HttpResponse::header(const std::string& name) const {
  auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

std::string origin_of(const std::string& url) {
  size_t scheme = url.find("://");
  if (scheme == std::string::npos) return "";
  return to_lower(url.substr(0, url.find_first_of("/?#", scheme + 3)));
}

HttpClient::HttpClient(TransportOptions options)
    : options_(std::move(options)), pool_(std::make_unique<Pool>()) {
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
  Exchange exchange{handle, request, cancel, {}, 0, 0, {}};
  std::string reason(CURL_ERROR_SIZE, '\0');
  Slist headers = make_headers(request);
  configure(handle, options_, exchange);
  set_method(handle, request);
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, reason.data());
  CURLcode code = curl_easy_perform(handle);
  exchange.response.status = exchange.status();
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, nullptr);
  pool_->release(handle);
  if (exchange.sink_error) return tl::unexpected<Error>(std::move(*exchange.sink_error));
  if (code == CURLE_ABORTED_BY_CALLBACK) return fail(Errc::kCancelled, "cancelled");
  if (code == CURLE_OK) return std::move(exchange.response);
  std::string why = reason[0] != '\0' ? reason.c_str() : curl_easy_strerror(code);
  return fail(Errc::kUnavailable, "{}: {}", origin_of(request.url), printable(why, 300));
}

}  // namespace berth::image
