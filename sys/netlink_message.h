// Building and walking netlink messages: bytes in, bytes out. Used by netlink.cc and nftables.cc.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <linux/netlink.h>

namespace berth::sys {

// Appends the bytes of `value`, padded to netlink's alignment of four.
inline void append_padded(std::string& message, std::string_view bytes) {
  message.append(bytes);
  message.append((4 - bytes.size() % 4) % 4, '\0');
}

template <class T>
std::string_view bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

// A message whose length and sequence the sender fills in.
template <class Body>
std::string start_message(uint16_t type, uint16_t flags, const Body& body) {
  nlmsghdr header{};
  header.nlmsg_type = type;
  header.nlmsg_flags = flags;
  std::string message;
  append_padded(message, bytes_of(header));
  append_padded(message, bytes_of(body));
  return message;
}

inline void append_attribute(std::string& message, uint16_t type, std::string_view bytes) {
  nlattr attribute{static_cast<uint16_t>(NLA_HDRLEN + bytes.size()), type};
  message.append(bytes_of(attribute));
  append_padded(message, bytes);
}

template <class T>
void append_value(std::string& message, uint16_t type, const T& value) {
  append_attribute(message, type, bytes_of(value));
}

// Names go with their terminating zero.
inline void append_name(std::string& message, uint16_t type, std::string_view name) {
  append_attribute(message, type, std::string(name) + '\0');
}

// Sets the length, once the message is whole.
inline void finish_message(std::string& message, uint32_t sequence) {
  auto length = static_cast<uint32_t>(message.size());
  std::memcpy(message.data() + offsetof(nlmsghdr, nlmsg_len), &length, sizeof length);
  std::memcpy(message.data() + offsetof(nlmsghdr, nlmsg_seq), &sequence, sizeof sequence);
}

template <class T>
T read_value(std::string_view bytes) {
  T value{};
  std::memcpy(&value, bytes.data(), bytes.size() < sizeof value ? bytes.size() : sizeof value);
  return value;
}

using Attributes = std::map<uint16_t, std::string_view>;
// Attributes by type; a malformed tail ends the walk.
inline Attributes parse_attributes(std::string_view bytes) {
  Attributes attributes;
  while (bytes.size() >= NLA_HDRLEN) {
    auto header = read_value<nlattr>(bytes);
    if (header.nla_len < NLA_HDRLEN || header.nla_len > bytes.size()) break;
    attributes[header.nla_type & NLA_TYPE_MASK] =
        bytes.substr(NLA_HDRLEN, header.nla_len - NLA_HDRLEN);
    size_t step = NLA_ALIGN(header.nla_len);
    bytes.remove_prefix(step < bytes.size() ? step : bytes.size());
  }
  return attributes;
}

// The value of the first attribute of the type, if there is one; for many messages, of each of
// which little is asked.
inline std::optional<std::string_view> find_attribute(std::string_view bytes, uint16_t type) {
  while (bytes.size() >= NLA_HDRLEN) {
    auto header = read_value<nlattr>(bytes);
    if (header.nla_len < NLA_HDRLEN || header.nla_len > bytes.size()) break;
    if ((header.nla_type & NLA_TYPE_MASK) == type) {
      return bytes.substr(NLA_HDRLEN, header.nla_len - NLA_HDRLEN);
    }
    size_t step = NLA_ALIGN(header.nla_len);
    bytes.remove_prefix(step < bytes.size() ? step : bytes.size());
  }
  return std::nullopt;
}

// What an NLMSG_ERROR says: 0 or a positive errno, and the extended acknowledgement text.
struct Acknowledgement {
  int errno_value = 0;
  std::string text;
};
inline Acknowledgement parse_acknowledgement(std::string_view message) {
  auto header = read_value<nlmsghdr>(message);
  auto body = message.substr(NLMSG_HDRLEN);
  auto error = read_value<nlmsgerr>(body);
  Acknowledgement answer{-error.error, ""};
  if (!(header.nlmsg_flags & NLM_F_ACK_TLVS)) return answer;
  size_t skip = sizeof(nlmsgerr);
  if (!(header.nlmsg_flags & NLM_F_CAPPED)) skip += error.msg.nlmsg_len - NLMSG_HDRLEN;
  if (skip > body.size()) return answer;
  auto attributes = parse_attributes(body.substr(skip));
  if (auto found = attributes.find(NLMSGERR_ATTR_MSG); found != attributes.end()) {
    answer.text = found->second.substr(0, found->second.find('\0'));
  }
  return answer;
}

}  // namespace berth::sys
