#include "aws/channel_message.h"

#include "aws/hash.h"
#include "base/text.h"

#include <fmt/core.h>

namespace berth::aws {
namespace {

constexpr size_t kTypeAt = 4;
constexpr size_t kTypeSize = 32;
constexpr size_t kCreatedAt = 40;
constexpr size_t kSequenceAt = 48;
constexpr size_t kFlagsAt = 56;
constexpr size_t kIdAt = 64;
constexpr size_t kIdHalf = 8;
constexpr size_t kDigestAt = 80;
constexpr size_t kDigestSize = 32;
constexpr size_t kPayloadTypeAt = 112;
constexpr size_t kPayloadLengthAt = 116;
constexpr size_t kPayloadAt = 120;
constexpr uint32_t kSchemaVersion = 1;
constexpr int kByteBits = 8;

template <class Number>
void append_number(std::string& bytes, Number number) {
  for (size_t left = sizeof(Number); left-- > 0;) {
    bytes += static_cast<char>(number >> (kByteBits * static_cast<int>(left)));
  }
}

template <class Number>
Number number_at(std::string_view bytes, size_t at) {
  Number number = 0;
  for (size_t i = 0; i < sizeof(Number); ++i) {
    number = static_cast<Number>((number << kByteBits) | static_cast<unsigned char>(bytes[at + i]));
  }
  return number;
}

int digit_of(char hex) {
  return hex <= '9' ? hex - '0' : hex - 'a' + 10;
}

std::string bytes_of_hex(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(digit_of(hex[i]) << 4 | digit_of(hex[i + 1]));
  }
  return bytes;
}

std::string bytes_of_uuid(const std::string& uuid) {
  std::string bytes = bytes_of_hex(join(split(uuid, '-'), ""));
  return bytes.substr(kIdHalf) + bytes.substr(0, kIdHalf);
}

std::string uuid_of_bytes(std::string_view bytes) {
  std::string hex =
      to_hex(std::string(bytes.substr(kIdHalf)) + std::string(bytes.substr(0, kIdHalf)));
  return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4),
                     hex.substr(16, 4), hex.substr(20));
}

}  // namespace

std::string render_channel_message(const ChannelMessage& message) {
  std::string bytes;
  append_number(bytes, static_cast<uint32_t>(kPayloadLengthAt));
  std::string type = message.type.substr(0, kTypeSize);
  bytes += type + std::string(kTypeSize - type.size(), ' ');
  append_number(bytes, kSchemaVersion);
  append_number(bytes, message.created_ms);
  append_number(bytes, static_cast<uint64_t>(message.sequence));
  append_number(bytes, message.flags);
  bytes += bytes_of_uuid(message.id);
  bytes += bytes_of_hex(sha256_hex(message.payload));
  append_number(bytes, static_cast<uint32_t>(message.payload_type));
  append_number(bytes, static_cast<uint32_t>(message.payload.size()));
  return bytes + message.payload;
}

Result<ChannelMessage> parse_channel_message(std::string_view bytes) {
  bool has_header = bytes.size() >= kPayloadAt && number_at<uint32_t>(bytes, 0) == kPayloadLengthAt;
  if (!has_header) {
    return fail(Errc::kInvalid, "a message of {} bytes without the header of a data channel",
                bytes.size());
  }
  ChannelMessage message;
  std::string_view type = bytes.substr(kTypeAt, kTypeSize);
  message.type = trim(type.substr(0, type.find('\0')));
  message.created_ms = number_at<uint64_t>(bytes, kCreatedAt);
  message.sequence = static_cast<int64_t>(number_at<uint64_t>(bytes, kSequenceAt));
  message.flags = number_at<uint64_t>(bytes, kFlagsAt);
  message.id = uuid_of_bytes(bytes.substr(kIdAt, 2 * kIdHalf));
  message.payload_type = static_cast<PayloadType>(number_at<uint32_t>(bytes, kPayloadTypeAt));
  message.payload = bytes.substr(kPayloadAt);
  uint32_t length = number_at<uint32_t>(bytes, kPayloadLengthAt);
  if (length != message.payload.size()) {
    return fail(Errc::kInvalid, "a payload of {} bytes that says it has {}", message.payload.size(),
                length);
  }
  if (bytes_of_hex(sha256_hex(message.payload)) != bytes.substr(kDigestAt, kDigestSize)) {
    return fail(Errc::kInvalid, "a payload with another SHA-256 than its header says");
  }
  return message;
}

}  // namespace berth::aws
