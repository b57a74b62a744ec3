#include "image/reference.h"

#include "base/text.h"
#include "image/digest.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace berth::image {
namespace {

struct Prefix {
  std::string_view text;
  Transport transport;
};
constexpr std::array<Prefix, 3> kPrefixes = {{
    {"oci:", Transport::kOciLayout},
    {"oci-archive:", Transport::kOciArchive},
    {"docker-archive:", Transport::kDockerArchive},
}};

constexpr std::string_view kDockerHub = "docker.io";
constexpr size_t kRegistryMax = 261;  // a name of DNS, and its port

bool is_lower_alnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool is_word(char c) {
  return is_lower_alnum(c) || (c >= 'A' && c <= 'Z') || c == '_';
}

bool is_tag(std::string_view text) {
  if (text.empty() || text.size() > kTagMax || !is_word(text[0])) return false;
  return std::ranges::all_of(text, [](char c) { return is_word(c) || c == '.' || c == '-'; });
}

// [a-z0-9]+ joined by one '.', one or two '_', or any number of '-'.
bool is_path_component(std::string_view text) {
  if (text.empty() || !is_lower_alnum(text.front()) || !is_lower_alnum(text.back())) return false;
  size_t i = 0;
  while (i < text.size()) {
    size_t start = i;
    while (i < text.size() && !is_lower_alnum(text[i])) ++i;
    std::string_view separator = text.substr(start, i - start);
    bool dashes = std::ranges::all_of(separator, [](char c) { return c == '-'; });
    if (!dashes && separator != "." && separator != "_" && separator != "__") return false;
    while (i < text.size() && is_lower_alnum(text[i])) ++i;
  }
  return true;
}

// host[:port]; an IPv6 address stands in brackets.
bool is_registry(std::string_view text) {
  if (text.size() > kRegistryMax) return false;
  size_t colon = text.rfind(':');
  if (colon != std::string_view::npos && text.find(']', colon) == std::string_view::npos) {
    auto port = parse_u64(text.substr(colon + 1));
    if (!port || *port == 0 || *port > 65535) return false;
    text = text.substr(0, colon);
  }
  if (text.starts_with('[')) {
    return text.size() > 4 && text.ends_with(']') &&
           std::ranges::all_of(text.substr(1, text.size() - 2), [](char c) {
             return std::isxdigit(static_cast<unsigned char>(c)) != 0 || c == ':';
           });
  }
  auto labels = split(text, '.');
  return std::ranges::all_of(labels, [](const std::string& label) {
    return !label.empty() && label.front() != '-' && label.back() != '-' &&
           std::ranges::all_of(label, [](char c) { return (is_word(c) && c != '_') || c == '-'; });
  });
}

// Docker's rule: the first component is a registry when it has a '.' or ':', an upper-case letter,
// or is "localhost".
bool looks_like_registry(std::string_view component) {
  return component == "localhost" || component.find_first_of(".:") != std::string_view::npos ||
         std::ranges::any_of(component, [](char c) { return c >= 'A' && c <= 'Z'; });
}

tl::unexpected<Error> bad(std::string_view text, std::string_view why) {
  return fail(Errc::kInvalid, "image reference \"{}\": {}", printable(text, 200), why);
}

Result<Reference> parse_local(std::string_view text, const Prefix& prefix) {
  std::string_view rest = text.substr(prefix.text.size());
  Reference reference;
  reference.transport = prefix.transport;
  size_t colon = rest.rfind(':');
  std::string_view path = rest;
  if (prefix.transport == Transport::kDockerArchive && colon != std::string_view::npos) {
    colon = rest.find(':');  // docker-archive tags are names: FILE:busybox:latest
  }
  if (colon != std::string_view::npos && rest.find('/', colon) == std::string_view::npos) {
    path = rest.substr(0, colon);
    reference.tag = std::string(rest.substr(colon + 1));
    if (reference.tag.empty()) return bad(text, "the tag after the last ':' is empty");
  }
  if (path.empty()) return bad(text, "the path is empty");
  if (path.find('\0') != std::string_view::npos) return bad(text, "the path has a NUL byte");
  reference.path = std::string(path);
  return reference;
}

}  // namespace

Result<Reference> Reference::parse(std::string_view text) {
  if (text.empty()) return bad(text, "is empty");
  if (text.size() > kReferenceMax) return bad(text, "is longer than 4096 bytes");
  for (const Prefix& prefix : kPrefixes) {
    if (text.starts_with(prefix.text)) return parse_local(text, prefix);
  }
  Reference reference;
  std::string_view name = text;
  if (size_t at = name.find('@'); at != std::string_view::npos) {
    reference.digest = std::string(name.substr(at + 1));
    if (!is_digest(reference.digest)) {
      return bad(text, "the digest must be sha256: and 64 lower-case hexadecimal digits");
    }
    name = name.substr(0, at);
  }
  size_t colon = name.rfind(':');
  if (colon != std::string_view::npos && name.find('/', colon) == std::string_view::npos) {
    reference.tag = std::string(name.substr(colon + 1));
    if (!is_tag(reference.tag)) {
      return bad(text, "the tag must be 1 to 128 letters, digits, '_', '.', '-'");
    }
    name = name.substr(0, colon);
  }
  if (reference.tag.empty() && reference.digest.empty()) reference.tag = "latest";
  size_t slash = name.find('/');
  if (slash != std::string_view::npos && looks_like_registry(name.substr(0, slash))) {
    reference.registry = std::string(name.substr(0, slash));
    name = name.substr(slash + 1);
    if (!is_registry(reference.registry)) return bad(text, "the registry must be HOST[:PORT]");
  } else {
    reference.registry = std::string(kDockerHub);
  }
  if (reference.registry == "index.docker.io") reference.registry = std::string(kDockerHub);
  reference.repository = std::string(name);
  bool is_official = reference.registry == kDockerHub && name.find('/') == std::string_view::npos;
  if (is_official) reference.repository = "library/" + reference.repository;
  if (reference.repository.size() > kRepositoryMax) {
    return bad(text, "the repository is longer than 255 bytes");
  }
  auto components = split(name, '/');
  if (!std::ranges::all_of(components, is_path_component)) {
    return bad(text,
               "the repository must be lower-case letters and digits, joined by '.', '_', '__', "
               "'-' or '/'");
  }
  return reference;
}

std::string Reference::to_string() const {
  std::string text;
  if (transport == Transport::kRegistry) {
    text = registry + "/" + repository;
  } else {
    for (const Prefix& prefix : kPrefixes) {
      if (prefix.transport == transport) text = std::string(prefix.text) + path;
    }
  }
  if (!tag.empty()) text += ":" + tag;
  if (!digest.empty()) text += "@" + digest;
  return text;
}

}  // namespace berth::image
