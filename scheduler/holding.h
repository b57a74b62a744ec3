// What tasks hold of a node: its processors, its memory, its ports. Room keeps the sum as tasks
// come and go, so that asking for a place costs the same however many tasks there are.
#pragma once

#include "scheduler/model.h"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace berth::scheduler {

using HostPort = std::pair<Protocol, uint16_t>;

// Tasks in awsvpc mode have ports of their own.
struct Holding {
  uint64_t cpu_units = 0;
  uint64_t memory_mib = 0;
  std::set<HostPort> ports{};
  bool operator==(const Holding&) const = default;
};

// Of a task that is to run: the ports that its definition names.
Holding holding_of(const TaskDefinition& definition);
// Of one that runs: the ports that it was given, too.
Holding holding_of(const Task& task);
void add(Holding& held, const Holding& more);

struct NodeCapacity {
  uint64_t cpu_units = 0;
  uint64_t memory_mib = 0;
  bool operator==(const NodeCapacity&) const = default;
};

// What there is too little of for one more: "RESOURCE:MEMORY"; "" for nothing.
std::string shortage_of(const NodeCapacity& capacity, const Holding& held, const Holding& wanted);

class Room {
 public:
  explicit Room(NodeCapacity capacity) : capacity_(capacity) {}

  void take(const Holding& holding);
  void give_back(const Holding& holding);

  struct Fit {
    int count = 0;
    std::string shortage{};  // of what, when it is fewer than were wanted: "RESOURCE:CPU"
  };
  // How many of `count` equal tasks there is room for.
  Fit fit(const Holding& wanted, int count) const;

  bool operator==(const Room&) const = default;

 private:
  NodeCapacity capacity_;
  uint64_t cpu_units_ = 0;
  uint64_t memory_mib_ = 0;
  std::map<HostPort, int> ports_;  // by how many tasks: it may be two while one gives way
};

}  // namespace berth::scheduler
