#include "aws/curl_http.h"

#include "aws/curl_library.h"
#include "base/check.h"
#include "base/text.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <memory>

namespace berth::aws {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr milliseconds kConnectMax = std::chrono::seconds(10);

struct HandleCloser {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct SlistCloser {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Handle = std::unique_ptr<CURL, HandleCloser>;
using Slist = std::unique_ptr<curl_slist, SlistCloser>;

size_t on_body(char* data, size_t size, size_t count, void* self) {
  auto* body = static_cast<std::string*>(self);
  if (body->size() + size * count > kAnswerMax) return 0;
  body->append(data, size * count);
  return size * count;
}

// libcurl's own are dropped: what was signed is what is sent.
Slist make_headers(const HttpRequest& request) {
  Slist list(curl_slist_append(nullptr, "Expect:"));
  for (const auto& [name, value] : request.headers) {
    list.reset(curl_slist_append(list.release(), (name + ": " + value.reveal()).c_str()));
  }
  return list;
}

bool is_header_text(const std::string& text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c != 0x7f; });
}

void set_method(CURL* handle, const HttpRequest& request) {
  const std::string& body = request.body.reveal();
  if (request.method == "GET") {
    curl_easy_setopt(handle, CURLOPT_HTTPGET, 1L);
    return;
  }
  curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  curl_easy_setopt(handle, CURLOPT_POSTFIELDS, body.c_str());
  curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

void configure(CURL* handle, const HttpRequest& request, const CurlOptions& options) {
  auto timeout = duration_cast<milliseconds>(request.timeout);
  CHECK(timeout.count() > 0);
  curl_easy_setopt(handle, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_USERAGENT, "berth");
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout.count()));
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(std::min(timeout, kConnectMax).count()));
  // Even an empty one keeps libcurl from deciding by the environment.
  bool is_usual = request.route == Route::kUsual && options.proxy_for;
  Secret proxy = is_usual ? options.proxy_for(request.url) : Secret();
  curl_easy_setopt(handle, CURLOPT_PROXY, proxy.reveal().c_str());
  curl_easy_setopt(handle, CURLOPT_NOPROXY, "");
  if (!options.ca_file.empty()) {
    curl_easy_setopt(handle, CURLOPT_CAINFO, options.ca_file.c_str());
  }
}

}  // namespace

CurlHttp::CurlHttp(CurlOptions options) : options_(std::move(options)) {}

Result<HttpResponse> CurlHttp::send(const HttpRequest& request) {
  for (const auto& [name, value] : request.headers) {
    if (!is_header_text(value.reveal())) {
      return fail(Errc::kInvalid, "header {}: has characters that no header may have", name);
    }
  }
  TRY(load_curl());
  Handle handle(curl_easy_init());
  CHECK(handle != nullptr);
  HttpResponse response;
  std::array<char, CURL_ERROR_SIZE> reason{};
  Slist headers = make_headers(request);
  configure(handle.get(), request, options_);
  set_method(handle.get(), request);
  curl_easy_setopt(handle.get(), CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(handle.get(), CURLOPT_ERRORBUFFER, reason.data());
  curl_easy_setopt(handle.get(), CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(handle.get(), CURLOPT_WRITEDATA, &response.body);
  CURLcode code = curl_easy_perform(handle.get());
  if (code == CURLE_OK) {
    long status = 0;
    curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
    response.status = static_cast<int>(status);
    return response;
  }
  std::string url = request.url.substr(0, request.url.find('?'));
  if (code == CURLE_WRITE_ERROR) {
    return fail(Errc::kInvalid, "{}: the answer is longer than {} bytes", url, kAnswerMax);
  }
  const char* why = reason[0] != '\0' ? reason.data() : curl_easy_strerror(code);
  Errc kind = code == CURLE_PEER_FAILED_VERIFICATION ? Errc::kDenied : Errc::kUnavailable;
  return fail(kind, "{}: {}", url, printable(why, 300));
}

}  // namespace berth::aws
