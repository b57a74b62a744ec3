#include "sys/netlink.h"

#include "sys/call.h"
#include "sys/netlink_message.h"
#include "sys/socket_option.h"

#include <algorithm>

#include <arpa/inet.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/socket.h>

namespace berth::sys {
namespace {

constexpr size_t kReceiveMax = 128 * 1024;
constexpr uint16_t kRequest = NLM_F_REQUEST | NLM_F_ACK;
constexpr uint16_t kCreate = kRequest | NLM_F_CREATE | NLM_F_EXCL;
constexpr uint16_t kDump = NLM_F_REQUEST | NLM_F_DUMP;

std::string link_message(uint16_t type, uint16_t flags, int index) {
  ifinfomsg info{};
  info.ifi_family = AF_UNSPEC;
  info.ifi_index = index;
  return start_message(type, flags, info);
}

std::string change_message(int index, unsigned flags, unsigned change) {
  ifinfomsg info{};
  info.ifi_family = AF_UNSPEC;
  info.ifi_index = index;
  info.ifi_flags = flags;
  info.ifi_change = change;
  return start_message(RTM_NEWLINK, kRequest, info);
}

std::string address_message(uint16_t type, uint16_t flags, int link, const Ipv4Net& net) {
  ifaddrmsg info{};
  info.ifa_family = AF_INET;
  info.ifa_prefixlen = static_cast<uint8_t>(net.prefix);
  info.ifa_index = static_cast<unsigned>(link);
  auto message = start_message(type, flags, info);
  append_value(message, IFA_LOCAL, htonl(net.address.value));
  append_value(message, IFA_ADDRESS, htonl(net.address.value));
  return message;
}

std::string neighbour_message(uint16_t type, uint16_t flags, int link, const Ipv6& address) {
  ndmsg info{};
  info.ndm_family = AF_INET6;
  info.ndm_ifindex = link;
  info.ndm_state = NUD_PERMANENT;
  auto message = start_message(type, flags, info);
  append_value(message, NDA_DST, address.bytes);
  return message;
}

std::string text_of(const Attributes& attributes, uint16_t type) {
  auto found = attributes.find(type);
  if (found == attributes.end()) return "";
  return std::string(found->second.substr(0, found->second.find('\0')));
}

int int_of(const Attributes& attributes, uint16_t type) {
  auto found = attributes.find(type);
  return found == attributes.end() ? 0 : read_value<int>(found->second);
}

Link parse_link(std::string_view message) {
  auto info = read_value<ifinfomsg>(message.substr(NLMSG_HDRLEN));
  auto attributes = parse_attributes(message.substr(NLMSG_SPACE(sizeof info)));
  Link link;
  link.index = info.ifi_index;
  link.up = (info.ifi_flags & IFF_UP) != 0;
  link.name = text_of(attributes, IFLA_IFNAME);
  link.alias = text_of(attributes, IFLA_IFALIAS);
  link.master = int_of(attributes, IFLA_MASTER);
  link.mtu = int_of(attributes, IFLA_MTU);
  if (auto mac = attributes.find(IFLA_ADDRESS); mac != attributes.end()) {
    link.mac = read_value<Mac>(mac->second);
  }
  if (auto nested = attributes.find(IFLA_LINKINFO); nested != attributes.end()) {
    link.kind = text_of(parse_attributes(nested->second), IFLA_INFO_KIND);
  }
  return link;
}

// What IFLA_INFO_DATA of a veth holds: the peer's own link message body.
std::string peer_description(const VethPair& pair) {
  std::string peer(bytes_of(ifinfomsg{}));
  append_name(peer, IFLA_IFNAME, pair.peer_name);
  append_value(peer, IFLA_ADDRESS, pair.peer_mac);
  append_value(peer, IFLA_MTU, pair.mtu);
  append_value(peer, IFLA_NET_NS_FD, pair.peer_netns_fd);
  std::string data;
  append_attribute(data, VETH_INFO_PEER, peer);
  return data;
}

std::string link_info(std::string_view kind, std::string_view data) {
  std::string info;
  append_attribute(info, IFLA_INFO_KIND, kind);
  if (!data.empty()) append_attribute(info, IFLA_INFO_DATA, data);
  return info;
}

// Success, also when the error is the one that says it is so already.
Status unless(Errc harmless, Status status) {
  if (!status && status.error().code == harmless) return {};
  return status;
}

Status send_to_kernel(int fd, const char* operation, std::string_view detail,
                      const std::string& message) {
  return run(operation, detail, [&] { return ::send(fd, message.data(), message.size(), 0); });
}

// Calls `handle` with each message of the answer to `sequence` until it returns false.
template <class Handle>
Status receive_answer(int fd, const char* operation, uint32_t sequence, Handle&& handle) {
  std::string buffer(kReceiveMax, '\0');
  while (true) {
    long size = TRY(
        call(operation, "receive", [&] { return ::recv(fd, buffer.data(), buffer.size(), 0); }));
    std::string_view rest(buffer.data(), static_cast<size_t>(size));
    while (rest.size() >= NLMSG_HDRLEN) {
      auto header = read_value<nlmsghdr>(rest);
      if (header.nlmsg_len < NLMSG_HDRLEN || header.nlmsg_len > rest.size()) {
        return fail(Errc::kCorrupt, "{}: malformed netlink answer", operation);
      }
      bool ours = header.nlmsg_seq == sequence;  // an answer to an interrupted request may linger
      if (ours && !handle(header, rest.substr(0, header.nlmsg_len))) return {};
      rest.remove_prefix(std::min<size_t>(NLMSG_ALIGN(header.nlmsg_len), rest.size()));
    }
  }
}

tl::unexpected<Error> refused(const char* operation, std::string_view detail,
                              const Acknowledgement& answer) {
  std::string text = detail.empty() ? operation : fmt::format("{} {}", operation, detail);
  if (!answer.text.empty()) text += fmt::format(" ({})", answer.text);
  return fail_errno_text(answer.errno_value, text);
}

}  // namespace

std::string to_string(const Mac& mac) {
  return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", mac[0], mac[1], mac[2], mac[3],
                     mac[4], mac[5]);
}

Result<NetlinkSocket> NetlinkSocket::open() {
  Fd fd(TRY(call("socket", "NETLINK_ROUTE",
                 [] { return ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE); })));
  return adopt(std::move(fd));
}

Result<NetlinkSocket> NetlinkSocket::open_netfilter() {
  Fd fd(TRY(call("socket", "NETLINK_NETFILTER",
                 [] { return ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER); })));
  return adopt(std::move(fd));
}

Result<NetlinkSocket> NetlinkSocket::adopt(Fd fd) {
  TRY(switch_on(fd.get(), SOL_NETLINK, NETLINK_EXT_ACK, "NETLINK_EXT_ACK"));
  TRY(switch_on(fd.get(), SOL_NETLINK, NETLINK_CAP_ACK, "NETLINK_CAP_ACK"));
  return NetlinkSocket(std::move(fd));
}

Status NetlinkSocket::transact(const char* operation, std::string_view detail,
                               std::string& message) {
  finish_message(message, ++sequence_);
  TRY(send_to_kernel(fd_.get(), operation, detail, message));
  Acknowledgement answer;
  TRY(receive_answer(fd_.get(), operation, sequence_,
                     [&](const nlmsghdr& header, std::string_view bytes) {
                       if (header.nlmsg_type != NLMSG_ERROR) return true;
                       answer = parse_acknowledgement(bytes);
                       return false;
                     }));
  if (answer.errno_value != 0) return refused(operation, detail, answer);
  return {};
}

Result<std::vector<std::string>> NetlinkSocket::dump(const char* operation, std::string& message) {
  std::vector<std::string> answers;
  TRY(dump_each(operation, message, [&](std::string_view bytes) { answers.emplace_back(bytes); }));
  return answers;
}

Status NetlinkSocket::dump_each(const char* operation, std::string& message,
                                const std::function<void(std::string_view)>& take) {
  finish_message(message, ++sequence_);
  TRY(send_to_kernel(fd_.get(), operation, "", message));
  Acknowledgement error;
  TRY(receive_answer(fd_.get(), operation, sequence_,
                     [&](const nlmsghdr& header, std::string_view bytes) {
                       if (header.nlmsg_type == NLMSG_DONE) return false;
                       if (header.nlmsg_type == NLMSG_ERROR) {
                         error = parse_acknowledgement(bytes);
                         return false;
                       }
                       take(bytes);
                       return true;
                     }));
  if (error.errno_value != 0) return refused(operation, "", error);
  return {};
}

Result<std::vector<Link>> NetlinkSocket::links() {
  auto message = link_message(RTM_GETLINK, kDump, 0);
  std::vector<Link> links;
  for (const auto& answer : TRY(dump("list links", message))) links.push_back(parse_link(answer));
  return links;
}

Result<std::optional<Link>> NetlinkSocket::find_link(std::string_view name) {
  auto message = link_message(RTM_GETLINK, NLM_F_REQUEST, 0);
  append_name(message, IFLA_IFNAME, name);
  finish_message(message, ++sequence_);
  TRY(send_to_kernel(fd_.get(), "get link", name, message));
  std::optional<Link> link;
  Acknowledgement error;
  TRY(receive_answer(fd_.get(), "get link", sequence_,
                     [&](const nlmsghdr& header, std::string_view bytes) {
                       if (header.nlmsg_type == NLMSG_ERROR) error = parse_acknowledgement(bytes);
                       if (header.nlmsg_type == RTM_NEWLINK) link = parse_link(bytes);
                       return false;
                     }));
  if (error.errno_value == ENODEV) return std::optional<Link>();
  if (error.errno_value != 0) return refused("get link", name, error);
  return link;
}

Result<std::vector<Address>> NetlinkSocket::addresses() {
  ifaddrmsg info{};
  info.ifa_family = AF_INET;
  auto message = start_message(RTM_GETADDR, kDump, info);
  std::vector<Address> addresses;
  for (const auto& answer : TRY(dump("list addresses", message))) {
    std::string_view bytes(answer);
    auto head = read_value<ifaddrmsg>(bytes.substr(NLMSG_HDRLEN));
    auto attributes = parse_attributes(bytes.substr(NLMSG_SPACE(sizeof head)));
    auto local = static_cast<uint32_t>(int_of(attributes, IFA_LOCAL));
    addresses.push_back(
        {static_cast<int>(head.ifa_index), Ipv4Net{{ntohl(local)}, head.ifa_prefixlen}});
  }
  return addresses;
}

Status NetlinkSocket::add_bridge(std::string_view name, const Mac& mac, int mtu) {
  auto message = link_message(RTM_NEWLINK, kCreate, 0);
  append_name(message, IFLA_IFNAME, name);
  append_value(message, IFLA_ADDRESS, mac);
  append_value(message, IFLA_MTU, mtu);
  append_attribute(message, IFLA_LINKINFO, link_info("bridge", ""));
  return transact("add bridge", name, message);
}

Status NetlinkSocket::add_veth(const VethPair& pair) {
  auto message = link_message(RTM_NEWLINK, kCreate, 0);
  append_name(message, IFLA_IFNAME, pair.name);
  append_value(message, IFLA_MTU, pair.mtu);
  if (pair.master != 0) append_value(message, IFLA_MASTER, pair.master);
  append_attribute(message, IFLA_LINKINFO, link_info("veth", peer_description(pair)));
  return transact("add veth", pair.name, message);
}

Status NetlinkSocket::delete_link(std::string_view name) {
  auto message = link_message(RTM_DELLINK, kRequest, 0);
  append_name(message, IFLA_IFNAME, name);
  auto status = transact("delete link", name, message);
  if (!status && status.error().errno_value == ENODEV) return {};
  return status;
}

Status NetlinkSocket::move_link(int link, int netns_fd, std::string_view name) {
  auto message = change_message(link, 0, 0);
  append_value(message, IFLA_NET_NS_FD, netns_fd);
  append_name(message, IFLA_IFNAME, name);
  return transact("move link", name, message);
}

// Each as the body of the message that adds it: the header and three attributes.
Result<std::vector<std::string>> NetlinkSocket::lasting_addresses(int link) {
  auto message = start_message(RTM_GETADDR, kDump, ifaddrmsg{});
  std::vector<std::string> lasting;
  for (const auto& answer : TRY(dump("list addresses", message))) {
    std::string_view bytes(answer);
    auto head = read_value<ifaddrmsg>(bytes.substr(NLMSG_HDRLEN));
    auto attributes = parse_attributes(bytes.substr(NLMSG_SPACE(sizeof head)));
    auto flags = static_cast<unsigned>(int_of(attributes, IFA_FLAGS)) | head.ifa_flags;
    bool is_lasting = head.ifa_index == static_cast<unsigned>(link) &&
                      head.ifa_scope == RT_SCOPE_UNIVERSE && (flags & IFA_F_PERMANENT) != 0;
    if (!is_lasting) continue;
    head.ifa_flags = 0;
    std::string body;
    append_padded(body, bytes_of(head));
    for (uint16_t type : {IFA_LOCAL, IFA_ADDRESS, IFA_BROADCAST}) {
      auto found = attributes.find(type);
      if (found != attributes.end()) append_attribute(body, type, found->second);
    }
    lasting.push_back(std::move(body));
  }
  return lasting;
}

Status NetlinkSocket::add_lasting_address(int link, std::string_view address) {
  auto head = read_value<ifaddrmsg>(address);
  head.ifa_index = static_cast<unsigned>(link);
  auto message = start_message(RTM_NEWADDR, kCreate, head);
  message.append(address.substr(NLMSG_ALIGN(sizeof head)));
  return unless(Errc::kExists, transact("add address", "", message));
}

Status NetlinkSocket::set_up(int link) {
  auto message = change_message(link, IFF_UP, IFF_UP);
  return transact("set link up", fmt::format("{}", link), message);
}

Status NetlinkSocket::set_down(int link) {
  auto message = change_message(link, 0, IFF_UP);
  return transact("set link down", fmt::format("{}", link), message);
}

Status NetlinkSocket::set_master(int link, int master) {
  auto message = change_message(link, 0, 0);
  append_value(message, IFLA_MASTER, master);
  return transact("set link master", fmt::format("{}", link), message);
}

Status NetlinkSocket::set_mac(int link, const Mac& mac) {
  auto message = change_message(link, 0, 0);
  append_value(message, IFLA_ADDRESS, mac);
  return transact("set link address", fmt::format("{}", link), message);
}

Status NetlinkSocket::set_mtu(int link, int mtu) {
  auto message = change_message(link, 0, 0);
  append_value(message, IFLA_MTU, mtu);
  return transact("set link mtu", fmt::format("{}", link), message);
}

Status NetlinkSocket::set_alias(int link, std::string_view alias) {
  auto message = change_message(link, 0, 0);
  append_attribute(message, IFLA_IFALIAS, alias);
  return transact("set link alias", fmt::format("{}", link), message);
}

Status NetlinkSocket::set_bridge_port(int link, BridgePort port) {
  ifinfomsg info{};
  info.ifi_family = PF_BRIDGE;
  info.ifi_index = link;
  auto message = start_message(RTM_SETLINK, kRequest, info);
  std::string flags;
  append_value(flags, IFLA_BRPORT_ISOLATED, static_cast<uint8_t>(port.isolated));
  append_value(flags, IFLA_BRPORT_MODE, static_cast<uint8_t>(port.hairpin));
  append_attribute(message, IFLA_PROTINFO | NLA_F_NESTED, flags);
  return transact("set bridge port", fmt::format("{}", link), message);
}

Status NetlinkSocket::add_address(int link, const Ipv4Net& net) {
  auto message = address_message(RTM_NEWADDR, kCreate, link, net);
  append_value(message, IFA_BROADCAST, htonl(net.broadcast().value));
  return unless(Errc::kExists, transact("add address", to_string(net), message));
}

Status NetlinkSocket::delete_address(int link, const Ipv4Net& net) {
  auto message = address_message(RTM_DELADDR, kRequest, link, net);
  auto status = transact("delete address", to_string(net), message);
  if (!status && status.error().errno_value == EADDRNOTAVAIL) return {};
  return status;
}

Status NetlinkSocket::add_route(int link, const Ipv4Net& destination, Ipv4 gateway) {
  rtmsg route{};
  route.rtm_family = AF_INET;
  route.rtm_dst_len = static_cast<uint8_t>(destination.prefix);
  route.rtm_table = RT_TABLE_MAIN;
  route.rtm_protocol = RTPROT_STATIC;
  route.rtm_scope = RT_SCOPE_UNIVERSE;
  route.rtm_type = RTN_UNICAST;
  auto message = start_message(RTM_NEWROUTE, kCreate, route);
  if (destination.prefix > 0) append_value(message, RTA_DST, htonl(destination.network().value));
  append_value(message, RTA_GATEWAY, htonl(gateway.value));
  append_value(message, RTA_OIF, link);
  return unless(Errc::kExists, transact("add route", to_string(destination), message));
}

Status NetlinkSocket::add_default_route(int link, Ipv4 gateway) {
  return add_route(link, Ipv4Net{{0}, 0}, gateway);
}

Status NetlinkSocket::add_address(int link, const Ipv6Net& net) {
  ifaddrmsg info{};
  info.ifa_family = AF_INET6;
  info.ifa_prefixlen = static_cast<uint8_t>(net.prefix);
  info.ifa_flags = IFA_F_NODAD;
  info.ifa_index = static_cast<unsigned>(link);
  auto message = start_message(RTM_NEWADDR, kCreate, info);
  append_value(message, IFA_ADDRESS, net.address.bytes);
  return unless(Errc::kExists, transact("add address", to_string(net), message));
}

Status NetlinkSocket::add_default_route(int link, const Ipv6& gateway) {
  rtmsg route{};
  route.rtm_family = AF_INET6;
  route.rtm_table = RT_TABLE_MAIN;
  route.rtm_protocol = RTPROT_STATIC;
  route.rtm_scope = RT_SCOPE_UNIVERSE;
  route.rtm_type = RTN_UNICAST;
  route.rtm_flags = RTNH_F_ONLINK;
  auto message = start_message(RTM_NEWROUTE, kCreate, route);
  append_value(message, RTA_GATEWAY, gateway.bytes);
  append_value(message, RTA_OIF, link);
  return unless(Errc::kExists, transact("add route", "::/0", message));
}

Status NetlinkSocket::set_neighbour(int link, const Ipv6& address, const Mac& mac) {
  auto message =
      neighbour_message(RTM_NEWNEIGH, kRequest | NLM_F_CREATE | NLM_F_REPLACE, link, address);
  append_value(message, NDA_LLADDR, mac);
  return transact("set neighbour", to_string(address), message);
}

Status NetlinkSocket::delete_neighbour(int link, const Ipv6& address) {
  auto message = neighbour_message(RTM_DELNEIGH, kRequest, link, address);
  return unless(Errc::kNotFound, transact("delete neighbour", to_string(address), message));
}

}  // namespace berth::sys
