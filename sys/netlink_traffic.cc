// The part of NetlinkSocket that tc(8) and `ip route` would do: queueing disciplines, filters, and
// where packets to everywhere leave.
#include "sys/netlink.h"
#include "sys/netlink_message.h"

#include <arpa/inet.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <limits>
#include <map>

namespace berth::sys {
namespace {

constexpr uint16_t kTrafficCreate = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;

tcmsg traffic_body(int link, uint32_t parent, uint32_t handle) {
  tcmsg body{};
  body.tcm_family = AF_UNSPEC;
  body.tcm_ifindex = link;
  body.tcm_parent = parent;
  body.tcm_handle = handle;
  return body;
}

std::string class_text(uint32_t handle) {
  return handle == TC_H_ROOT ? "root" : fmt::format("{:x}:{:x}", handle >> 16, handle & 0xffff);
}

}  // namespace

Status NetlinkSocket::add_qdisc(const Qdisc& qdisc) {
  uint32_t parent = qdisc.parent == 0 ? TC_H_ROOT : qdisc.parent;
  auto message =
      start_message(RTM_NEWQDISC, kTrafficCreate, traffic_body(qdisc.link, parent, qdisc.handle));
  append_name(message, TCA_KIND, qdisc.kind);
  append_attribute(message, TCA_OPTIONS, qdisc.options);
  return transact("add queueing discipline",
                  fmt::format("{} at {}", qdisc.kind, class_text(parent)), message);
}

Status NetlinkSocket::delete_root_qdisc(int link, uint32_t handle) {
  auto message =
      start_message(RTM_DELQDISC, NLM_F_REQUEST | NLM_F_ACK, traffic_body(link, TC_H_ROOT, handle));
  return transact("delete queueing discipline", class_text(handle), message);
}

Result<std::vector<Qdisc>> NetlinkSocket::qdiscs(int link) {
  auto message = start_message(RTM_GETQDISC, NLM_F_REQUEST | NLM_F_DUMP, traffic_body(link, 0, 0));
  std::vector<Qdisc> found;
  for (const auto& answer : TRY(dump("list queueing disciplines", message))) {
    std::string_view bytes(answer);
    auto body = read_value<tcmsg>(bytes.substr(NLMSG_HDRLEN));
    if (body.tcm_ifindex != link) continue;  // the kernel lists those of all links
    auto attributes = parse_attributes(bytes.substr(NLMSG_SPACE(sizeof body)));
    auto kind = attributes.find(TCA_KIND);
    auto options = attributes.find(TCA_OPTIONS);
    Qdisc qdisc{.link = link, .parent = body.tcm_parent, .handle = body.tcm_handle};
    if (qdisc.parent == TC_H_ROOT) qdisc.parent = 0;
    if (kind != attributes.end()) qdisc.kind = kind->second.substr(0, kind->second.find('\0'));
    if (options != attributes.end()) qdisc.options = options->second;
    found.push_back(std::move(qdisc));
  }
  return found;
}

Status NetlinkSocket::add_filter(const TrafficFilter& filter) {
  tcmsg body = traffic_body(filter.link, filter.parent, filter.handle);
  body.tcm_info = (uint32_t{filter.priority} << 16) | htons(filter.protocol);
  auto message = start_message(RTM_NEWTFILTER, kTrafficCreate, body);
  append_name(message, TCA_KIND, filter.kind);
  append_attribute(message, TCA_OPTIONS, filter.options);
  return transact("add traffic filter",
                  fmt::format("{} at {}", filter.kind, class_text(filter.parent)), message);
}

Result<std::vector<int>> NetlinkSocket::default_route_links() {
  rtmsg body{};
  body.rtm_family = AF_UNSPEC;
  auto message = start_message(RTM_GETROUTE, NLM_F_REQUEST | NLM_F_DUMP, body);
  struct Best {
    uint32_t metric = std::numeric_limits<uint32_t>::max();
    int link = 0;
  };
  std::map<int, Best> best;  // by family
  for (const auto& answer : TRY(dump("list routes", message))) {
    std::string_view bytes(answer);
    auto route = read_value<rtmsg>(bytes.substr(NLMSG_HDRLEN));
    auto attributes = parse_attributes(bytes.substr(NLMSG_SPACE(sizeof route)));
    bool is_ip = route.rtm_family == AF_INET || route.rtm_family == AF_INET6;
    bool is_default = is_ip && route.rtm_dst_len == 0 && route.rtm_table == RT_TABLE_MAIN &&
                      route.rtm_type == RTN_UNICAST;
    auto out = attributes.find(RTA_OIF);
    if (!is_default || out == attributes.end()) continue;
    auto priority = attributes.find(RTA_PRIORITY);
    uint32_t metric = priority == attributes.end() ? 0 : read_value<uint32_t>(priority->second);
    Best& known = best[route.rtm_family];
    if (known.link == 0 || metric < known.metric) known = {metric, read_value<int>(out->second)};
  }
  std::vector<int> links;
  for (const auto& [family, each] : best) {
    if (std::ranges::find(links, each.link) == links.end()) links.push_back(each.link);
  }
  return links;
}

}  // namespace berth::sys
