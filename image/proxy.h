// Proxies: through whom a URL is asked for, as Go's programs decide it (docker, containerd,
// Amazon's agent). Pure.
//
// NO_PROXY's entries, each with :PORT or without: "*" is everything, "a.example" that name and all
// below it, ".a.example" and "*.a.example" only those below it, an address, a network
// ("10.0.0.0/8"). Loopback is never asked for through a proxy.
#pragma once

#include "base/result.h"
#include "base/secret.h"

#include <string>
#include <vector>

namespace berth::image {

struct ProxySettings {
  Secret http;                        // for http:// addresses; may hold a password
  Secret https;                       // for https:// addresses
  std::vector<std::string> none_for;  // NO_PROXY
};

// kInvalid unless it is "[http://|https://|socks5://|socks5h://][USER:PASSWORD@]HOST[:PORT]"; does
// not quote it.
Status check_proxy(const std::string& url);

// HTTP_PROXY, HTTPS_PROXY and NO_PROXY of "NAME=VALUE", or the same in lower case.
ProxySettings proxies_of_environment(const std::vector<std::string>& environment);

// Empty: ask directly.
Secret proxy_for(const std::string& url, const ProxySettings& settings);

// Without user and password: "http://***@proxy.example:3128".
std::string shown_proxy(const Secret& proxy);

}  // namespace berth::image
