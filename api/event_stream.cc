#include "api/event_stream.h"

#include <array>
#include <cstdint>
#include <initializer_list>
#include <utility>

namespace berth::api {
namespace {

constexpr uint32_t kCrcPolynomial = 0xedb88320;  // of IEEE 802.3, the lowest bit first
constexpr char kStringHeader = 7;
constexpr size_t kAroundHeaders = 16;  // both lengths and both sums

constexpr std::array<uint32_t, 256> kCrcTable = [] {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < table.size(); ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) {
      value = (value & 1) != 0 ? kCrcPolynomial ^ (value >> 1) : value >> 1;
    }
    table[i] = value;
  }
  return table;
}();

uint32_t crc32_of(std::string_view bytes) {
  uint32_t crc = ~uint32_t{0};
  for (char byte : bytes) {
    crc = kCrcTable[(crc ^ static_cast<uint8_t>(byte)) & 0xff] ^ (crc >> 8);
  }
  return ~crc;
}

void append_big_endian(std::string& out, uint32_t value, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) {
    out += static_cast<char>(value >> shift & 0xff);
  }
}

using MessageHeaders = std::initializer_list<std::pair<std::string_view, std::string_view>>;

std::string stream_message(MessageHeaders headers, std::string_view payload) {
  std::string head;
  for (const auto& [name, value] : headers) {
    append_big_endian(head, static_cast<uint32_t>(name.size()), 1);
    head += name;
    head += kStringHeader;
    append_big_endian(head, static_cast<uint32_t>(value.size()), 2);
    head += value;
  }
  std::string message;
  append_big_endian(message, static_cast<uint32_t>(kAroundHeaders + head.size() + payload.size()),
                    4);
  append_big_endian(message, static_cast<uint32_t>(head.size()), 4);
  append_big_endian(message, crc32_of(message), 4);
  message += head;
  message += payload;
  append_big_endian(message, crc32_of(message), 4);
  return message;
}

}  // namespace

std::string event_message(std::string_view event_type, std::string_view payload) {
  return stream_message({{":event-type", event_type},
                         {":content-type", "application/json"},
                         {":message-type", "event"}},
                        payload);
}

std::string exception_message(std::string_view exception_type, std::string_view payload) {
  return stream_message({{":exception-type", exception_type},
                         {":content-type", "application/json"},
                         {":message-type", "exception"}},
                        payload);
}

}  // namespace berth::api
