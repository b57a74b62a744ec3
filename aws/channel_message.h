// The messages of Session Manager's data channel, as session-manager-plugin and the agent exchange
// them: pure. Not documented by AWS; the plugin's source (aws/session-manager-plugin,
// src/message/clientmessage.go) is the specification.
//
//    0   4  length of the header: 116
//    4  32  type, padded with spaces: "input_stream_data"
//   36   4  version of the schema: 1
//   40   8  created, milliseconds since 1970
//   48   8  sequence number
//   56   8  flags: 1 the first of its stream, 2 the last
//   64  16  id, a UUID whose halves are exchanged
//   80  32  SHA-256 of the payload
//  112   4  type of the payload
//  116   4  length of the payload
//  120      payload
//
// All numbers are big-endian.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace berth::aws {

inline constexpr const char* kInputStreamData = "input_stream_data";    // to the agent
inline constexpr const char* kOutputStreamData = "output_stream_data";  // from it
inline constexpr const char* kAcknowledge = "acknowledge";
inline constexpr const char* kChannelClosed = "channel_closed";

enum class PayloadType : uint32_t {
  kNone = 0,
  kOutput = 1,  // bytes: typed, or shown
  kSize = 3,    // {"cols": 80, "rows": 24}
  kHandshakeRequest = 5,
  kHandshakeResponse = 6,
  kHandshakeComplete = 7,
  kFlag = 10,  // four bytes: 2 ends the session
};

struct ChannelMessage {
  std::string type{};
  uint64_t created_ms = 0;
  int64_t sequence = 0;
  uint64_t flags = 0;
  std::string id{};                               // "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
  PayloadType payload_type = PayloadType::kNone;  // others, too
  std::string payload{};
  bool operator==(const ChannelMessage&) const = default;
};

std::string render_channel_message(const ChannelMessage& message);
// kInvalid for what is cut short, lies about its length, or has another digest than its payload.
Result<ChannelMessage> parse_channel_message(std::string_view bytes);

}  // namespace berth::aws
