#include "netns/ipam.h"

#include <algorithm>
#include <iterator>

namespace berth::netns {
namespace {

// RESERVED by ECS for the host: ssh, docker, the agent.
constexpr uint16_t kReservedPorts[] = {22, 2375, 2376, 51678, 51679, 51680};

bool is_reserved(uint16_t port) {
  return std::find(std::begin(kReservedPorts), std::end(kReservedPorts), port) !=
         std::end(kReservedPorts);
}

bool overlaps(Range a, Range b) {
  return a.first <= b.last && b.first <= a.last;
}

// Two listeners that could not live together: one port, one protocol, one address or any.
bool conflicts(const PublishedPort& a, const PublishedPort& b) {
  bool same_address = a.host_ip == b.host_ip || a.host_ip.value == 0 || b.host_ip.value == 0;
  bool overlap = a.host_port < b.host_port + b.count && b.host_port < a.host_port + a.count;
  return overlap && a.protocol == b.protocol && same_address;
}

class Allocator {
 public:
  Allocator(const Pool& pool, const std::vector<Lease>& taken)
      : pool_(pool), last_dynamic_port_(pool.last_dynamic_port) {
    for (const auto& lease : taken) {
      if (lease.uid_start) uids_.insert(*lease.uid_start);
      for (const auto& endpoint : lease.endpoints) {
        if (endpoint.address) addresses_.insert(*endpoint.address);
        ports_.insert(ports_.end(), endpoint.ports.begin(), endpoint.ports.end());
      }
    }
  }

  // After the highest taken one first, and one that nobody had yet before others: a freed address
  // rests before it is used again.
  Result<Ipv4> take_address(const Ipv4Net& net) {
    uint32_t first = net.network().value + 1;
    uint32_t last = net.broadcast().value - 1;
    uint32_t size = last - first + 1;
    auto behind = addresses_.upper_bound(Ipv4{last});
    bool has_taken = behind != addresses_.begin() && net.contains(*std::prev(behind));
    uint32_t start = has_taken ? std::prev(behind)->value - first + 1 : 0;
    std::optional<Ipv4> rested;
    for (uint32_t i = 0; i < size; ++i) {
      Ipv4 candidate{first + (start + i) % size};
      if (candidate == pool_.gateway || addresses_.contains(candidate)) continue;
      bool is_fresh = !pool_.given.contains(candidate);
      if (is_fresh || !rested) rested = candidate;
      if (is_fresh) break;
    }
    if (!rested) return fail(Errc::kExhausted, "no free address in {}", to_string(net));
    addresses_.insert(*rested);
    return *rested;
  }

  Result<PublishedPort> take_port(PublishedPort port) {
    if (port.host_port != 0) return take_fixed_port(port);
    auto [first, last] = pool_.dynamic_ports;
    bool goes_on = last_dynamic_port_ >= first && last_dynamic_port_ < last;
    uint32_t start = goes_on ? last_dynamic_port_ + 1 - first : 0;
    uint32_t size = last - first + 1;
    for (uint32_t i = 0; i < size;) {
      uint32_t at = first + (start + i) % size;
      if (at + port.count - 1 > last) {  // a block does not wrap
        i += last - at + 1;
        continue;
      }
      port.host_port = static_cast<uint16_t>(at);
      uint16_t free = TRY(count_free(port));
      if (free < port.count) {  // behind the one that is taken
        i += free + 1U;
        continue;
      }
      ports_.push_back(port);
      last_dynamic_port_ = at + port.count - 1;
      return port;
    }
    if (port.count == 1) {
      return fail(Errc::kExhausted, "no free host port between {} and {}", first, last);
    }
    return fail(Errc::kExhausted, "no {} free host ports in a row between {} and {}", port.count,
                first, last);
  }

  Result<uint32_t> take_uids() {
    for (uint32_t k = 0; k < kUidRangesMax; ++k) {
      uint32_t first = pool_.uid_base + k * kUidRange;
      Range range{first, first + kUidRange - 1};
      auto hits = [&](Range foreign) { return overlaps(range, foreign); };
      bool foreign = std::any_of(pool_.foreign_uids.begin(), pool_.foreign_uids.end(), hits);
      if (foreign || !uids_.insert(first).second) continue;
      return first;
    }
    return fail(Errc::kExhausted, "no free range of {} user ids from {}", kUidRange,
                pool_.uid_base);
  }

 private:
  // How many of the block's ports are free before the first that is not.
  Result<uint16_t> count_free(const PublishedPort& block) const {
    PublishedPort port = block;
    port.count = 1;
    for (uint16_t i = 0; i < block.count; ++i) {
      port.host_port = static_cast<uint16_t>(block.host_port + i);
      if (is_reserved(port.host_port) || is_leased(port)) return i;
      if (!TRY(pool_.port_is_free(port))) return i;
    }
    return block.count;
  }

  Result<PublishedPort> take_fixed_port(const PublishedPort& port) {
    if (is_leased(port)) {
      return fail(Errc::kExists, "host port {}/{} is published by another task", port.host_port,
                  name_of(port.protocol));
    }
    if (!TRY(pool_.port_is_free(port))) {
      return fail(Errc::kExists, "host port {}/{} is in use by another program", port.host_port,
                  name_of(port.protocol));
    }
    ports_.push_back(port);
    return port;
  }

  bool is_leased(const PublishedPort& port) const {
    return std::any_of(ports_.begin(), ports_.end(),
                       [&](const PublishedPort& other) { return conflicts(port, other); });
  }

  const Pool& pool_;
  uint32_t last_dynamic_port_;
  std::set<uint32_t> uids_;
  std::set<Ipv4> addresses_;
  std::vector<PublishedPort> ports_;
};

}  // namespace

Result<Lease> allocate(const Pool& pool, const std::vector<Lease>& taken,
                       const LeaseRequest& request) {
  Allocator allocator(pool, taken);
  Lease lease;
  lease.task_id = request.task_id;
  if (request.uid_range) lease.uid_start = TRY(allocator.take_uids());
  lease.endpoints = request.endpoints;
  for (auto& endpoint : lease.endpoints) {
    endpoint.address.reset();
    if (request.addresses) {
      endpoint.address = TRY(allocator.take_address(request.within.value_or(pool.subnet)));
    }
    // The fixed first, so that a dynamic one never takes what a later mapping names.
    for (auto& port : endpoint.ports) {
      if (port.host_port != 0) port = TRY(allocator.take_port(port));
    }
  }
  for (auto& endpoint : lease.endpoints) {
    for (auto& port : endpoint.ports) {
      if (port.host_port == 0) port = TRY(allocator.take_port(port));
    }
  }
  return lease;
}

}  // namespace berth::netns
