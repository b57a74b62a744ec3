#include "base/ip_net.h"

#include "base/text.h"

#include <arpa/inet.h>

#include <algorithm>

namespace berth {
namespace {

constexpr size_t kIpTextMax = INET6_ADDRSTRLEN;
constexpr size_t kMappedBits = 96;  // ::ffff:0:0/96
constexpr std::array<uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

int bits_of(const IpNet& net) {
  return net.is_v6 ? 128 : 32;
}

void clear_behind_prefix(IpNet& net) {
  for (size_t i = 0; i < net.address.size(); ++i) {
    int kept = std::clamp(net.prefix - static_cast<int>(i) * 8, 0, 8);
    net.address.at(i) &= static_cast<uint8_t>(0xff << (8 - kept));
  }
}

// ParseIP of Go, whose answers AWS's own agent goes by, takes them for IPv4.
void undress_mapped(IpNet& net) {
  if (!net.is_v6 || !std::equal(kMapped.begin(), kMapped.end(), net.address.begin())) return;
  if (net.prefix < static_cast<int>(kMappedBits)) return;
  IpNet plain{false, {}, net.prefix - static_cast<int>(kMappedBits)};
  std::copy_n(net.address.begin() + kMapped.size(), 4, plain.address.begin());
  net = plain;
}

}  // namespace

Result<IpNet> parse_ip_net(std::string_view text) {
  auto wrong = [&] {
    return fail(Errc::kInvalid, "{}: is no IP address or network", printable(text, kIpTextMax));
  };
  size_t slash = text.find('/');
  std::string address(text.substr(0, slash));
  // A zero byte would end the text for inet_pton(3), not for us.
  if (address.size() > kIpTextMax || address.find('\0') != std::string::npos) return wrong();
  IpNet net;
  net.is_v6 = address.find(':') != std::string::npos;
  if (::inet_pton(net.is_v6 ? AF_INET6 : AF_INET, address.c_str(), net.address.data()) != 1) {
    return wrong();
  }
  net.prefix = bits_of(net);
  if (slash != std::string_view::npos) {
    auto prefix = parse_u64(text.substr(slash + 1));
    if (!prefix || *prefix > static_cast<uint64_t>(bits_of(net))) return wrong();
    net.prefix = static_cast<int>(*prefix);
  }
  undress_mapped(net);
  clear_behind_prefix(net);
  return net;
}

std::string to_string(const IpNet& net) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  (void)::inet_ntop(net.is_v6 ? AF_INET6 : AF_INET, net.address.data(), text.data(),
                    static_cast<socklen_t>(text.size()));  // the room is what it asks for
  return fmt::format("{}/{}", text.data(), net.prefix);
}

}  // namespace berth
