// rtnetlink(7) in process: links, addresses, routes and neighbours. A socket acts on the network
// namespace in which it was born, whoever uses it: the shim makes one inside the task's namespace
// and hands it over, so berth never enters that namespace.
//
// Errors carry the kernel's extended acknowledgement text where it gives one.
#pragma once

#include "base/ipv4.h"
#include "base/ipv6.h"
#include "base/result.h"
#include "sys/fd.h"

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth::sys {

constexpr size_t kInterfaceNameMax = 15;  // IFNAMSIZ - 1

using Mac = std::array<uint8_t, 6>;
// "02:00:0a:1d:00:02".
std::string to_string(const Mac& mac);

struct Link {
  int index = 0;
  std::string name;
  std::string kind;   // "veth", "bridge"; "" for a device that no link type made
  std::string alias;  // ifalias: free text
  int master = 0;     // index of the bridge it is a port of, or 0
  int mtu = 0;
  bool up = false;
  Mac mac{};
};

struct Address {
  int link = 0;
  Ipv4Net net;
};

// Both ends of a new veth pair; the peer is born in `peer_netns_fd` under its final name.
struct VethPair {
  std::string name;
  std::string peer_name;
  int peer_netns_fd = -1;  // borrowed
  Mac peer_mac{};
  int mtu = 1500;
  int master = 0;  // index of the bridge that gets our end
};

struct BridgePort {
  bool isolated = false;
  bool hairpin = false;
};

// A queueing discipline of a link, tc(8); options as sys/traffic_control.h renders them.
struct Qdisc {
  int link = 0;
  std::string kind;     // "prio"
  uint32_t parent = 0;  // the class that it serves; 0: the root of the link
  uint32_t handle = 0;  // 0: the kernel chooses
  std::string options;
};

// What decides to which class of the discipline `parent` a packet goes.
struct TrafficFilter {
  int link = 0;
  std::string kind;  // "u32"
  uint32_t parent = 0;
  uint32_t handle = 0;
  uint16_t priority = 0;  // the lowest is asked first; filters of one priority have one protocol
  uint16_t protocol = 0;  // ETH_P_IP
  std::string options;
};

struct ConnectionSource;

class NetlinkSocket {
 public:
  // Born in the calling thread's network namespace.
  static Result<NetlinkSocket> open();
  // Of NETLINK_NETFILTER, for sys/nftables.h and sys/conntrack.h; likewise born here.
  static Result<NetlinkSocket> open_netfilter();
  // Takes over a netlink socket, wherever it was born: of NETLINK_ROUTE for all that follows.
  static Result<NetlinkSocket> adopt(Fd fd);

  int fd() const { return fd_.get(); }
  Fd release() { return std::move(fd_); }

  Result<std::vector<Link>> links();
  // Nothing when there is no such link.
  Result<std::optional<Link>> find_link(std::string_view name);
  Result<std::vector<Address>> addresses();

  // kExists when the name is taken.
  Status add_bridge(std::string_view name, const Mac& mac, int mtu);
  Status add_veth(const VethPair& pair);
  // Missing is success.
  Status delete_link(std::string_view name);

  // Into another network namespace under this name, which must be free there; the kernel takes it
  // down and its addresses away.
  Status move_link(int link, int netns_fd, std::string_view name);
  // The link's permanent addresses of global scope, of any family; to be added as they are.
  Result<std::vector<std::string>> lasting_addresses(int link);
  Status add_lasting_address(int link, std::string_view address);

  Status set_up(int link);
  Status set_down(int link);
  Status set_master(int link, int master);
  Status set_mac(int link, const Mac& mac);
  Status set_mtu(int link, int mtu);
  Status set_alias(int link, std::string_view alias);
  Status set_bridge_port(int link, BridgePort port);

  // Already there is success, for addresses and routes.
  Status add_address(int link, const Ipv4Net& net);
  Status delete_address(int link, const Ipv4Net& net);
  Status add_route(int link, const Ipv4Net& destination, Ipv4 gateway);
  Status add_default_route(int link, Ipv4 gateway);

  // Usable at once: nobody is asked whether it is a duplicate (RFC 4862, 5.4).
  Status add_address(int link, const Ipv6Net& net);
  // The gateway is on this link although no network of the link has it (RTNH_F_ONLINK).
  Status add_default_route(int link, const Ipv6& gateway);
  // For as long as the link is up; takes the place of what was known of the address.
  Status set_neighbour(int link, const Ipv6& address, const Mac& mac);
  // Missing is success.
  Status delete_neighbour(int link, const Ipv6& address);

  // Where packets to everywhere leave: of IPv4 and of IPv6 the link with the least metric.
  Result<std::vector<int>> default_route_links();

  // kNotFound when the kernel has no such kind, kExists when somebody has put one there.
  Status add_qdisc(const Qdisc& qdisc);
  Result<std::vector<Qdisc>> qdiscs(int link);
  // With all below it; the link then has its default again.
  Status delete_root_qdisc(int link, uint32_t handle);
  Status add_filter(const TrafficFilter& filter);

 private:
  friend Result<size_t> forget_connections_of(const ConnectionSource& source,
                                              uint32_t few);  // sys/conntrack.cc

  explicit NetlinkSocket(Fd fd) : fd_(std::move(fd)) {}
  Status transact(const char* operation, std::string_view detail, std::string& message);
  Result<std::vector<std::string>> dump(const char* operation, std::string& message);
  // The same one by one, for more than anybody wants to hold; no question may be asked meanwhile.
  Status dump_each(const char* operation, std::string& message,
                   const std::function<void(std::string_view)>& take);

  Fd fd_;
  uint32_t sequence_ = 0;
};

}  // namespace berth::sys
