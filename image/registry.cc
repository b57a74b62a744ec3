#include "image/registry.h"

#include "base/log.h"
#include "base/text.h"
#include "image/digest.h"

#include <utility>

namespace berth::image {
namespace {

constexpr std::string_view kAccept =
    "application/vnd.oci.image.index.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.v2+json";

RegistryRequest manifest_request(Method method, const std::string& tag_or_digest) {
  RegistryRequest request;
  request.method = method;
  request.path = "/manifests/" + tag_or_digest;
  request.headers = {{"Accept", std::string(kAccept)}};
  request.body_max = kManifestMax;
  return request;
}

// A portal or a web server in the registry's place.
Status must_be_a_manifest(const HttpResponse& response, const std::string& url) {
  std::string type = response.header("content-type");
  if (!to_lower(type).starts_with("text/html")) return {};
  return fail(Errc::kInvalid, "{}: answers a web page ({}) instead of a manifest", url,
              printable(type, 100));
}

// In the words that ECS's users know from Amazon's agent.
tl::unexpected<Error> resolving(Error error, const std::string& name,
                                const RegistryRequest& request) {
  if (error.code == Errc::kNotFound)
    error.text = fmt::format("{}: not found: {}", name, error.text);
  return wrap(std::move(error),
              "pull image manifest has been retried {} time(s): failed to resolve "
              "ref {}",
              request.retried, name);
}

tl::unexpected<Error> copying(Error error, const RegistryRequest& request) {
  return wrap(std::move(error), "ref pull has been retried {} time(s): failed to copy",
              request.retried);
}

// Whether the next host may do better. What our own side fails with it cannot mend.
bool is_for_the_next(const Error& error) {
  switch (error.code) {
    case Errc::kNotFound:
    case Errc::kDenied:
    case Errc::kUnavailable:
    case Errc::kInvalid:
    case Errc::kCorrupt:
      return true;
    case Errc::kExists:
    case Errc::kUnsupported:
    case Errc::kExhausted:
    case Errc::kCancelled:
    case Errc::kSystem:
    case Errc::kInternal:
      return false;
  }
  return false;
}

}  // namespace

RegistrySource::RegistrySource(Reference reference, const RegistryConfig& config, Env env,
                               Cancel* cancel)
    : reference_(std::move(reference)), config_(config), env_(env), cancel_(cancel) {
  made_ = make_hosts();
}

Status RegistrySource::make_hosts() {
  for (Endpoint& endpoint : TRY(endpoints_of(reference_.registry, config_))) {
    std::string repository = endpoint.prefix + reference_.repository;
    auto host = std::make_unique<Host>();
    host->session = std::make_unique<RegistrySession>(
        std::move(endpoint), reference_.repository,
        std::vector<std::string>{"repository:" + repository + ":pull"}, config_, env_, cancel_);
    hosts_.push_back(std::move(host));
  }
  return {};
}

template <class T>
Result<T> RegistrySource::ask_hosts(const std::function<Result<T>(RegistrySession&)>& ask) {
  TRY(Status(made_));
  for (const auto& host : hosts_) {
    bool is_last = host == hosts_.back();
    if (host->is_down && !is_last) continue;
    auto answer = ask(*host->session);
    if (answer || is_last || !is_for_the_next(answer.error())) return answer;
    if (answer.error().code == Errc::kUnavailable) host->is_down = true;
    LOG(kWarn, "a mirror could not give what is asked of it",
        {{"mirror", host->session->endpoint().host}, {"why", answer.error().text}});
  }
  return fail(Errc::kInternal, "{} has no host", reference_.registry);
}

Result<Descriptor> RegistrySource::resolve() {
  auto descriptor = ask_hosts<Descriptor>([this](RegistrySession& s) { return resolve_at(s); });
  bool is_other =
      descriptor && !reference_.digest.empty() && descriptor->digest != reference_.digest;
  if (!is_other) return descriptor;
  return fail(Errc::kCorrupt, "{}: the registry answers {}", reference_.to_string(),
              descriptor->digest);
}

Result<Descriptor> RegistrySource::resolve_at(RegistrySession& session) {
  RegistryRequest request = manifest_request(Method::kHead, reference_.tag_or_digest());
  HttpResponse response = TRY(manifest_answer(session, request));
  Descriptor descriptor;
  descriptor.media_type = response.header("content-type");
  descriptor.digest = response.header("docker-content-digest");
  if (is_digest(descriptor.digest)) return descriptor;
  // An old or odd registry: the content tells.
  request.method = Method::kGet;
  response = TRY(manifest_answer(session, request));
  descriptor.media_type = response.header("content-type");
  descriptor.digest = digest_of(response.body);
  return descriptor;
}

Result<std::string> RegistrySource::manifest(const Descriptor& descriptor) {
  return ask_hosts<std::string>(
      [&](RegistrySession& session) { return manifest_at(session, descriptor); });
}

// Looked at here already: another host may have the right bytes, and garbage is not worth keeping.
Result<std::string> RegistrySource::manifest_at(RegistrySession& session,
                                                const Descriptor& descriptor) {
  RegistryRequest request = manifest_request(Method::kGet, descriptor.digest);
  HttpResponse response = TRY(manifest_answer(session, request));
  std::string url = session.url(request.path);
  std::string found = digest_of(response.body);
  if (found != descriptor.digest) {
    return fail(Errc::kCorrupt, "{}: the bytes have digest {}", url, found);
  }
  auto parsed = parse_manifest(response.body, response.header("content-type"));
  if (!parsed) return wrap(std::move(parsed).error(), "{}", url);
  return std::move(response.body);
}

Result<HttpResponse> RegistrySource::manifest_answer(RegistrySession& session,
                                                     RegistryRequest& request) {
  auto response = session.request(request);
  if (!response) return resolving(std::move(response).error(), reference_.to_string(), request);
  TRY(must_be_a_manifest(*response, session.url(request.path)));
  return response;
}

Status RegistrySource::blob(const Descriptor& descriptor, const Sink& sink) {
  RegistryRequest request;
  request.path = "/blobs/" + descriptor.digest;
  request.size = descriptor.size;
  bool sink_failed = false;
  request.sink = [&](std::string_view bytes) -> Status {
    Status taken = sink(bytes);
    sink_failed = !taken;
    return taken;
  };
  // What the sink said is for whoever made the sink.
  Status failure;
  auto done = ask_hosts<bool>([&](RegistrySession& session) -> Result<bool> {
    auto response = session.request(request);
    if (response) return true;
    if (!sink_failed) return copying(std::move(response).error(), request);
    failure = tl::unexpected<Error>(std::move(response).error());
    return true;
  });
  if (!done) return tl::unexpected<Error>(std::move(done).error());
  return failure;
}

}  // namespace berth::image
