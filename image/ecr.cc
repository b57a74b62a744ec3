#include "image/ecr.h"

#include "aws/credential_answer.h"
#include "aws/hash.h"
#include "aws/signed_post.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "image/challenge.h"
#include "sys/file.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace berth::image {
namespace {

using std::chrono::duration_cast;
using std::chrono::minutes;

constexpr size_t kAccountDigits = 12;
constexpr Duration kRenewAhead = minutes(30);
constexpr size_t kPasswordMax = 64 * 1024;
constexpr size_t kKeptMax = 128 * 1024;
constexpr double kExpiresMax = 7e9;  // 2191: what a WallTime can hold with room
constexpr const char* kTarget = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken";

// What follows the region, and whether the name is of the form with dual stack.
struct Domain {
  std::string_view suffix;
  bool is_dual_stack;
};
constexpr std::array<Domain, 9> kDomains = {{{"amazonaws.com", false},
                                             {"amazonaws.com.cn", false},
                                             {"amazonaws.eu", false},
                                             {"c2s.ic.gov", false},
                                             {"sc2s.sgov.gov", false},
                                             {"cloud.adc-e.uk", false},
                                             {"csp.hci.ic.gov", false},
                                             {"on.aws", true},
                                             {"on.amazonwebservices.com.cn", true}}};

bool is_account(std::string_view text) {
  return text.size() == kAccountDigits &&
         std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// "ecr" or "ecr-fips" at the front, less that; false when it is neither.
bool take_service(std::string_view& rest, bool& is_fips) {
  for (std::string_view service : {"ecr-fips.", "ecr."}) {
    if (!rest.starts_with(service)) continue;
    is_fips = service == "ecr-fips.";
    rest.remove_prefix(service.size());
    return true;
  }
  return false;
}

int64_t seconds_of(WallTime time) {
  return duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

// A header holds it, after its user, in base64.
bool is_password(std::string_view text) {
  return !text.empty() && text.size() <= kPasswordMax &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < 127; });
}

Result<std::pair<std::string, Secret>> take_apart(const json::Node& node) {
  auto encoded = TRY(node.string_at("authorizationToken"));
  std::string pair = decode_base64(encoded);
  size_t colon = pair.find(':');
  bool is_good = colon != std::string::npos && is_password(pair.substr(0, colon)) &&
                 is_password(pair.substr(colon + 1));
  if (!is_good) {
    return fail(Errc::kInvalid, "authorizationToken: is not the base64 form of USER:PASSWORD");
  }
  return std::pair(pair.substr(0, colon), Secret(pair.substr(colon + 1)));
}

Error refusal(const aws::HttpResponse& response) {
  std::string reason = aws::json_error(response.body);
  bool is_passing =
      response.status >= 500 || response.status == 429 || reason.starts_with("ThrottlingException");
  if (reason.empty()) reason = fmt::format("status {}", response.status);
  return {is_passing ? Errc::kUnavailable : Errc::kDenied, 0, reason};
}

}  // namespace

std::optional<EcrRegistry> parse_ecr_registry(const std::string& registry) {
  std::string_view rest = registry;
  EcrRegistry found;
  found.account = rest.substr(0, kAccountDigits);
  if (!is_account(found.account)) return std::nullopt;
  rest.remove_prefix(kAccountDigits);
  found.is_dual_stack = rest.starts_with(".dkr-");
  if (!found.is_dual_stack && !rest.starts_with(".dkr.")) return std::nullopt;
  rest.remove_prefix(std::string_view(".dkr.").size());
  if (!take_service(rest, found.is_fips)) return std::nullopt;
  found.region = rest.substr(0, rest.find('.'));
  if (!aws::is_region(found.region) || found.region.size() == rest.size()) return std::nullopt;
  rest.remove_prefix(found.region.size() + 1);
  bool is_known = std::ranges::any_of(kDomains, [&](const Domain& domain) {
    return domain.suffix == rest && domain.is_dual_stack == found.is_dual_stack;
  });
  return is_known ? std::optional(found) : std::nullopt;
}

aws::Url ecr_api(const EcrRegistry& registry) {
  std::string service = registry.is_fips ? "ecr-fips" : "ecr";
  if (registry.is_dual_stack) {
    const char* suffix =
        registry.region.starts_with("cn-") ? "api.amazonwebservices.com.cn" : "api.aws";
    return {"https", fmt::format("{}.{}.{}", service, registry.region, suffix), "/"};
  }
  return {"https",
          fmt::format("api.{}.{}.{}", service, registry.region, aws::dns_suffix(registry.region)),
          "/"};
}

bool is_fresh(const EcrToken& token, WallTime now) {
  Duration lifetime = token.expires - token.issued;
  return now < token.expires - std::min(kRenewAhead, lifetime / 4);
}

Result<EcrToken> parse_ecr_answer(const aws::HttpResponse& response, WallTime now) {
  if (response.status != 200) return tl::unexpected<Error>(refusal(response));
  auto document = json::Document::parse(response.body, {.name = "answer"});
  // What the parser says of the text may quote it.
  if (!document) return fail(Errc::kInvalid, "the answer is not JSON");
  auto data = TRY(document->root().find_array("authorizationData"));
  if (data.empty()) return fail(Errc::kInvalid, "authorizationData: is empty");
  EcrToken token;
  std::tie(token.user, token.password) = TRY(take_apart(data.front()));
  double expires = TRY(TRY(data.front().at("expiresAt")).as_double());
  bool is_time = std::isfinite(expires) && expires > 0 && expires < kExpiresMax;
  if (!is_time) return fail(Errc::kInvalid, "expiresAt: is no time");
  token.issued = now;
  token.expires = WallTime(std::chrono::seconds(static_cast<int64_t>(expires)));
  return token;
}

std::string EcrTokenKey::file_name() const {
  return aws::sha256_hex(fmt::format("{}\n{}\n{}\n{}", account, region, endpoint, key_id)) +
         ".json";
}

std::string render_kept_token(const EcrTokenKey& key, const EcrToken& token) {
  nlohmann::ordered_json out = {{"version", 1},
                                {"account", key.account},
                                {"region", key.region},
                                {"endpoint", key.endpoint},
                                {"keyId", key.key_id},
                                {"user", token.user},
                                {"password", token.password.reveal()},
                                {"issued", seconds_of(token.issued)},
                                {"expires", seconds_of(token.expires)}};
  return out.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

Result<EcrToken> parse_kept_token(std::string_view text, const EcrTokenKey& key) {
  auto document = json::Document::parse(text, {.name = "kept token"});
  if (!document) return fail(Errc::kInvalid, "kept token: is not JSON");
  json::Node root = document->root();
  if (TRY(root.i64_at("version")) != 1) return fail(Errc::kInvalid, "version: must be 1");
  EcrTokenKey of;  // member by member: a TRY that returns leaks what an initialiser list has made
  of.account = TRY(root.string_at("account"));
  of.region = TRY(root.string_at("region"));
  of.endpoint = TRY(root.string_at("endpoint"));
  of.key_id = TRY(root.string_at("keyId"));
  if (of != key) return fail(Errc::kInvalid, "kept token: is of another key");
  EcrToken token;
  token.user = TRY(root.string_at("user"));
  token.password = Secret(TRY(root.string_at("password")));
  int64_t issued = TRY(root.i64_at("issued"));
  int64_t expires = TRY(root.i64_at("expires"));
  bool is_good = is_password(token.user) && is_password(token.password.reveal()) && issued >= 0 &&
                 expires >= issued && expires < static_cast<int64_t>(kExpiresMax);
  if (!is_good) return fail(Errc::kInvalid, "kept token: is none");
  token.issued = WallTime(std::chrono::seconds(issued));
  token.expires = WallTime(std::chrono::seconds(expires));
  return token;
}

EcrCredentials::EcrCredentials(EcrConfig config, std::unique_ptr<aws::Http> http,
                               std::unique_ptr<Clock> clock)
    : config_(std::move(config)),
      http_(std::move(http)),
      clock_(std::move(clock)),
      chain_(config_.chain, *http_, *clock_) {}

Result<std::optional<Credentials>> EcrCredentials::credentials(const std::string& registry,
                                                               Freshness freshness) {
  auto ecr = parse_ecr_registry(registry);
  if (!ecr) return std::optional<Credentials>();
  std::lock_guard lock(mutex_);
  auto found = token(*ecr, freshness);
  if (!found) return wrap(std::move(found).error(), "ECR token for {}", registry);
  return std::optional(Credentials{found->user, found->password, Secret()});
}

Result<EcrToken> EcrCredentials::token(const EcrRegistry& registry, Freshness freshness) {
  aws::Credentials keys = TRY(chain_.get(registry.region));
  aws::Url api = TRY(api_of(registry));
  EcrTokenKey key{registry.account, registry.region, api.to_string(), keys.key_id};
  auto kept = find_kept(key);
  bool is_wanted = kept && freshness == Freshness::kAny;
  if (is_wanted && is_fresh(*kept, clock_->wall())) return *kept;
  auto fetched = fetch(registry, api, keys);
  if (!fetched && fetched.error().code == Errc::kDenied) {
    // The keys may have been replaced where they come from since we looked.
    keys = TRY(chain_.renew(registry.region));
    if (keys.key_id != key.key_id) {
      key.key_id = keys.key_id;
      fetched = fetch(registry, api, keys);
    }
  }
  if (fetched) {
    keep(key, *fetched);
    return fetched;
  }
  bool may_use_old = is_wanted && fetched.error().code == Errc::kUnavailable;
  if (!may_use_old || kept->expires <= clock_->wall()) return fetched;
  LOG(kWarn, "ECR token not renewed, the old one is still good",
      {{"account", registry.account},
       {"region", registry.region},
       {"reason", fetched.error().text}});
  return *kept;
}

Result<aws::Url> EcrCredentials::api_of(const EcrRegistry& registry) const {
  if (!config_.endpoint.empty()) return aws::parse_url(config_.endpoint);
  auto profile = TRY(chain_.profile());
  auto configured =
      TRY(aws::configured_endpoint("ecr", chain_.environment(), profile ? &*profile : nullptr));
  return configured.value_or(ecr_api(registry));
}

Result<EcrToken> EcrCredentials::fetch(const EcrRegistry& registry, const aws::Url& api,
                                       const aws::Credentials& keys) {
  aws::Post post{
      .url = api,
      .region = registry.region,
      .service = "ecr",
      .headers = {{"Content-Type", "application/x-amz-json-1.1"}, {"X-Amz-Target", kTarget}},
      .body = Secret("{\"registryIds\":[\"" + registry.account + "\"]}")};
  auto fetch_once = [&]() -> Result<EcrToken> {
    WallTime now = clock_->wall();
    aws::HttpResponse response = TRY(http_->send(aws::signed_post(post, keys, now)));
    return parse_ecr_answer(response, now);
  };
  auto token = fetch_once();
  if (!token) {
    return wrap(std::move(token).error(), "GetAuthorizationToken with key {} at {}",
                printable(keys.key_id, 100), api.to_string());
  }
  return token;
}

std::optional<EcrToken> EcrCredentials::find_kept(const EcrTokenKey& key) {
  auto known = kept_.find(key);
  if (known != kept_.end()) return known->second;
  if (config_.directory.empty()) return std::nullopt;
  auto text = sys::read_file(config_.directory + "/" + key.file_name(), kKeptMax);
  if (!text) return std::nullopt;  // not there, as a rule
  auto token = parse_kept_token(*text, key);
  if (!token) return std::nullopt;  // half a file or another version: fetched anew, and overwritten
  kept_.insert_or_assign(key, *token);
  return *token;
}

void EcrCredentials::keep(const EcrTokenKey& key, const EcrToken& token) {
  std::erase_if(kept_, [&](const auto& each) { return each.second.expires <= clock_->wall(); });
  kept_.insert_or_assign(key, token);
  if (config_.directory.empty()) return;
  auto written = write(key, token);
  // The pull goes on; the next one asks again.
  if (!written) LOG(kWarn, "ECR token not kept", {{"reason", written.error().text}});
}

Status EcrCredentials::write(const EcrTokenKey& key, const EcrToken& token) const {
  TRY(sys::make_directories(config_.directory, 0700));
  remove_expired();
  return sys::write_atomic(config_.directory + "/" + key.file_name(), render_kept_token(key, token),
                           0600);
}

// Temporary keys have a new id each time, so nobody will ask for their tokens again.
void EcrCredentials::remove_expired() const {
  auto names = sys::list_directory(config_.directory);
  if (!names) return;
  for (const std::string& name : *names) {
    std::string path = config_.directory + "/" + name;
    auto text = sys::read_file(path, kKeptMax);
    auto document = text ? json::Document::parse(*text, {.name = name}) : fail(Errc::kInvalid, "");
    auto expires = document ? document->root().i64_at("expires") : fail(Errc::kInvalid, "");
    bool is_good = expires && *expires > seconds_of(clock_->wall());
    if (!is_good && name.ends_with(".json")) (void)sys::remove_file(path);  // again next time
  }
}

}  // namespace berth::image
