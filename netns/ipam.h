// Who has which address, host port and range of user ids. allocate() is pure; LeaseStore keeps one
// file per task:
//
//   <root>/leases/.lock            flock(2), held for every change
//   <root>/leases/.last-port       the dynamic host port that was given last, in decimal
//   <root>/leases/.given           the addresses that were given since connections were forgotten,
//                                  a line each
//   <root>/leases/<task-id>.json   {"version":1, "taskId", "ownerPid", "ownerStart", "uidStart",
//                                   "endpoints":[{"container","address",
//                                   "ports":[{"hostIp","hostPort","containerPort","protocol",
//                                   "count" when it is not 1}],
//                                   "groups" when there are,
//                                   "proxy" when there is one (proxy_record.h)}]}
//
// A lease is written before anything it names is made, and removed after all of it is gone.
#pragma once

#include "base/result.h"
#include "netns/plan.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace berth::netns {

constexpr uint32_t kUidRange = 65536;
constexpr uint32_t kUidBase = 524288;  // the first range; above what adduser(8) hands out at first
constexpr uint32_t kUidRangesMax = 16384;
constexpr size_t kLeaseFileMax = 256 * 1024;
// After so many addresses were given back their connections are forgotten, used again or not: the
// kernel keeps an established one that nobody ends for five days.
constexpr size_t kGivenMax = 256;

struct LeasedEndpoint {
  std::string container;
  std::optional<Ipv4> address;  // nothing: host ports only (host mode)
  std::vector<PublishedPort> ports;
  std::vector<std::string> groups{};  // security groups
  std::optional<ProxyRules> proxy{};
};

struct Lease {
  std::string task_id;
  int owner_pid = 0;  // the berth process that took it, with its start time
  uint64_t owner_start = 0;
  std::optional<uint32_t> uid_start;
  std::vector<LeasedEndpoint> endpoints;
};

// host_port 0 in a port asks for a dynamic one, or so many in a row.
struct LeaseRequest {
  std::string task_id;
  bool uid_range = true;
  std::vector<LeasedEndpoint> endpoints;  // `address` ignored
  bool addresses = true;                  // one per endpoint,
  std::optional<Ipv4Net> within{};        // of this part of the pool's subnet
};

struct Range {
  uint32_t first = 0;
  uint32_t last = 0;  // inclusive
};

// What allocate() needs to know of the world.
struct Pool {
  Ipv4Net subnet;
  Ipv4 gateway;
  Range dynamic_ports{49153, 65535};
  // The scan goes on behind it and wraps, so that a freed port rests before it is used again.
  uint32_t last_dynamic_port = 0;  // 0: none was given yet
  // Somebody had these, and what he was connected to may still be known: others come first.
  std::set<Ipv4> given{};
  uint32_t uid_base = kUidBase;
  std::vector<Range> foreign_uids;  // of /etc/subuid
  // Is the host port free of other programs? (The store tries to bind it.)
  std::function<Result<bool>(const PublishedPort&)> port_is_free;
};

// kExhausted when a pool is empty, kExists when a wanted host port is taken, kInvalid when the host
// lacks the address to publish at.
Result<Lease> allocate(const Pool& pool, const std::vector<Lease>& taken,
                       const LeaseRequest& request);

// "32768\t60999": the kernel's dynamic ports; the documented fallback for anything else.
Range parse_port_range(std::string_view text);
std::vector<Range> parse_subuid(std::string_view text);
std::string render_lease(const Lease& lease);
Result<Lease> parse_lease(std::string_view text);

// Retired leases are about to be swept by somebody else; a task that is about to start profits from
// the bridge and the tables that they keep alive.
enum class Retired { kKeep, kSweep };

class LeaseStore {
 public:
  static Result<LeaseStore> open(const std::string& root, const BridgePlan& bridge);

  // Forgets the connections of all addresses of the subnet but these (apply.h: forget_all_but).
  // False: it could not, and is asked again.
  using Forget = std::function<bool(const std::set<Ipv4>& leased)>;

  // A second acquire for the same task gives the lease it has. Nothing is known of the connections
  // of an address that it gives: `forget` runs under the lock when one may be; without it (nobody
  // will use the address) it is not asked.
  Result<Lease> acquire(const LeaseRequest& request, const Forget& forget = {});
  // Idempotent. `clean` runs under the lock with the lease and those that remain, and the lease
  // goes after it: whether the task is the last cannot change in between.
  Status release(const std::string& task_id,
                 const std::function<Status(const Lease& released,
                                            const std::vector<Lease>& remaining)>& clean);
  // Retires the lease (takes its owner off it) if no other task runs, it has addresses and
  // publishes no port: what it names is then out of everybody's reach and may wait for a sweep(),
  // or serve the next task. False: it is not so; release it.
  Result<bool> retire(const std::string& task_id);
  Result<bool> has_retired();
  Result<std::vector<Lease>> list();
  // Releases every lease whose task is not in `live` and whose owner is dead. `clean` runs under
  // the lock with what remains.
  Status sweep(const std::set<std::string>& live, Retired retired,
               const std::function<Status(const std::vector<Lease>& stale,
                                          const std::vector<Lease>& remaining)>& clean);

 private:
  LeaseStore(std::string directory, BridgePlan bridge)
      : directory_(std::move(directory)), bridge_(std::move(bridge)) {}
  std::string path_of(const std::string& task_id) const;
  Result<std::vector<Lease>> read_all() const;
  Pool pool() const;
  Status note_given(const Lease& lease, const std::vector<Lease>& taken, const Pool& pool,
                    const Forget& forget) const;

  std::string directory_;
  BridgePlan bridge_;
};

}  // namespace berth::netns
