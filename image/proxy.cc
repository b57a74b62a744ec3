#include "image/proxy.h"

#include "base/ipv4.h"
#include "base/text.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

namespace berth::image {
namespace {

constexpr size_t kProxyMax = 256;

struct HostPort {
  std::string host;  // lower case, IPv6 without brackets
  std::string port;  // may be empty
};

HostPort split_port(std::string_view text) {
  if (text.starts_with('[')) {
    size_t end = std::min(text.find(']'), text.size());
    std::string_view rest = text.substr(std::min(end + 1, text.size()));
    return {to_lower(text.substr(1, end - 1)),
            std::string(rest.substr(rest.starts_with(':') ? 1 : 0))};
  }
  size_t colon = text.find(':');
  bool is_v6 =
      colon != std::string_view::npos && text.find(':', colon + 1) != std::string_view::npos;
  if (colon == std::string_view::npos || is_v6) return {to_lower(text), ""};
  return {to_lower(text.substr(0, colon)), std::string(text.substr(colon + 1))};
}

// Of "https://user@host:1/path".
HostPort target_of(const std::string& url) {
  bool is_https = url.starts_with("https://");
  std::string_view rest = std::string_view(url).substr(std::min(url.find("://") + 3, url.size()));
  rest = rest.substr(0, rest.find_first_of("/?#"));
  size_t at = rest.rfind('@');
  if (at != std::string_view::npos) rest.remove_prefix(at + 1);
  HostPort target = split_port(rest);
  if (target.port.empty()) target.port = is_https ? "443" : "80";
  return target;
}

bool is_loopback(const std::string& host) {
  auto address = parse_ipv4(host);
  return host == "localhost" || host == "::1" || (address && (address->value >> 24) == 127);
}

bool matches(const std::string& text, const HostPort& target) {
  std::string entry = to_lower(trim(text));
  if (entry.empty()) return false;
  if (entry == "*") return true;
  auto address = parse_ipv4(target.host);
  auto network = parse_ipv4_net(entry);
  if (network) return address && network->contains(*address);
  HostPort wanted = split_port(entry);
  if (!wanted.port.empty() && wanted.port != target.port) return false;
  if (wanted.host.starts_with("*.")) wanted.host.erase(0, 1);
  if (wanted.host.starts_with('.')) return target.host.ends_with(wanted.host);
  return target.host == wanted.host || target.host.ends_with("." + wanted.host);
}

std::string variable(const std::vector<std::string>& environment, std::string_view name) {
  for (const std::string& wanted : {std::string(name), to_lower(name)}) {
    for (const std::string& entry : environment) {
      bool is_it = entry.size() > wanted.size() + 1 && entry.starts_with(wanted) &&
                   entry[wanted.size()] == '=';
      if (is_it) return entry.substr(wanted.size() + 1);
    }
  }
  return "";
}

}  // namespace

Status check_proxy(const std::string& url) {
  if (url.size() > kProxyMax) return fail(Errc::kInvalid, "is longer than {} bytes", kProxyMax);
  std::string_view rest = url;
  size_t scheme = rest.find("://");
  if (scheme != std::string_view::npos) {
    constexpr std::array<std::string_view, 4> kSchemes = {"http", "https", "socks5", "socks5h"};
    std::string name = to_lower(rest.substr(0, scheme));
    if (std::ranges::find(kSchemes, name) == kSchemes.end()) {
      return fail(Errc::kInvalid, "\"{}\" is not a proxy's scheme: http, https, socks5 or socks5h",
                  printable(name, 40));
    }
    rest.remove_prefix(scheme + 3);
  }
  size_t at = rest.rfind('@');
  if (at != std::string_view::npos) rest.remove_prefix(at + 1);
  while (rest.ends_with('/')) rest.remove_suffix(1);
  HostPort target = split_port(rest);
  auto port = parse_u64(target.port);
  bool is_port = target.port.empty() || (port && *port > 0 && *port < 65536);
  bool is_host = !target.host.empty() && std::ranges::all_of(target.host, [](char c) {
    return c > ' ' && c < 127 && std::string_view("/?#\\\"<>").find(c) == std::string_view::npos;
  });
  if (is_host && is_port) return {};
  return fail(Errc::kInvalid, "is not [http://|https://|socks5://][USER:PASSWORD@]HOST[:PORT]");
}

ProxySettings proxies_of_environment(const std::vector<std::string>& environment) {
  ProxySettings settings;
  settings.http = Secret(variable(environment, "HTTP_PROXY"));
  settings.https = Secret(variable(environment, "HTTPS_PROXY"));
  for (std::string& entry : split(variable(environment, "NO_PROXY"), ',')) {
    if (!trim(entry).empty()) settings.none_for.emplace_back(trim(entry));
  }
  return settings;
}

Secret proxy_for(const std::string& url, const ProxySettings& settings) {
  Secret proxy = url.starts_with("https://") ? settings.https : settings.http;
  if (proxy.empty()) return {};
  HostPort target = target_of(url);
  if (is_loopback(target.host)) return {};
  bool is_exempt = std::ranges::any_of(
      settings.none_for, [&](const std::string& entry) { return matches(entry, target); });
  return is_exempt ? Secret() : proxy;
}

std::string shown_proxy(const Secret& proxy) {
  const std::string& url = proxy.reveal();
  size_t at = url.rfind('@');
  if (at == std::string::npos) return printable(url, 300);
  size_t scheme = url.find("://");
  size_t start = scheme == std::string::npos ? 0 : scheme + 3;
  return printable(url.substr(0, start) + "***" + url.substr(at), 300);
}

}  // namespace berth::image
