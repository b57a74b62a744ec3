#include "logs/live_tail.h"

#include <algorithm>

namespace berth::logs {
namespace {

int64_t tail_milliseconds(WallTime time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

// Nothing: all of them. Those that come later are there at the next look.
Result<std::optional<std::vector<std::string>>> streams_of_tail(const TailedGroup& group,
                                                                const LogStore& store) {
  if (group.streams.empty() && group.prefixes.empty()) return std::nullopt;
  std::vector<std::string> streams;
  for (const LogStreamInfo& stream : TRY(store.list_streams(group.name, ""))) {
    auto begins = [&](const std::string& prefix) { return stream.name.starts_with(prefix); };
    bool is_wanted = std::ranges::find(group.streams, stream.name) != group.streams.end() ||
                     std::ranges::any_of(group.prefixes, begins);
    if (is_wanted) streams.push_back(stream.name);
  }
  return streams;
}

}  // namespace

LiveTail::LiveTail(std::vector<TailedGroup> groups, Matcher accepts, int64_t start_ms)
    : accepts_(std::move(accepts)) {
  for (TailedGroup& group : groups) {
    places_.push_back({.group = std::move(group), .behind = id_before(start_ms)});
  }
}

Status LiveTail::look_at(Place& place, EventReader& reader, WallTime now, Tailed& tailed) {
  EventQuery query;
  query.group = place.group.name;
  auto streams = TRY(streams_of_tail(place.group, reader.store()));
  if (streams && streams->empty()) return {};
  if (streams) query.streams = std::move(*streams);
  query.accepts = accepts_;
  query.after = place.behind;
  int64_t latest_ms = 0;
  for (size_t pages = 0;; ++pages) {
    if (pages == kTailPagesMax) {
      place.told.clear();
      place.behind = std::max(query.after, id_before(tail_milliseconds(now)));
      tailed.is_sampled = true;
      return {};
    }
    EventPage page = TRY(reader.read(query, now));
    for (StoredEvent& event : page.events) {
      latest_ms = std::max(latest_ms, event.timestamp_ms);
      if (!place.told.insert(event.id).second) continue;
      tailed.events.push_back({.group = place.group.name, .event = std::move(event)});
    }
    if (page.next_token.empty()) break;
    query.after = page.next_token;
  }
  // Nobody is late by more than that, or it is not ours to tell.
  place.behind = std::max(place.behind, id_before(latest_ms - kTailSlackMs));
  place.told.erase(place.told.begin(), place.told.upper_bound(place.behind));
  while (place.told.size() > kTailToldMax) {
    place.behind = *place.told.begin();
    place.told.erase(place.told.begin());
  }
  return {};
}

Result<Tailed> LiveTail::look(EventReader& reader, WallTime now) {
  Tailed tailed;
  for (Place& place : places_) {
    auto looked = look_at(place, reader, now, tailed);
    bool has_gone = !looked && looked.error().code == Errc::kNotFound;
    if (!looked && !has_gone) return tl::unexpected<Error>(looked.error());
  }
  std::ranges::stable_sort(tailed.events, {}, [](const TailedEvent& each) -> const std::string& {
    return each.event.id;
  });
  if (tailed.events.size() > kTailedMax) {
    tailed.is_sampled = true;
    tailed.events.erase(tailed.events.begin(), tailed.events.end() - kTailedMax);
  }
  return tailed;
}

}  // namespace berth::logs
