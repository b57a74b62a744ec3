// Faults in a network, as ECS's fault injection has them: packets to a port that vanish, packets to
// some networks that come late or not at all. Values first; what makes and removes them acts on the
// network namespace of the calling thread, and may run twice.
//
//   black hole     a table of nftables for each: that it is there says that the fault runs
//   impairment     on a link, one at a time:
//
//     R: prio ---- R:1 what goes to `sources` ---- netem                     all connections
//          |                                \---- prio, prio, netem         a percentage of them
//          |------ R:3 everything else, and what goes to `spared`
//
// A percentage is told by hashes of connections: of ten classes, and of ten classes of one of
// those, so many get a netem.
#pragma once

#include "base/env.h"
#include "base/ip_net.h"
#include "base/ipv4.h"
#include "base/result.h"
#include "netns/plan.h"
#include "sys/netlink.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace berth::netns {

enum class TrafficDirection { kIngress, kEgress };
const char* name_of(TrafficDirection direction);

struct BlackHole {
  TrafficDirection direction = TrafficDirection::kIngress;
  Protocol protocol = Protocol::kTcp;
  uint16_t port = 0;
  std::vector<IpNet> spared;  // by either address of a packet
  bool operator==(const BlackHole&) const = default;
};

// An address and port that no black hole swallows: the task's endpoint, which must hear of the end
// of the fault.
struct SparedAddress {
  Ipv4 address;
  uint16_t port = 0;
};

struct Impairment {
  enum class Kind { kLatency, kLoss };
  Kind kind = Kind::kLatency;
  Duration delay{};
  Duration jitter{};
  int loss_percent = 0;
  std::vector<IpNet> sources;  // whither packets go that are hit; the name is ECS's
  std::vector<IpNet> spared;
  int flows_percent = 100;
  bool operator==(const Impairment&) const = default;
};

// What the table of a black hole is called; `prefix` tells whose it is.
std::string black_hole_table(std::string_view prefix, const BlackHole& hole);
// Pure.
std::string render_black_hole(const std::string& table, const BlackHole& hole,
                              const SparedAddress& endpoint);
// `held` as in commit_rules().
Status start_black_hole(const std::string& table, const BlackHole& hole,
                        const SparedAddress& endpoint, std::vector<std::pair<int, int>> held);
Result<bool> black_hole_runs(const std::string& table);
Status stop_black_hole(const std::string& table);

// The root discipline of whose impairments: by its number they are known, from others' disciplines
// and from each other.
uint16_t impairment_major(std::string_view task_id);

struct ImpairmentPlan {
  std::vector<sys::Qdisc> qdiscs;  // in this order; of link 0
  std::vector<sys::TrafficFilter> filters;
};
// Pure.
ImpairmentPlan plan_impairment(const Impairment& impairment, uint16_t major);

// That runs on the link, whoever started it.
struct RunningImpairment {
  Impairment::Kind kind = Impairment::Kind::kLatency;
  uint16_t major = 0;
};
Result<std::optional<RunningImpairment>> find_impairment(int link, sys::NetlinkSocket& netlink);
// All of it, or an error and nothing. kExists when the link has a discipline that somebody chose,
// kUnavailable when the kernel knows not all that it takes.
Status start_impairment(int link, const ImpairmentPlan& plan, sys::NetlinkSocket& netlink);
Status stop_impairment(int link, uint16_t major, sys::NetlinkSocket& netlink);

}  // namespace berth::netns
