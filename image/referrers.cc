#include "image/referrers.h"

#include "base/json.h"
#include "base/text.h"
#include "image/challenge.h"
#include "image/digest.h"
#include "image/endpoint.h"
#include "image/headers.h"
#include "image/media_types.h"
#include "image/registry.h"
#include "image/session.h"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <utility>

namespace berth::image {
namespace {

constexpr size_t kDigestMax = 200;

RegistryRequest index_request(std::string path) {
  RegistryRequest request;
  request.path = std::move(path);
  request.headers = {{"Accept", kIndexType}};
  request.body_max = kManifestMax;
  return request;
}

// Of any algorithm: these are shown, not fetched.
bool is_some_digest(std::string_view text) {
  size_t colon = text.find(':');
  return colon != std::string_view::npos && colon > 0 && colon + 1 < text.size() &&
         text.size() <= kDigestMax && std::ranges::all_of(text, [](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                  std::string_view(":+._-=").find(c) != std::string_view::npos;
         });
}

Result<Referrer> parse_referrer(const json::Node& node) {
  Referrer referrer;
  referrer.digest = TRY(node.string_at("digest"));
  if (!is_some_digest(referrer.digest)) {
    return fail(Errc::kInvalid, "{}.digest: \"{}\" is not ALGORITHM:HEX", node.path(),
                printable(referrer.digest, 100));
  }
  referrer.media_type = TRY(node.string_at("mediaType"));
  referrer.artifact_type = TRY(node.find_string("artifactType")).value_or("");
  referrer.size = TRY(TRY(node.at("size")).as_u64());
  if (auto annotations = node.find("annotations")) {
    for (auto& [name, value] : TRY(annotations->as_string_map())) {
      referrer.annotations[name] = value;
    }
  }
  return referrer;
}

// One page: its referrers, and where the next is.
struct Page {
  std::vector<Referrer> referrers;
  std::string next;  // a whole URL, or empty
};

Result<Page> parse_page(const HttpResponse& response, const std::string& url) {
  auto referrers = parse_referrers(response.body);
  if (!referrers) return wrap(std::move(referrers).error(), "{}", url);
  Page page{std::move(*referrers), ""};
  if (auto next = parse_next_link(response.header("link")))
    page.next = TRY(resolve_url(url, *next));
  return page;
}

// Nothing: this registry does not know the API.
Result<std::optional<std::vector<Referrer>>> ask_api(RegistrySession& session,
                                                     const std::string& digest,
                                                     const std::string& artifact_type) {
  std::string path = "/referrers/" + digest;
  if (!artifact_type.empty()) path += "?artifactType=" + percent_encode(artifact_type);
  std::vector<Referrer> all;
  for (size_t pages = 0; !path.empty(); ++pages) {
    if (pages == kReferrerPagesMax || all.size() > kReferrersMax) {
      return fail(Errc::kExhausted, "{}: more than {} pages or {} referrers", session.url(path),
                  kReferrerPagesMax, kReferrersMax);
    }
    RegistryRequest request = index_request(path);
    auto response = session.request(request);
    bool is_unknown = !response && pages == 0 && response.error().code == Errc::kNotFound;
    if (is_unknown) return std::optional<std::vector<Referrer>>();
    if (!response) return tl::unexpected<Error>(std::move(response).error());
    Page page = TRY(parse_page(*response, session.url(path)));
    std::ranges::move(page.referrers, std::back_inserter(all));
    path = page.next;
  }
  return std::optional(std::move(all));
}

Result<std::vector<Referrer>> ask_by_tag(RegistrySession& session, const std::string& digest) {
  RegistryRequest request = index_request("/manifests/" + referrers_tag(digest));
  auto response = session.request(request);
  if (!response && response.error().code == Errc::kNotFound) return std::vector<Referrer>();
  if (!response) return tl::unexpected<Error>(std::move(response).error());
  return TRY(parse_page(*response, session.url(request.path))).referrers;
}

}  // namespace

Result<std::vector<Referrer>> parse_referrers(std::string_view text) {
  auto document = TRY(json::Document::parse(text, {.name = "referrers", .text_max = kManifestMax}));
  json::Node root = document.root();
  auto read = [&]() -> Result<std::vector<Referrer>> {
    std::string type = TRY(root.find_string("mediaType")).value_or(kIndexType);
    if (type != kIndexType) {
      return fail(Errc::kInvalid, "mediaType: \"{}\" is not {}", printable(type, 100), kIndexType);
    }
    std::vector<Referrer> referrers;
    for (const json::Node& node : TRY(TRY(root.at("manifests")).as_array())) {
      referrers.push_back(TRY(parse_referrer(node)));
    }
    return referrers;
  };
  auto referrers = read();
  if (!referrers) return wrap(std::move(referrers).error(), "referrers");
  return referrers;
}

std::string referrers_tag(std::string_view digest) {
  std::string tag(digest);
  std::ranges::replace(tag, ':', '-');
  return tag;
}

Result<Referrers> list_referrers(const Reference& reference, const std::string& artifact_type,
                                 const RegistryConfig& config, Env env, Cancel* cancel) {
  Referrers found;
  found.subject = reference.digest;
  if (found.subject.empty()) {
    RegistrySource source(reference, config, env, cancel);
    found.subject = TRY(source.resolve()).digest;
  }
  RegistrySession session(origin_endpoint(reference.registry, config.insecure_registries),
                          reference.repository, {"repository:" + reference.repository + ":pull"},
                          config, env, cancel);
  auto known = TRY(ask_api(session, found.subject, artifact_type));
  found.referrers = known ? std::move(*known) : TRY(ask_by_tag(session, found.subject));
  // A registry may leave the choice to us.
  std::erase_if(found.referrers, [&](const Referrer& referrer) {
    return !artifact_type.empty() && referrer.artifact_type != artifact_type;
  });
  return found;
}

}  // namespace berth::image
