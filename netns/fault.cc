#include "netns/fault.h"

#include "netns/nft_program.h"
#include "sys/nftables.h"
#include "sys/traffic_control.h"

#include <linux/if_ether.h>

#include <algorithm>

namespace berth::netns {
namespace {

using sys::NftFamily;
using sys::traffic_class;

constexpr int kRootBands = 3;
constexpr uint8_t kUntouched = 3;         // the class of what is not hit
constexpr int kLayerBands = 10;           // of ten: a percentage is two digits
constexpr uint16_t kMajorFirst = 0x7000;  // below 0x8000, where those begin that the kernel chooses
constexpr uint16_t kMajorEnd = 0x8000;
constexpr uint16_t kMajorsOfOne = 4;  // the root's, and those of the layers, behind it

std::string match_of(const BlackHole& hole) {
  return fmt::format("{} dport {}", name_of(hole.protocol), hole.port);
}

std::string spare(const IpNet& net, std::string_view side) {
  return fmt::format("    {} {} {} accept\n", net.is_v6 ? "ip6" : "ip", side, to_string(net));
}

std::string netem_of(const Impairment& impairment) {
  return sys::netem_options({.delay = impairment.delay,
                             .jitter = impairment.jitter,
                             .loss_percent = impairment.loss_percent});
}

// Ten classes, between which connections are spread; the first `hit` of them get the fault.
void add_layer(ImpairmentPlan& plan, uint32_t parent, uint16_t major, int hit,
               const std::string& netem) {
  plan.qdiscs.push_back({.kind = "prio",
                         .parent = parent,
                         .handle = traffic_class(major, 0),
                         .options = sys::prio_options(kLayerBands, kUntouched)});
  for (int i = 1; i <= hit; ++i) {
    plan.qdiscs.push_back({.kind = "netem",
                           .parent = traffic_class(major, static_cast<uint16_t>(i)),
                           .options = netem});
  }
  plan.filters.push_back({.kind = "flow",
                          .parent = traffic_class(major, 0),
                          .handle = 1,
                          .priority = 1,
                          .protocol = ETH_P_ALL,
                          .options = sys::flow_options(kLayerBands, traffic_class(major, 1))});
}

// Each version of IP has priorities of its own: filters of one priority have one protocol.
void add_destinations(ImpairmentPlan& plan, uint16_t major, const std::vector<IpNet>& nets,
                      uint16_t band, uint16_t priority) {
  for (const IpNet& net : nets) {
    plan.filters.push_back({.kind = "u32",
                            .parent = traffic_class(major, 0),
                            .priority = static_cast<uint16_t>(priority + (net.is_v6 ? 1 : 0)),
                            .protocol = static_cast<uint16_t>(net.is_v6 ? ETH_P_IPV6 : ETH_P_IP),
                            .options = sys::destination_options(net, traffic_class(major, band))});
  }
}

bool is_impairment_root(const sys::Qdisc& qdisc) {
  uint16_t major = sys::traffic_major(qdisc.handle);
  return qdisc.parent == 0 && qdisc.kind == "prio" && major >= kMajorFirst && major < kMajorEnd;
}

// Of the kernel's "no such kind" we know which it was.
Status explain_missing(Status status, const std::string& kind, const char* module_prefix) {
  if (status || status.error().code != Errc::kNotFound) return status;
  return fail(Errc::kUnavailable,
              "the kernel of this host has no traffic control of kind {} (module {}_{}): {}", kind,
              module_prefix, kind, status.error().text);
}

Status add_qdisc(int link, sys::Qdisc qdisc, sys::NetlinkSocket& netlink) {
  qdisc.link = link;
  return explain_missing(netlink.add_qdisc(qdisc), qdisc.kind, "sch");
}

Status add_below_root(int link, const ImpairmentPlan& plan, sys::NetlinkSocket& netlink) {
  for (size_t i = 1; i < plan.qdiscs.size(); ++i) TRY(add_qdisc(link, plan.qdiscs[i], netlink));
  for (sys::TrafficFilter filter : plan.filters) {
    filter.link = link;
    TRY(explain_missing(netlink.add_filter(filter), filter.kind, "cls"));
  }
  return {};
}

}  // namespace

const char* name_of(TrafficDirection direction) {
  return direction == TrafficDirection::kIngress ? "ingress" : "egress";
}

std::string black_hole_table(std::string_view prefix, const BlackHole& hole) {
  return fmt::format("{}_{}_{}_{}", prefix, name_of(hole.direction), name_of(hole.protocol),
                     hole.port);
}

std::string render_black_hole(const std::string& table, const BlackHole& hole,
                              const SparedAddress& endpoint) {
  bool is_ingress = hole.direction == TrafficDirection::kIngress;
  std::string text = fmt::format(
      "table inet {} {{\n"
      "  chain fault {{\n"
      "    type filter hook {} priority -10; policy accept;\n"
      "    ip daddr {} tcp dport {} accept\n",
      table, is_ingress ? "input" : "output", to_string(endpoint.address), endpoint.port);
  for (const IpNet& net : hole.spared) {
    text += spare(net, "daddr");
    if (is_ingress) text += spare(net, "saddr");
  }
  return text + fmt::format("    {} drop\n  }}\n}}\n", match_of(hole));
}

Status start_black_hole(const std::string& table, const BlackHole& hole,
                        const SparedAddress& endpoint, std::vector<std::pair<int, int>> held) {
  if (TRY(black_hole_runs(table))) return {};
  return commit_rules(render_black_hole(table, hole, endpoint), std::move(held));
}

Result<bool> black_hole_runs(const std::string& table) {
  return sys::nft_table_exists({NftFamily::kInet, table});
}

Status stop_black_hole(const std::string& table) {
  return sys::delete_nft_table({NftFamily::kInet, table});
}

uint16_t impairment_major(std::string_view task_id) {
  uint32_t hash = 2166136261u;  // FNV-1a: the same in whatever build removes it
  for (unsigned char c : task_id) hash = (hash ^ c) * 16777619u;
  uint32_t count = (kMajorEnd - kMajorFirst) / kMajorsOfOne;
  return static_cast<uint16_t>(kMajorFirst + hash % count * kMajorsOfOne);
}

ImpairmentPlan plan_impairment(const Impairment& impairment, uint16_t major) {
  ImpairmentPlan plan;
  std::string netem = netem_of(impairment);
  plan.qdiscs.push_back({.kind = "prio",
                         .handle = traffic_class(major, 0),
                         .options = sys::prio_options(kRootBands, kUntouched)});
  uint32_t hit = traffic_class(major, 1);
  int tens = impairment.flows_percent / kLayerBands;
  int ones = impairment.flows_percent % kLayerBands;
  if (tens == kLayerBands) {
    plan.qdiscs.push_back({.kind = "netem", .parent = hit, .options = netem});
  } else {
    auto tens_major = static_cast<uint16_t>(major + 1);
    auto ones_major = static_cast<uint16_t>(major + 2);
    add_layer(plan, hit, tens_major, tens, netem);
    auto next = traffic_class(tens_major, static_cast<uint16_t>(tens + 1));
    if (ones > 0) add_layer(plan, next, ones_major, ones, netem);
  }
  add_destinations(plan, major, impairment.spared, kUntouched, 1);
  add_destinations(plan, major, impairment.sources, 1, 3);
  return plan;
}

Result<std::optional<RunningImpairment>> find_impairment(int link, sys::NetlinkSocket& netlink) {
  auto qdiscs = TRY(netlink.qdiscs(link));
  auto root = std::ranges::find_if(qdiscs, is_impairment_root);
  if (root == qdiscs.end()) return std::optional<RunningImpairment>();
  uint16_t major = sys::traffic_major(root->handle);
  for (const sys::Qdisc& each : qdiscs) {
    uint16_t of = sys::traffic_major(each.parent);
    if (each.kind != "netem" || of < major || of >= major + kMajorsOfOne) continue;
    auto kind =
        sys::netem_loses(each.options) ? Impairment::Kind::kLoss : Impairment::Kind::kLatency;
    return std::optional(RunningImpairment{kind, major});
  }
  return std::optional<RunningImpairment>();
}

Status start_impairment(int link, const ImpairmentPlan& plan, sys::NetlinkSocket& netlink) {
  const sys::Qdisc& root = plan.qdiscs.front();
  uint16_t major = sys::traffic_major(root.handle);
  // Half of one, if somebody was killed while he made it.
  TRY(stop_impairment(link, major, netlink));
  TRY(add_qdisc(link, root, netlink));
  auto added = add_below_root(link, plan, netlink);
  if (added) return {};
  (void)stop_impairment(link, major, netlink);  // why it failed is what counts
  return added;
}

Status stop_impairment(int link, uint16_t major, sys::NetlinkSocket& netlink) {
  for (const sys::Qdisc& each : TRY(netlink.qdiscs(link))) {
    if (!is_impairment_root(each) || sys::traffic_major(each.handle) != major) continue;
    return netlink.delete_root_qdisc(link, each.handle);
  }
  return {};
}

}  // namespace berth::netns
