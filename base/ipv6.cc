#include "base/ipv6.h"

#include "base/text.h"

#include <arpa/inet.h>

#include <algorithm>

namespace berth {
namespace {

constexpr size_t kIpv6TextMax = INET6_ADDRSTRLEN;
constexpr std::array<uint8_t, 12> kIpv4Mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

Ipv6 Ipv6Net::network() const {
  Ipv6 network = address;
  for (size_t i = 0; i < network.bytes.size(); ++i) {
    int kept = std::clamp(prefix - static_cast<int>(i) * 8, 0, 8);
    network.bytes.at(i) &= static_cast<uint8_t>(0xff << (8 - kept));
  }
  return network;
}

Result<Ipv6> parse_ipv6(std::string_view text) {
  Ipv6 address;
  std::string terminated(text);
  // A zero byte would end the text for inet_pton(3), not for us.
  bool is_one = text.size() <= kIpv6TextMax && text.find('\0') == std::string_view::npos &&
                ::inet_pton(AF_INET6, terminated.c_str(), address.bytes.data()) == 1 &&
                !std::equal(kIpv4Mapped.begin(), kIpv4Mapped.end(), address.bytes.begin());
  if (!is_one)
    return fail(Errc::kInvalid, "{}: not an IPv6 address", printable(text, kIpv6TextMax));
  return address;
}

Result<Ipv6Net> parse_ipv6_net(std::string_view text) {
  size_t slash = text.find('/');
  if (slash == std::string_view::npos) {
    return fail(Errc::kInvalid, "{}: has no /prefix", printable(text, kIpv6TextMax));
  }
  Ipv6 address = TRY(parse_ipv6(text.substr(0, slash)));
  auto prefix = parse_u64(text.substr(slash + 1));
  if (!prefix || *prefix > 128) {
    return fail(Errc::kInvalid, "{}: prefix must be 0 to 128", printable(text, kIpv6TextMax + 4));
  }
  return Ipv6Net{address, static_cast<int>(*prefix)};
}

std::string to_string(const Ipv6& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  (void)::inet_ntop(AF_INET6, address.bytes.data(), text.data(),
                    static_cast<socklen_t>(text.size()));  // the room is what it asks for
  return text.data();
}

std::string to_string(const Ipv6Net& net) {
  return fmt::format("{}/{}", to_string(net.address), net.prefix);
}

bool is_unique_local(const Ipv6& address) {
  return (address.bytes[0] & 0xfe) == 0xfc;
}

}  // namespace berth
