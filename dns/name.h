// Domain names as messages have them (RFC 1035 3.1): labels of 1 to 63 octets, 255 octets in all.
// Case is kept, and makes no difference.
#pragma once

#include "base/ipv4.h"
#include "base/ipv6.h"
#include "base/result.h"

#include <optional>
#include <string>
#include <string_view>

namespace berth::dns {

constexpr size_t kLabelMax = 63;
constexpr size_t kNameMax = 255;  // in a message: lengths and the end included

class Name {
 public:
  // The root.
  Name() : wire_(1, '\0') {}
  // "web.berth.internal", with or without the last dot; "." is the root.
  static Result<Name> parse(std::string_view text);
  // What `labels` says, each with its length before it and without the end.
  static Result<Name> from_labels(std::string labels);
  // "5.0.29.172.in-addr.arpa".
  static Name reverse_of(Ipv4 address);
  // "2.0.0.0. ... .0.0.d.f.ip6.arpa" (RFC 3596, 2.5).
  static Name reverse_of(const Ipv6& address);

  // Labels with their lengths, and the end.
  const std::string& wire() const { return wire_; }
  bool is_root() const { return wire_.size() == 1; }
  // Without the first label; the root's is the root.
  Name parent() const;
  bool is_at_or_below(const Name& other) const;
  // The address of a whole name below in-addr.arpa.
  std::optional<Ipv4> reversed_address() const;

  // As parse() reads it, other octets than letters, digits, '-' and '_' as \DDD.
  std::string to_text() const;
  // The name in lower case if it is one of letters, digits, '-' and '_' alone, as names of hosts
  // and tasks are; so it is no path either.
  std::optional<std::string> plain_text() const;

  // Case included: same_name() is what two askers mean.
  bool operator==(const Name&) const = default;

 private:
  explicit Name(std::string wire) : wire_(std::move(wire)) {}
  std::string wire_;
};

bool same_name(const Name& one, const Name& other);

}  // namespace berth::dns
