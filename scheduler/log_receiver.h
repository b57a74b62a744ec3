// Where log drivers deliver over the network: the address options, and Go's way to write durations.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace berth::scheduler {

struct LogAddress {
  std::string transport{};  // "udp", "tcp", "unix" or "unixgram"
  std::string host{};       // a name, an IP address, or the path of a socket
  uint16_t port = 0;
  bool operator==(const LogAddress&) const = default;
};

// "udp://1.2.3.4:514", "tcp://host", "unix:///path", "unixgram:///path". kUnsupported for TLS.
Result<LogAddress> parse_syslog_address(std::string_view text);
// "host", "host:24224", "tcp://host:24224", "unix:///path". kUnsupported for TLS.
Result<LogAddress> parse_fluentd_address(std::string_view text);

// "udp://host:12201", "tcp://host:12201": both must be said.
Result<LogAddress> parse_gelf_address(std::string_view text);

// "daemon" or "3" -> 3. Nothing when it is none.
std::optional<uint32_t> parse_syslog_facility(std::string_view text);

// "1s", "500ms", "1m30s" -> milliseconds. Nothing when malformed or negative.
std::optional<uint64_t> parse_go_duration_ms(std::string_view text);

}  // namespace berth::scheduler
