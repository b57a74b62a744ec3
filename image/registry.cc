#include "image/registry.h"

#include "base/json.h"
#include "base/text.h"
#include "image/digest.h"
#include "sys/file.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

namespace berth::image {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kWaitMax = seconds(60);
constexpr int kAuthenticationsMax =
    2;  // a token may have expired, its successor may not be refused
constexpr size_t kTokenMax = 64 * 1024;
// A transfer that is cut after fewer bytes than this has not got on.
constexpr uint64_t kProgressMin = 64 * 1024;

constexpr std::string_view kAccept =
    "application/vnd.oci.image.index.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.v2+json";

// Where the API of a registry lives.
std::string api_host(const std::string& registry) {
  return registry == "docker.io" ? "registry-1.docker.io" : registry;
}

std::string host_without_port(const std::string& registry) {
  if (registry.starts_with('[')) return registry.substr(0, registry.find(']') + 1);
  return registry.substr(0, registry.find(':'));
}

// Empty: the system's authorities only.
std::string ca_file(const RegistryConfig& config, const std::string& registry) {
  std::string path = fmt::format("{}/{}/ca.crt", config.certificates, registry);
  return sys::exists(path) ? path : "";
}

// Only the form in seconds; a date is answered with our own back-off.
Duration retry_after(const HttpResponse& response) {
  auto value = parse_u64(response.header("retry-after"));
  if (!value) return Duration(0);
  return std::min<Duration>(seconds(std::min<uint64_t>(*value, 3600)), kWaitMax);
}

bool is_passing(int status) {
  return status == 429 || status == 408 || status >= 500;
}

// "MANIFEST_UNKNOWN: manifest unknown" of a registry's error document, or nothing.
std::string reason_in(const std::string& body) {
  auto document = json::Document::parse(body, {.name = "error"});
  if (!document) return "";
  auto errors = document->root().find_array("errors");
  if (!errors || errors->empty()) return "";
  auto code = errors->front().find_string("code");
  auto message = errors->front().find_string("message");
  std::string text = code && *code ? **code : "";
  if (message && *message) text += (text.empty() ? "" : ": ") + **message;
  return printable(text, 300);
}

}  // namespace

bool is_plain_allowed(const std::string& registry, const std::vector<std::string>& insecure) {
  std::string host = host_without_port(registry);
  if (host == "localhost" || host == "[::1]") return true;
  auto octets = split(host, '.');
  bool is_address = octets.size() == 4 && std::ranges::all_of(octets, [](const std::string& octet) {
                      auto number = parse_u64(octet);
                      return number && *number < 256;
                    });
  if (is_address && octets[0] == "127") return true;
  return std::ranges::any_of(
      insecure, [&](const std::string& entry) { return entry == registry || entry == host; });
}

RegistrySource::RegistrySource(Reference reference, const RegistryConfig& config, Env env,
                               Cancel* cancel)
    : reference_(std::move(reference)),
      config_(config),
      env_(env),
      cancel_(cancel),
      client_({ca_file(config, reference_.registry),
               std::chrono::duration_cast<milliseconds>(config.connect_timeout),
               std::chrono::duration_cast<seconds>(config.stall_timeout)}),
      scheme_(is_plain_allowed(reference_.registry, config.insecure_registries) ? "http"
                                                                                : "https") {}

Result<Descriptor> RegistrySource::resolve() {
  Want want{Method::kHead, "/manifests/" + reference_.tag_or_digest(), nullptr};
  HttpResponse response = TRY(request(want));
  Descriptor descriptor;
  descriptor.media_type = response.header("content-type");
  descriptor.digest = response.header("docker-content-digest");
  if (!is_digest(descriptor.digest)) {  // an old or odd registry: the content tells
    want.method = Method::kGet;
    response = TRY(request(want));
    descriptor.media_type = response.header("content-type");
    descriptor.digest = digest_of(response.body);
  }
  if (!reference_.digest.empty() && descriptor.digest != reference_.digest) {
    return fail(Errc::kCorrupt, "the registry answers {} for {}", descriptor.digest,
                reference_.digest);
  }
  return descriptor;
}

Result<std::string> RegistrySource::manifest(const Descriptor& descriptor) {
  HttpResponse response = TRY(request({Method::kGet, "/manifests/" + descriptor.digest, nullptr}));
  if (response.body.size() > kManifestMax) {
    return fail(Errc::kExhausted, "manifest {} is longer than {} bytes", descriptor.digest,
                kManifestMax);
  }
  return std::move(response.body);
}

Status RegistrySource::blob(const Descriptor& descriptor, const Sink& sink) {
  TRY(request({Method::kGet, "/blobs/" + descriptor.digest, sink}));
  return {};
}

std::string RegistrySource::url(const std::string& path) {
  std::lock_guard lock(mutex_);
  return fmt::format("{}://{}/v2/{}{}", scheme_, api_host(reference_.registry),
                     reference_.repository, path);
}

Result<HttpResponse> RegistrySource::request(const Want& want) {
  uint64_t delivered = 0;
  Want counted = want;
  if (want.sink) {
    counted.sink = [&](std::string_view bytes) -> Status {
      delivered += bytes.size();
      return want.sink(bytes);
    };
  }
  for (int failures = 0;;) {
    uint64_t before = delivered;
    auto response = attempt(counted, before);
    if (response && response->status >= 200 && response->status < 300) return response;
    Error error = response ? error_of(*response, want) : response.error();
    if (delivered - before >= kProgressMin) failures = 0;
    bool is_final = error.code != Errc::kUnavailable || ++failures >= config_.attempts;
    if (is_final) return wrap(std::move(error), "{}", reference_.registry);
    TRY(wait_before_attempt(failures, response ? retry_after(*response) : Duration(0)));
  }
}

Result<HttpResponse> RegistrySource::attempt(const Want& want, uint64_t offset) {
  for (int round = 0;; ++round) {
    HttpRequest request;
    request.method = want.method;
    request.url = url(want.path);
    if (!want.sink) request.headers.emplace_back("Accept", kAccept);
    request.offset = offset;
    request.sink = want.sink;
    {
      std::lock_guard lock(mutex_);
      request.authorization = authorization_;
    }
    std::string shown = request.authorization.reveal();
    std::string asked = origin_of(request.url);
    HttpResponse response = TRY(client_.perform(std::move(request), cancel_));
    // Storage that we were sent to may not ask for the registry's credentials.
    if (response.origin != asked) return response;
    if (round == 0 && switch_to_https(response)) continue;
    if (response.status != 401 || round >= kAuthenticationsMax) return response;
    TRY(authenticate(response, shown));
  }
}

// A plain request to a TLS port is answered 400 by the common servers.
bool RegistrySource::switch_to_https(const HttpResponse& response) {
  std::lock_guard lock(mutex_);
  if (scheme_ != "http" || response.status != 400) return false;
  scheme_ = "https";
  return true;
}

Status RegistrySource::wait_before_attempt(int failures, Duration at_least) {
  Duration backoff =
      std::min(config_.backoff * (int64_t{1} << std::min(failures - 1, 10)), kWaitMax);
  int64_t jitter = 0;
  {
    std::lock_guard lock(mutex_);  // the Rng is shared by our threads
    jitter = static_cast<int64_t>(env_.rng.next() % 1000);
  }
  Duration wait = std::max(at_least, backoff / 2 + backoff / 2 * jitter / 1000);
  Cancel nobody;
  bool is_cancelled = (cancel_ != nullptr ? *cancel_ : nobody).wait_for(wait);
  if (is_cancelled) return fail(Errc::kCancelled, "cancelled");
  return {};
}

// Another thread may have got a new token since we were refused: then there is nothing to do.
Status RegistrySource::authenticate(const HttpResponse& refused, const std::string& refused_with) {
  std::lock_guard lock(mutex_);
  if (authorization_.reveal() != refused_with) return {};
  auto challenges = parse_challenges(refused.header("www-authenticate"));
  auto authorization = answer(challenges);
  if (!authorization) {
    return wrap(std::move(authorization).error(), "authenticate at {}", reference_.registry);
  }
  authorization_ = *std::move(authorization);
  return {};
}

Result<Secret> RegistrySource::answer(const std::vector<Challenge>& challenges) {
  for (const Challenge& challenge : challenges) {
    if (challenge.scheme == "bearer") {
      Secret token = TRY(fetch_token(challenge));
      return Secret("Bearer " + token.reveal());
    }
  }
  auto known = TRY(load_credentials(config_.docker_config, reference_.registry));
  for (const Challenge& challenge : challenges) {
    if (challenge.scheme != "basic") continue;
    if (!known)
      return fail(Errc::kDenied, "the registry wants a user and password; none are known");
    return Secret("Basic " + encode_base64(known->user + ":" + known->password.reveal()));
  }
  return fail(Errc::kDenied,
              "the registry wants a form of authentication that berth does not know");
}

// The token protocol of the distribution project: GET with basic credentials, or an OAuth2 POST
// when all we have is an identity (refresh) token.
Result<Secret> RegistrySource::fetch_token(const Challenge& challenge) {
  auto parameter = [&](const char* name) {
    auto found = challenge.parameters.find(name);
    return found == challenge.parameters.end() ? std::string() : found->second;
  };
  std::string realm = parameter("realm");
  bool is_plain = realm.starts_with("http://") && scheme_ == "http";
  if (!realm.starts_with("https://") && !is_plain) {
    return fail(Errc::kDenied, "the token realm \"{}\" is not https", printable(realm, 200));
  }
  std::string scope = parameter("scope");
  if (scope.empty()) scope = "repository:" + reference_.repository + ":pull";
  std::string query = fmt::format("service={}&scope={}", percent_encode(parameter("service")),
                                  percent_encode(scope));
  auto known = TRY(load_credentials(config_.docker_config, reference_.registry));
  HttpRequest request;
  request.url = realm;
  if (known && !known->identity_token.empty()) {
    request.method = Method::kPostForm;
    request.form = Secret(query + "&grant_type=refresh_token&client_id=berth&refresh_token=" +
                          percent_encode(known->identity_token.reveal()));
  } else {
    request.url += (realm.find('?') == std::string::npos ? "?" : "&") + query;
    if (known) {
      request.authorization =
          Secret("Basic " + encode_base64(known->user + ":" + known->password.reveal()));
    }
  }
  HttpResponse response = TRY(client_.perform(std::move(request), cancel_));
  if (response.status != 200) {
    return fail(is_passing(response.status) ? Errc::kUnavailable : Errc::kDenied,
                "token server {}: status {} {}", origin_of(realm), response.status,
                reason_in(response.body));
  }
  auto document = TRY(json::Document::parse(response.body, {.name = "token"}));
  auto token = TRY(document.root().find_string("token"));
  if (!token) token = TRY(document.root().find_string("access_token"));
  bool is_usable = token && token->size() <= kTokenMax &&
                   std::ranges::all_of(*token, [](char c) { return c > ' ' && c < 127; });
  if (!is_usable) return fail(Errc::kDenied, "token server {}: no usable token", origin_of(realm));
  return Secret(*token);
}

Error RegistrySource::error_of(const HttpResponse& response, const Want& want) {
  std::string reason = reason_in(response.body);
  std::string text = fmt::format("{}{}: status {}{}{}", reference_.repository, want.path,
                                 response.status, reason.empty() ? "" : " ", reason);
  if (response.status == 404) return {Errc::kNotFound, 0, text};
  if (response.status == 401 || response.status == 403) return {Errc::kDenied, 0, text};
  if (is_passing(response.status)) return {Errc::kUnavailable, 0, text};
  return {Errc::kInvalid, 0, text};
}

}  // namespace berth::image
