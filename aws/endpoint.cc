#include "aws/endpoint.h"

#include "base/text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace berth::aws {
namespace {

constexpr size_t kUrlMax = 2048;

struct Partition {
  std::string_view prefix;  // of its regions
  std::string_view name;
  std::string_view dns_suffix;
};
constexpr Partition kCommercial = {"", "aws", "amazonaws.com"};
constexpr std::array<Partition, 7> kPartitions = {{
    {"cn-", "aws-cn", "amazonaws.com.cn"},
    {"us-gov-", "aws-us-gov", "amazonaws.com"},
    {"eusc-", "aws-eusc", "amazonaws.eu"},
    {"us-iso-", "aws-iso", "c2s.ic.gov"},
    {"us-isob-", "aws-iso-b", "sc2s.sgov.gov"},
    {"eu-isoe-", "aws-iso-e", "cloud.adc-e.uk"},
    {"us-isof-", "aws-iso-f", "csp.hci.ic.gov"},
}};

const Partition& partition_with(std::string_view region) {
  const auto* found = std::ranges::find_if(
      kPartitions, [&](const Partition& each) { return region.starts_with(each.prefix); });
  return found == kPartitions.end() ? kCommercial : *found;
}

bool is_host_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         std::string_view("-._:[]").find(c) != std::string_view::npos;
}

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

}  // namespace

std::string Url::name() const {
  if (host.starts_with('[')) return host.substr(1, host.find(']') - 1);
  return host.substr(0, host.find(':'));
}

Result<Url> parse_url(std::string_view text) {
  auto bad = [&](std::string_view why) {
    return fail(Errc::kInvalid, "\"{}\" is no URL to use: {}", printable(text, 200), why);
  };
  size_t colon = text.find("://");
  Url url;
  url.scheme = to_lower(text.substr(0, std::min(colon, text.size())));
  if (colon == std::string_view::npos || (url.scheme != "http" && url.scheme != "https")) {
    return bad("write http://HOST[:PORT] or https://HOST[:PORT]");
  }
  if (text.size() > kUrlMax) return bad("it is too long");
  std::string_view rest = text.substr(colon + 3);
  size_t slash = rest.find('/');
  url.host = to_lower(rest.substr(0, slash));
  url.path = slash == std::string_view::npos ? "/" : std::string(rest.substr(slash));
  if (url.host.empty() || !std::ranges::all_of(url.host, is_host_character)) {
    return bad("its host is malformed");
  }
  bool is_path_good = std::ranges::all_of(url.path, [](char c) { return c > ' ' && c < 127; });
  if (!is_path_good || url.path.find_first_of("?#") != std::string::npos) {
    return bad("it must end with its path");
  }
  std::string own_port = url.scheme == "http" ? ":80" : ":443";
  if (url.host.ends_with(own_port)) url.host.resize(url.host.size() - own_port.size());
  return url;
}

std::string dns_suffix(std::string_view region) {
  return std::string(partition_with(region).dns_suffix);
}

std::string partition_of(std::string_view region) {
  return std::string(partition_with(region).name);
}

bool is_region(std::string_view text) {
  return !text.empty() && text.size() <= 63 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

Result<std::optional<Url>> configured_endpoint(const std::string& service,
                                               const Environment& environment,
                                               const Profile* profile) {
  if (is_true(environment, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")) return std::optional<Url>();
  auto use = [](const std::string& source, const std::string& text) -> Result<std::optional<Url>> {
    auto url = parse_url(text);
    if (!url) return wrap(std::move(url).error(), "{}", source);
    return std::optional(*url);
  };
  for (const std::string& variable :
       {"AWS_ENDPOINT_URL_" + upper(service), std::string("AWS_ENDPOINT_URL")}) {
    std::string text = value_of(environment, variable);
    if (!text.empty()) return use(variable, text);
  }
  if (profile == nullptr) return std::optional<Url>();
  auto of_service = profile->endpoints.find(service);
  std::string text =
      of_service != profile->endpoints.end() ? of_service->second : profile->value("endpoint_url");
  if (text.empty()) return std::optional<Url>();
  return use(fmt::format("endpoint_url of profile \"{}\"", profile->name), text);
}

}  // namespace berth::aws
