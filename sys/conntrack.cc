#include "sys/conntrack.h"

#include "sys/netlink.h"
#include "sys/netlink_message.h"
#include "sys/scheduling.h"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <sys/socket.h>

#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth::sys {

// Whose connections.
struct ConnectionSource {
  uint8_t family;
  uint16_t attribute;                                // CTA_IP_V4_SRC or CTA_IP_V6_SRC
  std::function<bool(std::string_view)> is_asked{};  // of an address in network order
  std::string bytes{};                               // the one address, when there is but one
};

namespace {

constexpr uint16_t kConntrack = NFNL_SUBSYS_CTNETLINK << 8;
// What CTA_FILTER asks for (Linux 5.8): its flags have no header of their own.
constexpr uint16_t kFilterOriginal = 1;  // CTA_FILTER_ORIG_FLAGS
constexpr uint16_t kFilterReply = 2;     // CTA_FILTER_REPLY_FLAGS
constexpr uint32_t kBySource = 1;        // CTA_FILTER_FLAG(CTA_IP_SRC)

// A connection as it goes and as it is answered has a tuple each; the source of one is asked for.
struct Side {
  uint16_t tuple;
  uint16_t filter;
};
constexpr Side kBegun{CTA_TUPLE_ORIG, kFilterOriginal};
constexpr Side kAnswered{CTA_TUPLE_REPLY, kFilterReply};

std::string conntrack_message(uint16_t type, uint16_t flags, uint8_t family) {
  nfgenmsg body{family, NFNETLINK_V0, 0};
  return start_message(static_cast<uint16_t>(kConntrack | type), flags, body);
}

void append_nested(std::string& message, uint16_t type, std::string_view attributes) {
  append_attribute(message, static_cast<uint16_t>(type | NLA_F_NESTED), attributes);
}

std::string_view attributes_of(std::string_view connection) {
  constexpr size_t kHead = NLMSG_SPACE(sizeof(nfgenmsg));
  return connection.size() < kHead ? std::string_view() : connection.substr(kHead);
}

// How many there are, as the kernel says in answer to `count_message()`; nothing when it does not.
std::string count_message() {
  return conntrack_message(IPCTNL_MSG_CT_GET_STATS, NLM_F_REQUEST | NLM_F_ACK, AF_UNSPEC);
}

std::optional<uint32_t> count_in(const std::vector<std::string>& answers) {
  for (const std::string& answer : answers) {
    auto entries = find_attribute(attributes_of(answer), CTA_STATS_GLOBAL_ENTRIES);
    uint32_t count = 0;
    if (!entries || entries->size() != sizeof(count)) continue;
    std::memcpy(&count, entries->data(), sizeof(count));
    return ntohl(count);
  }
  return std::nullopt;
}

std::string dump_all_message(uint8_t family) {
  return conntrack_message(IPCTNL_MSG_CT_GET, NLM_F_REQUEST | NLM_F_DUMP, family);
}

std::string dump_message(const Side& side, const ConnectionSource& source) {
  auto message = dump_all_message(source.family);
  std::string ip;
  append_attribute(ip, source.attribute, source.bytes);
  std::string tuple;
  append_nested(tuple, CTA_TUPLE_IP, ip);
  std::string filter;
  append_value(filter, side.filter, kBySource);
  append_nested(message, side.tuple, tuple);
  append_nested(message, CTA_FILTER, filter);
  return message;
}

// A kernel that is asked for all, or that knows no filter, tells of all.
bool comes_from(std::string_view connection, const Side& side, const ConnectionSource& source) {
  auto tuple = find_attribute(connection, side.tuple);
  if (!tuple) return false;
  auto ip = find_attribute(*tuple, CTA_TUPLE_IP);
  if (!ip) return false;
  auto address = find_attribute(*ip, source.attribute);
  return address && source.is_asked(*address);
}

// By its id, too: a new connection may have taken the place of the one that was listed.
std::string delete_message(std::string_view connection, uint8_t family) {
  auto message = conntrack_message(IPCTNL_MSG_CT_DELETE, NLM_F_REQUEST | NLM_F_ACK, family);
  for (uint16_t type : {CTA_TUPLE_ORIG, CTA_ID, CTA_ZONE}) {
    auto found = find_attribute(connection, type);
    if (!found) continue;
    if (type == CTA_TUPLE_ORIG) {
      append_nested(message, type, *found);
    } else {
      append_attribute(message, type, *found);
    }
  }
  return message;
}

// Of the address whose bytes these are.
ConnectionSource one_source(uint8_t family, uint16_t attribute, std::string_view bytes) {
  std::string own(bytes);
  return {family, attribute, [own](std::string_view other) { return other == own; }, own};
}

}  // namespace

Result<size_t> forget_connections_of(const ConnectionSource& source, uint32_t few) {
  NetlinkSocket netfilter = TRY(NetlinkSocket::open_netfilter());
  // A list is a walk through the whole table, however few there are: 262,144 places on a host of
  // more than 4 GiB, without a pause. The number costs nothing.
  auto question_of_number = count_message();
  auto answers = netfilter.dump("count connections", question_of_number);
  std::optional<uint32_t> count = answers ? count_in(*answers) : std::nullopt;
  if (count == 0u) return size_t{0};
  // Of IPv6 always all: with the filter Linux (seen with 6.18) tells of none that match.
  bool is_one = !source.bytes.empty() && source.family == AF_INET;
  bool asks_for_all = !is_one || (count && *count <= few);
  std::vector<std::string> questions;
  if (asks_for_all) {
    questions = {dump_all_message(source.family)};
  } else {
    questions = {dump_message(kBegun, source), dump_message(kAnswered, source)};
  }
  AwayFromSettled elsewhere;
  size_t forgotten = 0;
  for (std::string& question : questions) {
    std::vector<std::string> requests;  // not sent before the list has come to its end
    auto listed = netfilter.dump_each("list connections", question, [&](std::string_view message) {
      std::string_view connection = attributes_of(message);
      bool is_its =
          comes_from(connection, kBegun, source) || comes_from(connection, kAnswered, source);
      if (is_its) requests.push_back(delete_message(connection, source.family));
    });
    if (!listed && listed.error().errno_value == EINVAL) {
      return fail(Errc::kUnsupported, "this kernel has no nf_conntrack_netlink");
    }
    TRY(listed);
    for (std::string& request : requests) {
      auto deleted = netfilter.transact("forget connection", "", request);
      bool is_gone = !deleted && deleted.error().errno_value == ENOENT;  // it timed out
      if (!deleted && !is_gone) return tl::unexpected<Error>(std::move(deleted).error());
      ++forgotten;
    }
  }
  return forgotten;
}

Result<size_t> forget_connections(Ipv4 address, uint32_t few) {
  uint32_t value = htonl(address.value);
  return forget_connections_of(one_source(AF_INET, CTA_IP_V4_SRC, bytes_of(value)), few);
}

Result<size_t> forget_connections(const Ipv6& address) {
  return forget_connections_of(one_source(AF_INET6, CTA_IP_V6_SRC, bytes_of(address.bytes)),
                               kFewConnections);
}

Result<size_t> forget_ipv4_connections(const std::function<bool(Ipv4)>& is_gone) {
  auto is_asked = [&is_gone](std::string_view bytes) {
    uint32_t value = 0;
    if (bytes.size() != sizeof(value)) return false;
    std::memcpy(&value, bytes.data(), sizeof(value));
    return is_gone(Ipv4{ntohl(value)});
  };
  return forget_connections_of({AF_INET, CTA_IP_V4_SRC, is_asked}, kFewConnections);
}

Result<size_t> forget_ipv6_connections(const std::function<bool(const Ipv6&)>& is_gone) {
  auto is_asked = [&is_gone](std::string_view bytes) {
    Ipv6 address;
    if (bytes.size() != address.bytes.size()) return false;
    std::memcpy(address.bytes.data(), bytes.data(), bytes.size());
    return is_gone(address);
  };
  return forget_connections_of({AF_INET6, CTA_IP_V6_SRC, is_asked}, kFewConnections);
}

}  // namespace berth::sys
