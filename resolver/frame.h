// Messages in a stream: two octets of length before each (RFC 1035 4.2.2). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace berth::resolver {

constexpr size_t kFrameHeader = 2;

inline std::string framed(std::string_view message) {
  std::string frame;
  frame += static_cast<char>(message.size() >> 8 & 0xff);
  frame += static_cast<char>(message.size() & 0xff);
  frame += message;
  return frame;
}

// Takes the first message out of what has come; nothing while it is not whole.
inline std::optional<std::string> take_frame(std::string& stream) {
  if (stream.size() < kFrameHeader) return std::nullopt;
  size_t size = size_t{static_cast<uint8_t>(stream[0])} << 8 | static_cast<uint8_t>(stream[1]);
  if (stream.size() - kFrameHeader < size) return std::nullopt;
  std::string message = stream.substr(kFrameHeader, size);
  stream.erase(0, kFrameHeader + size);
  return message;
}

}  // namespace berth::resolver
