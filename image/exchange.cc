#include "image/exchange.h"

#include "base/text.h"
#include "image/headers.h"

#include <curl/curl.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace berth::image {
namespace {

constexpr size_t kErrorBodyMax = 64 * 1024;

const char* name_of(Method method) {
  switch (method) {
    case Method::kGet:
      return "Get";
    case Method::kHead:
      return "Head";
    case Method::kPostForm:
    case Method::kPost:
      return "Post";
    case Method::kPut:
      return "Put";
    case Method::kPatch:
      return "Patch";
    case Method::kDelete:
      return "Delete";
  }
  return "";
}

// Without the query, which may be signed and as good as a password.
std::string shown(const std::string& url) {
  return printable(url.substr(0, url.find_first_of("?#")), 500);
}

Exchange& exchange_of(void* self) {
  return *static_cast<Exchange*>(self);
}

size_t on_header(char* data, size_t size, size_t count, void* self) {
  return exchange_of(self).take_header({data, size * count}) ? size * count : 0;
}

size_t on_body(char* data, size_t size, size_t count, void* self) {
  return exchange_of(self).take_body({data, size * count}) ? size * count : 0;
}

size_t on_read(char* buffer, size_t size, size_t count, void* self) {
  auto given = exchange_of(self).give_body(buffer, size * count);
  if (given) return *given;
  (void)exchange_of(self).keep(tl::unexpected<Error>(std::move(given).error()));  // it is a failure
  return CURL_READFUNC_ABORT;
}

// A kept connection that turns out to be dead is replaced, and the body begins anew.
int on_seek(void* self, curl_off_t offset, int origin) {
  if (offset != 0 || origin != SEEK_SET) return CURL_SEEKFUNC_FAIL;
  exchange_of(self).begin_body_anew();
  return CURL_SEEKFUNC_OK;
}

int on_begin(void* self, char*, char*, int, int) {
  exchange_of(self).begin();
  return CURL_PREREQFUNC_OK;
}

uint64_t count_of(curl_off_t value) {
  return static_cast<uint64_t>(std::max<curl_off_t>(value, 0));
}

// libcurl calls at least once a second.
int on_progress(void* self, curl_off_t, curl_off_t got, curl_off_t, curl_off_t sent) {
  Exchange& exchange = exchange_of(self);
  return exchange.keep(exchange.look_at_pace(count_of(sent), count_of(got))) ? 0 : 1;
}

}  // namespace

Exchange::Exchange(void* handle, const HttpRequest& request, const TransportOptions& options,
                   Clock& clock, Cancel* cancel)
    : handle_(handle),
      request_(request),
      options_(options),
      clock_(clock),
      cancel_(cancel),
      pace_({options.answer_timeout, options.stall_timeout, options.stall_bytes},
            request.body.size + request.form.reveal().size(), clock.now()) {}

void Exchange::attach() {
  curl_easy_setopt(handle_, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(handle_, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(handle_, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(handle_, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(handle_, CURLOPT_READFUNCTION, on_read);
  curl_easy_setopt(handle_, CURLOPT_READDATA, this);
  curl_easy_setopt(handle_, CURLOPT_SEEKFUNCTION, on_seek);
  curl_easy_setopt(handle_, CURLOPT_SEEKDATA, this);
  curl_easy_setopt(handle_, CURLOPT_PREREQFUNCTION, on_begin);
  curl_easy_setopt(handle_, CURLOPT_PREREQDATA, this);
  curl_easy_setopt(handle_, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(handle_, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(handle_, CURLOPT_XFERINFODATA, this);
}

Result<HttpResponse> Exchange::finish(int code, std::string_view reason) {
  response_.status = status();
  if (failure_) return tl::unexpected<Error>(std::move(*failure_));
  if (code != CURLE_OK && !enough_) return failure_of(code, reason);
  if (!headers_are_whole_) return failure_of(CURLE_GOT_NOTHING, "unexpected EOF in the headers");
  long version = 0;
  curl_easy_getinfo(handle_, CURLINFO_HTTP_VERSION, &version);
  response_.ends_with_connection = version <= CURL_HTTP_VERSION_1_1 &&
                                   response_.header("content-length").empty() &&
                                   response_.header("transfer-encoding").empty();
  return std::move(response_);
}

int Exchange::status() const {
  long code = 0;
  curl_easy_getinfo(handle_, CURLINFO_RESPONSE_CODE, &code);
  return static_cast<int>(code);
}

bool Exchange::is_good() const {
  return status() >= 200 && status() < 300;
}

bool Exchange::keep(Status status) {
  if (status) return true;
  if (!failure_) failure_ = std::move(status).error();
  return false;
}

bool Exchange::take_header(std::string_view line) {
  header_bytes_ += line.size();
  if (header_bytes_ > kHeadersMax) {
    return keep(fail(Errc::kInvalid, "{}: the headers of the answer are longer than {} bytes",
                     shown(request_.url), kHeadersMax));
  }
  if (line.starts_with("HTTP/")) {  // of the answer, or of a 1xx one before it
    response_.headers.clear();
    headers_are_whole_ = false;
  }
  if (trim(line).empty() && status() >= 200) {
    headers_are_whole_ = true;
    pace_.answered(clock_.now());
  }
  size_t colon = line.find(':');
  if (colon == std::string_view::npos) return true;
  std::string& known = response_.headers[to_lower(line.substr(0, colon))];
  std::string_view value = trim(line.substr(colon + 1));
  known = known.empty() ? std::string(value) : fmt::format("{}, {}", known, value);
  return true;
}

bool Exchange::take_body(std::string_view bytes) {
  if (is_good() && request_.sink) return give_to_sink(bytes);
  std::string& body = response_.body;
  if (!is_good()) {
    body += bytes.substr(0, kErrorBodyMax - std::min(body.size(), kErrorBodyMax));
    enough_ = body.size() >= kErrorBodyMax;
    return !enough_;
  }
  if (body.size() + bytes.size() > request_.body_max) {
    return keep(fail(Errc::kInvalid, "{}: the answer is longer than {} bytes", shown(request_.url),
                     request_.body_max));
  }
  body += bytes;
  return true;
}

// A server may ignore Range and begin at the beginning (200), or elsewhere than asked (206).
bool Exchange::give_to_sink(std::string_view bytes) {
  if (!skip_) {
    uint64_t first = 0;
    if (status() == 206) {
      auto range = parse_content_range(response_.header("content-range"));
      first = range ? range->first : request_.offset;
    }
    if (first > request_.offset) {
      return keep(fail(Errc::kUnavailable, "{}: asked for the bytes from {} on, got those from {}",
                       shown(request_.url), request_.offset, first));
    }
    skip_ = request_.offset - first;
  }
  uint64_t skip = std::min<uint64_t>(*skip_, bytes.size());
  *skip_ -= skip;
  bytes.remove_prefix(skip);
  if (bytes.empty()) return true;
  Instant before = clock_.now();
  bool is_taken = keep(request_.sink(bytes));
  pace_.exclude(clock_.now() - before);
  return is_taken;
}

Result<size_t> Exchange::give_body(char* buffer, size_t size) {
  if (!request_.body.open) return 0;
  Instant before = clock_.now();
  if (!body_) body_ = TRY(request_.body.open());
  if (unsent_.empty()) unsent_ = TRY(body_->read());
  pace_.exclude(clock_.now() - before);
  size_t given = std::min(size, unsent_.size());
  std::memcpy(buffer, unsent_.data(), given);
  unsent_.remove_prefix(given);
  return given;
}

void Exchange::begin_body_anew() {
  body_.reset();
  unsent_ = {};
}

Status Exchange::look_at_pace(uint64_t sent, uint64_t received) {
  if (cancel_ != nullptr && cancel_->is_cancelled()) return fail(Errc::kCancelled, "cancelled");
  switch (pace_.look(clock_.now(), sent, received)) {
    case Pace::Verdict::kGood:
      return {};
    case Pace::Verdict::kNoAnswer:
      return fail(Errc::kUnavailable, "{} \"{}\": timeout awaiting response headers",
                  name_of(request_.method), shown(request_.url));
    case Pace::Verdict::kTooSlow:
      return fail(Errc::kUnavailable, "{} \"{}\": i/o timeout: less than {} bytes in {} s",
                  name_of(request_.method), shown(request_.url), options_.stall_bytes,
                  std::chrono::duration_cast<std::chrono::seconds>(options_.stall_timeout).count());
  }
  return {};
}

// In the words of Go's net/http where it has some: ECS's users know them from Amazon's agent.
tl::unexpected<Error> Exchange::failure_of(int code, std::string_view reason) const {
  long number = 0;
  curl_easy_getinfo(handle_, CURLINFO_OS_ERRNO, &number);
  std::string host = host_of(request_.url);
  std::string why =
      printable(reason.empty() ? curl_easy_strerror(static_cast<CURLcode>(code)) : reason, 300);
  Errc errc = Errc::kUnavailable;
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      why = fmt::format("dial tcp: lookup {}: no such host",
                        code == CURLE_COULDNT_RESOLVE_PROXY ? "of the proxy" : host);
      break;
    case CURLE_COULDNT_CONNECT:
      why = number == 0 ? fmt::format("dial tcp {}: {}", host, why)
                        : fmt::format("dial tcp {}: connect: {}", host,
                                      to_lower(std::strerror(static_cast<int>(number))));
      break;
    case CURLE_OPERATION_TIMEDOUT:  // only connecting has a limit of libcurl's
      why = fmt::format("dial tcp {}: i/o timeout", host);
      break;
    case CURLE_GOT_NOTHING:
      why = reason.empty() ? "EOF" : fmt::format("EOF: {}", why);
      break;
    case CURLE_PARTIAL_FILE:
      why = fmt::format("unexpected EOF: {}", why);
      break;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
      why = fmt::format("tls: failed to verify certificate: {}", why);
      errc = Errc::kDenied;
      break;
    default:
      break;
  }
  return fail(errc, "failed to do request: {} \"{}\": {}", name_of(request_.method),
              shown(request_.url), why);
}

}  // namespace berth::image
