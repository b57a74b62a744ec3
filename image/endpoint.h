// Endpoint: one host that gives a registry's images: a mirror of it, or the registry itself, which
// is then called the origin. Pure.
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace berth::image {

struct RegistryConfig;

enum class Scheme {
  kHttps,
  kPlain,         // HTTP
  kPlainOrHttps,  // HTTP, or HTTPS if that is what answers
};

struct Endpoint {
  std::string registry;  // "docker.io", "127.0.0.1:5000": whose credentials and certificates
  std::string host;      // where its API lives: "registry-1.docker.io"
  std::string prefix;    // of repositories, "hub/" or empty; mirrors only
  Scheme scheme = Scheme::kHttps;
  bool is_mirror = false;

  bool operator==(const Endpoint&) const = default;
};

// Whether plain HTTP may be spoken to "host[:port]".
bool is_plain_allowed(const std::string& registry, const std::vector<std::string>& insecure);

// The registry itself.
Endpoint origin_endpoint(const std::string& registry, const std::vector<std::string>& insecure);

// "[http://|https://]HOST[:PORT][/PREFIX]": a scheme that is said is the one that is spoken, else
// the host is treated as a registry of that name. kInvalid that quotes the text.
Result<Endpoint> parse_mirror(std::string_view text, const std::vector<std::string>& insecure);

// Whom to ask for the images of a registry, in this order: its mirrors, then itself.
Result<std::vector<Endpoint>> endpoints_of(const std::string& registry,
                                           const RegistryConfig& config);

}  // namespace berth::image
