#include "dns/name.h"

#include "base/text.h"

#include <algorithm>
#include <vector>

namespace berth::dns {
namespace {

constexpr size_t kShownMax = 300;
constexpr std::string_view kReverseZone = "in-addr.arpa";
constexpr const char* kReverseZone6 = "ip6.arpa";
constexpr size_t kReverseLabels = 6;

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

// Lengths are below 'A', so the whole of a name may be lowered at once.
std::string lowered(std::string_view wire) {
  return to_lower(wire);
}

std::vector<std::string_view> labels_of(std::string_view wire) {
  std::vector<std::string_view> labels;
  for (size_t at = 0; wire[at] != '\0';) {
    auto size = static_cast<unsigned char>(wire[at]);
    labels.push_back(wire.substr(at + 1, size));
    at += 1 + size;
  }
  return labels;
}

}  // namespace

Result<Name> Name::parse(std::string_view text) {
  if (text == ".") return Name();
  std::string_view rest = text;
  if (rest.ends_with('.')) rest.remove_suffix(1);
  std::string labels;
  for (const std::string& label : split(rest, '.')) {
    bool fits = !label.empty() && label.size() <= kLabelMax;
    if (!fits || !std::ranges::all_of(label, is_plain)) {
      return fail(Errc::kInvalid,
                  "\"{}\" is no domain name: labels are 1 to {} letters, digits, '-' and '_'",
                  printable(text, kShownMax), kLabelMax);
    }
    labels += static_cast<char>(label.size());
    labels += label;
  }
  return from_labels(std::move(labels));
}

Result<Name> Name::from_labels(std::string labels) {
  if (labels.size() >= kNameMax) {
    return fail(Errc::kInvalid, "a domain name of more than {} octets", kNameMax);
  }
  labels += '\0';
  return Name(std::move(labels));
}

Name Name::reverse_of(Ipv4 address) {
  uint32_t value = address.value;
  return parse(fmt::format("{}.{}.{}.{}.{}", value & 0xff, value >> 8 & 0xff, value >> 16 & 0xff,
                           value >> 24, kReverseZone))
      .value();
}

Name Name::reverse_of(const Ipv6& address) {
  std::string text;
  for (uint8_t byte : address.bytes) {
    text.insert(0, fmt::format("{:x}.{:x}.", byte & 0xf, byte >> 4));
  }
  return parse(text + kReverseZone6).value();
}

Name Name::parent() const {
  if (is_root()) return {};
  return Name(wire_.substr(1 + static_cast<unsigned char>(wire_[0])));
}

bool Name::is_at_or_below(const Name& other) const {
  Name name = *this;
  while (name.wire_.size() > other.wire_.size()) name = name.parent();
  return same_name(name, other);
}

std::optional<Ipv4> Name::reversed_address() const {
  std::vector<std::string_view> labels = labels_of(wire_);
  static const Name kZone = parse(kReverseZone).value();
  if (labels.size() != kReverseLabels || !is_at_or_below(kZone)) return std::nullopt;
  auto address = parse_ipv4(fmt::format("{}.{}.{}.{}", labels[3], labels[2], labels[1], labels[0]));
  if (!address) return std::nullopt;
  return *address;
}

std::string Name::to_text() const {
  if (is_root()) return ".";
  std::string text;
  for (std::string_view label : labels_of(wire_)) {
    if (!text.empty()) text += '.';
    for (char c : label) {
      if (is_plain(c)) {
        text += c;
      } else {
        text += fmt::format("\\{:03}", static_cast<unsigned char>(c));
      }
    }
  }
  return text;
}

std::optional<std::string> Name::plain_text() const {
  if (is_root()) return std::nullopt;
  std::string text;
  for (std::string_view label : labels_of(wire_)) {
    if (!std::ranges::all_of(label, is_plain)) return std::nullopt;
    if (!text.empty()) text += '.';
    text += to_lower(label);
  }
  return text;
}

bool same_name(const Name& one, const Name& other) {
  return one.wire().size() == other.wire().size() && lowered(one.wire()) == lowered(other.wire());
}

}  // namespace berth::dns
