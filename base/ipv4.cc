#include "base/ipv4.h"

#include "base/text.h"

namespace berth {

Result<Ipv4> parse_ipv4(std::string_view text) {
  auto parts = split(text, '.');
  Ipv4 address;
  for (const auto& part : parts) {
    auto number = parse_u64(part);
    bool leading_zero = part.size() > 1 && part[0] == '0';
    if (parts.size() != 4 || !number || *number > 255 || leading_zero) {
      return fail(Errc::kInvalid, "{}: not an IPv4 address", text);
    }
    address.value = address.value << 8 | static_cast<uint32_t>(*number);
  }
  return address;
}

Result<Ipv4Net> parse_ipv4_net(std::string_view text) {
  auto slash = text.find('/');
  if (slash == std::string_view::npos) return fail(Errc::kInvalid, "{}: has no /prefix", text);
  auto address = TRY(parse_ipv4(text.substr(0, slash)));
  auto prefix = parse_u64(text.substr(slash + 1));
  if (!prefix || *prefix > 32) return fail(Errc::kInvalid, "{}: prefix must be 0 to 32", text);
  return Ipv4Net{address, static_cast<int>(*prefix)};
}

std::string to_string(Ipv4 address) {
  uint32_t v = address.value;
  return fmt::format("{}.{}.{}.{}", v >> 24, v >> 16 & 255, v >> 8 & 255, v & 255);
}

std::string to_string(const Ipv4Net& net) {
  return fmt::format("{}/{}", to_string(net.address), net.prefix);
}

}  // namespace berth
