// LiveTail: what has come into some groups since it was last asked, as StartLiveTail tells it.
//
// Events are in the order of time, and those of several streams do not come in that order. So each
// look goes back kTailSlackMs from the latest event that was seen, and what was told already is
// known by its id. Of a flood that no look can read as a whole the rest is left out, and the next
// look begins with what is new then.
#pragma once

#include "logs/event_reader.h"
#include "logs/filter_pattern.h"

#include <set>
#include <string>
#include <vector>

namespace berth::logs {

constexpr size_t kTailedMax = 500;  // events of one look
constexpr int64_t kTailSlackMs = 10000;
constexpr size_t kTailPagesMax = 4;     // of one group, in one look
constexpr size_t kTailToldMax = 20000;  // ids of one group; of more, the earlier ones are behind us

struct TailedGroup {
  std::string name;
  // Of one group only; none of both: all.
  std::vector<std::string> streams{};
  std::vector<std::string> prefixes{};
};

struct TailedEvent {
  std::string group;
  StoredEvent event;
};

struct Tailed {
  std::vector<TailedEvent> events;
  bool is_sampled = false;  // there were more, and these are the latest
};

class LiveTail {
 public:
  // From `start_ms` on; an empty matcher takes all.
  LiveTail(std::vector<TailedGroup> groups, Matcher accepts, int64_t start_ms);

  // A group that has gone has no events.
  Result<Tailed> look(EventReader& reader, WallTime now);

 private:
  // Of one group.
  struct Place {
    TailedGroup group;
    std::string behind{};          // an id: what is up to it is not looked at any more
    std::set<std::string> told{};  // of what is after that
  };
  Status look_at(Place& place, EventReader& reader, WallTime now, Tailed& tailed);

  std::vector<Place> places_;
  Matcher accepts_;
};

}  // namespace berth::logs
