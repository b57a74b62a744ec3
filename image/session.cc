#include "image/session.h"

#include "base/text.h"
#include "image/headers.h"
#include "image/status.h"

#include <algorithm>
#include <chrono>

namespace berth::image {
namespace {

constexpr Duration kWaitMax = std::chrono::seconds(60);
// A token may have expired, its successor may not be refused.
constexpr int kAuthenticationsMax = 2;
// A transfer that is cut after fewer bytes than this has not got on.
constexpr uint64_t kProgressMin = 64 * 1024;

TransportOptions transport_options(const Endpoint& endpoint, const RegistryConfig& config) {
  TransportOptions options;
  options.certificates = config.certificates;
  options.registry = endpoint.registry;
  options.unverified = config.unverified_registries;
  options.proxies = config.proxies;
  options.connect_timeout = config.connect_timeout;
  options.answer_timeout = config.answer_timeout;
  options.stall_timeout = config.stall_timeout;
  return options;
}

// What is given for this pull, then the user's own entry for the very registry, then what others
// know.
CredentialProviders providers_of(const RegistryConfig& config) {
  CredentialProviders providers = config.given_credentials;
  providers.push_back(std::make_shared<DockerCredentials>(config.docker_config));
  providers.insert(providers.end(), config.credential_providers.begin(),
                   config.credential_providers.end());
  return providers;
}

// Where only the end of the connection says so, the end may be a cut.
Status must_be_whole(const HttpResponse& response, const RegistryRequest& request) {
  bool is_short = request.sink && request.offset < request.size;
  if (!is_short || !response.ends_with_connection) return {};
  return fail(Errc::kUnavailable, "{}: unexpected EOF after {} of {} bytes", response.origin,
              request.offset, request.size);
}

}  // namespace

RegistrySession::RegistrySession(Endpoint endpoint, std::string repository,
                                 std::vector<std::string> scopes, const RegistryConfig& config,
                                 Env env, Cancel* cancel)
    : endpoint_(std::move(endpoint)),
      repository_(std::move(repository)),
      config_(config),
      env_(env),
      cancel_(cancel),
      client_(transport_options(endpoint_, config), env.clock),
      authenticator_(endpoint_, std::move(scopes), providers_of(config), client_, env.clock,
                     cancel),
      scheme_(endpoint_.scheme == Scheme::kHttps ? "https" : "http") {}

std::string RegistrySession::scheme() {
  std::lock_guard lock(mutex_);
  return scheme_;
}

std::string RegistrySession::url(const std::string& path) {
  return url(scheme(), path);
}

std::string RegistrySession::url(const std::string& scheme, const std::string& path) const {
  if (!path.starts_with('/')) return path;
  return fmt::format("{}://{}/v2/{}{}{}", scheme, endpoint_.host, endpoint_.prefix, repository_,
                     path);
}

Result<HttpResponse> RegistrySession::perform(const RegistryRequest& request) {
  for (int round = 0;; ++round) {
    // Another thread may find out meanwhile that it is https: what was asked is what counts here.
    std::string scheme = this->scheme();
    HttpRequest sent;
    sent.method = request.method;
    sent.url = url(scheme, request.path);
    sent.headers = request.headers;
    sent.body = request.body;
    sent.body_max = request.body_max;
    sent.offset = request.offset;
    sent.sink = request.sink;
    std::string asked = origin_of(sent.url);
    bool is_registry = asked == origin_of(url(scheme, "/"));
    Secret shown;
    if (is_registry) shown = TRY(authenticator_.authorization());
    sent.authorization = shown;
    HttpResponse response = TRY(client_.perform(std::move(sent), cancel_));
    // Storage that we were sent to may not ask for the registry's credentials.
    if (!is_registry || response.origin != asked) return response;
    if (round == 0 && switch_to_https(scheme, response)) continue;
    bool is_refused = response.status == 401 || response.status == 403;
    if (!is_refused || round >= kAuthenticationsMax) return response;
    if (!TRY(authenticator_.refused(response, shown))) return response;
  }
}

Result<HttpResponse> RegistrySession::request(RegistryRequest& request) {
  int attempts = endpoint_.is_mirror ? 1 : config_.attempts;
  for (int failures = 0;; ++request.retried) {
    uint64_t before = request.offset;
    auto response = attempt(request);
    bool is_good = response && response->status >= 200 && response->status < 300;
    if (is_good) return response;
    // The connection went after the last byte: whether it was the right one the digest will tell.
    bool is_whole = !response && request.size > 0 && request.offset == request.size;
    if (is_whole && response.error().code == Errc::kUnavailable) return HttpResponse{.status = 206};
    Error error = response ? error_of(*response, request) : response.error();
    if (request.offset - before >= kProgressMin) failures = 0;
    bool is_final = error.code != Errc::kUnavailable || ++failures >= attempts;
    if (is_final) return tl::unexpected<Error>(std::move(error));
    TRY(wait_before_retry(failures, response ? &*response : nullptr));
  }
}

Result<HttpResponse> RegistrySession::attempt(RegistryRequest& request) {
  RegistryRequest counted = request;
  if (request.sink) {
    counted.sink = [&request](std::string_view bytes) -> Status {
      TRY(request.sink(bytes));
      request.offset += bytes.size();
      return {};
    };
  }
  HttpResponse response = TRY(perform(counted));
  if (response.status >= 200 && response.status < 300) TRY(must_be_whole(response, request));
  return response;
}

// A plain request to a TLS port is answered 400 by the common servers.
bool RegistrySession::switch_to_https(const std::string& asked, const HttpResponse& response) {
  bool may_switch = endpoint_.scheme == Scheme::kPlainOrHttps && asked == "http";
  if (!may_switch || response.status != 400) return false;
  std::lock_guard lock(mutex_);
  scheme_ = "https";
  return true;
}

Duration RegistrySession::asked_to_wait(const HttpResponse& refused) {
  WallTime now = parse_http_date(refused.header("date")).value_or(env_.clock.wall());
  auto asked = parse_retry_after(refused.header("retry-after"), now);
  return std::min(asked.value_or(Duration(0)), kWaitMax);
}

Status RegistrySession::wait_before_retry(int failures, const HttpResponse* refused) {
  Duration backoff =
      std::min(config_.backoff * (int64_t{1} << std::clamp(failures - 1, 0, 10)), kWaitMax);
  int64_t jitter = 0;
  {
    std::lock_guard lock(mutex_);  // the Rng is shared by our threads
    jitter = static_cast<int64_t>(env_.rng.next() % 1000);
  }
  Duration at_least = refused != nullptr ? asked_to_wait(*refused) : Duration(0);
  Duration wait = std::max(at_least, backoff / 2 + backoff / 2 * jitter / 1000);
  Cancel nobody;
  bool is_cancelled = (cancel_ != nullptr ? *cancel_ : nobody).wait_for(wait);
  if (is_cancelled) return fail(Errc::kCancelled, "cancelled");
  return {};
}

Error RegistrySession::error_of(const HttpResponse& response, const RegistryRequest& request) {
  std::string reason = reason_in(response.body);
  std::string where = url(request.path);
  where = printable(where.substr(0, where.find('?')), 500);
  std::string text =
      fmt::format("unexpected status code {}: {}{}{}", where, status_line(response.status),
                  reason.empty() ? "" : " - Server message: ", reason);
  if (response.status == 404 || response.status == 410) {
    return {Errc::kNotFound, 0, fmt::format("{}: not found", text)};
  }
  if (response.status == 401 || response.status == 403) {
    return {Errc::kDenied, 0,
            fmt::format("pull access denied, repository does not exist or may require "
                        "authorization: {}",
                        text)};
  }
  if (is_passing(response.status)) return {Errc::kUnavailable, 0, text};
  return {Errc::kInvalid, 0, text};
}

}  // namespace berth::image
