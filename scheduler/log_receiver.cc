#include "scheduler/log_receiver.h"

#include "base/text.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace berth::scheduler {
namespace {

constexpr uint16_t kSyslogPort = 514;
constexpr uint16_t kForwardPort = 24224;
constexpr size_t kAddressShown = 100;

constexpr std::string_view kFacilities[] = {
    "kern",   "user",   "mail",     "daemon", "auth",   "syslog", "lpr",    "news",
    "uucp",   "cron",   "authpriv", "ftp",    "",       "",       "",       "",
    "local0", "local1", "local2",   "local3", "local4", "local5", "local6", "local7"};
constexpr uint32_t kFacilityMax = 23;

struct DurationUnit {
  std::string_view name;
  double ms;
};
// The longer names first.
constexpr DurationUnit kDurationUnits[] = {{"ns", 1e-6},  {"us", 1e-3}, {"\xc2\xb5s", 1e-3},
                                           {"ms", 1},     {"s", 1000},  {"m", 60000},
                                           {"h", 3600000}};

tl::unexpected<Error> bad_address(std::string_view text, const char* why) {
  return fail(Errc::kInvalid, "'{}': {}", printable(text, kAddressShown), why);
}

// "host", "host:port", "[v6]:port".
Result<LogAddress> read_host(std::string_view text, std::string_view host, uint16_t port) {
  LogAddress address;
  address.port = port;
  std::string_view rest;
  if (host.starts_with('[')) {
    size_t close = host.find(']');
    if (close == std::string_view::npos) return bad_address(text, "']' is missing");
    address.host = host.substr(1, close - 1);
    rest = host.substr(close + 1);
  } else {
    size_t colon = host.find(':');
    address.host = host.substr(0, colon);
    rest = colon == std::string_view::npos ? "" : host.substr(colon);
  }
  if (address.host.empty()) return bad_address(text, "a host is missing");
  if (address.host.find('/') != std::string::npos || rest.find('/') != std::string_view::npos) {
    return bad_address(text, "should not have a path element");
  }
  if (rest.empty()) return address;
  auto number = rest.starts_with(':') ? parse_u64(rest.substr(1)) : std::nullopt;
  if (!number || *number == 0 || *number > 65535) return bad_address(text, "a port is 1 to 65535");
  address.port = static_cast<uint16_t>(*number);
  return address;
}

Result<LogAddress> read_path(std::string_view text, std::string_view path) {
  constexpr size_t kPathMax = 107;  // sun_path
  if (!path.starts_with('/') || path.size() > kPathMax) {
    return bad_address(text, "a socket has an absolute path of at most 107 bytes");
  }
  LogAddress address;
  address.host = path;
  return address;
}

}  // namespace

Result<LogAddress> parse_syslog_address(std::string_view text) {
  size_t end = text.find("://");
  if (end == std::string_view::npos) {
    return bad_address(text, "must be as in udp://HOST:PORT, tcp://HOST:PORT or unix:///PATH");
  }
  std::string_view scheme = text.substr(0, end);
  std::string_view rest = text.substr(end + 3);
  if (scheme == "tcp+tls") {
    return fail(Errc::kUnsupported,
                "not supported: '{}'; berth sends logs over no TLS yet: use a "
                "relay on this host",
                printable(text, kAddressShown));
  }
  bool is_unix = scheme == "unix" || scheme == "unixgram";
  if (!is_unix && scheme != "udp" && scheme != "tcp") {
    return bad_address(text, "the scheme is one of udp, tcp, tcp+tls, unix and unixgram");
  }
  LogAddress address = TRY(is_unix ? read_path(text, rest) : read_host(text, rest, kSyslogPort));
  address.transport = scheme;
  return address;
}

Result<LogAddress> parse_fluentd_address(std::string_view text) {
  size_t end = text.find("://");
  std::string_view scheme = end == std::string_view::npos ? "tcp" : text.substr(0, end);
  std::string_view rest = end == std::string_view::npos ? text : text.substr(end + 3);
  if (scheme == "tls") {
    return fail(Errc::kUnsupported,
                "not supported: '{}'; berth sends logs over no TLS yet: use a "
                "relay on this host",
                printable(text, kAddressShown));
  }
  if (scheme != "tcp" && scheme != "unix") {
    return bad_address(text, "the scheme is one of tcp, tls and unix");
  }
  LogAddress address =
      TRY(scheme == "unix" ? read_path(text, rest) : read_host(text, rest, kForwardPort));
  address.transport = scheme;
  return address;
}

Result<LogAddress> parse_gelf_address(std::string_view text) {
  constexpr const char* kForm = "must be as in udp://HOST:PORT or tcp://HOST:PORT";
  size_t end = text.find("://");
  if (end == std::string_view::npos) return bad_address(text, kForm);
  std::string_view scheme = text.substr(0, end);
  if (scheme != "udp" && scheme != "tcp") return bad_address(text, kForm);
  LogAddress address = TRY(read_host(text, text.substr(end + 3), 0));
  if (address.port == 0) return bad_address(text, kForm);
  address.transport = scheme;
  return address;
}

std::optional<uint32_t> parse_syslog_facility(std::string_view text) {
  if (auto number = parse_u64(text)) {
    if (*number > kFacilityMax) return std::nullopt;
    return static_cast<uint32_t>(*number);
  }
  if (text.empty()) return std::nullopt;
  const auto* found = std::find(std::begin(kFacilities), std::end(kFacilities), text);
  if (found == std::end(kFacilities)) return std::nullopt;
  return static_cast<uint32_t>(found - std::begin(kFacilities));
}

std::optional<uint64_t> parse_go_duration_ms(std::string_view text) {
  if (text == "0") return 0;
  if (text.empty()) return std::nullopt;
  double total = 0;
  while (!text.empty()) {
    size_t end = text.find_first_not_of("0123456789.");
    if (end == 0 || end == std::string_view::npos) return std::nullopt;
    double value = 0;
    auto [rest, error] = std::from_chars(text.data(), text.data() + end, value);
    if (error != std::errc() || rest != text.data() + end) return std::nullopt;
    text.remove_prefix(end);
    const auto* unit = std::find_if(std::begin(kDurationUnits), std::end(kDurationUnits),
                                    [&](const auto& each) { return text.starts_with(each.name); });
    if (unit == std::end(kDurationUnits)) return std::nullopt;
    total += value * unit->ms;
    text.remove_prefix(unit->name.size());
  }
  constexpr double kLongest = 1e12;  // some thirty years
  if (total > kLongest) return std::nullopt;
  return static_cast<uint64_t>(std::llround(total));
}

}  // namespace berth::scheduler
