// EventReader: events of a group in the order of their times, a page at a time, from either end.
//
//   the files of the streams > their blocks that have something of the range > in the order of the
//   blocks' times, until a page is full and no later block can have an earlier event
//
// An event's id is digits: its time, the number of its file, its place in it, and its stream. Ids
// are in the order of time, so a page ends with one, and the next begins behind it, whatever was
// written, rotated or removed meanwhile. A search that finds little ends after so many bytes with a
// page that is not full, and says where it goes on, as FilterLogEvents does.
//
// What it has learned of files it remembers; it belongs to one thread.
#pragma once

#include "logs/event_files.h"
#include "logs/log_store.h"

#include <functional>
#include <map>

namespace berth::logs {

constexpr size_t kEventPageMax = 10000;
constexpr size_t kEventPageBytes = 1024 * 1024;

struct StoredEvent {
  std::string id;  // unique within the group, and the same each time
  std::string stream;
  int64_t timestamp_ms = 0;
  int64_t ingestion_ms = 0;
  std::string message;  // without the newline at its end
};

enum class Direction {
  kForward,   // from the earliest on
  kBackward,  // from the latest back
};

struct EventQuery {
  std::string group;
  std::vector<std::string> streams;  // none: all
  std::optional<int64_t> start_ms;   // from here on
  std::optional<int64_t> end_ms;     // up to, and without
  size_t limit = kEventPageMax;
  Direction direction = Direction::kForward;
  std::string after;   // an id, or next_token of the page before, or "": what is behind it
  std::string before;  // likewise: what is before it
  std::function<bool(const std::string&)> accepts;  // of messages; nothing: all
};

struct EventPage {
  std::vector<StoredEvent> events;  // in the order of time
  std::string next_token;           // for `after` or `before`; "": that was all there is now
};

// Of a stream, over all its events.
struct StreamTimes {
  std::optional<int64_t> first_ms;
  std::optional<int64_t> last_ms;
  std::optional<int64_t> written_ms;  // when something was last written
};

class EventReader {
 public:
  explicit EventReader(LogStore store) : store_(std::move(store)) {}

  const LogStore& store() const { return store_; }
  // Those that are older than the group's retention are not there any more.
  Result<EventPage> read(const EventQuery& query, WallTime now);
  Result<StreamTimes> times_of(const std::string& group, const std::string& stream);

 private:
  // A file and what is in it.
  struct Indexed {
    EventFile file;
    const FileIndex* index = nullptr;
  };
  Result<std::vector<Indexed>> files_of(const std::string& directory,
                                        std::optional<int64_t> start_ms);

  void make_room();

  LogStore store_;
  std::map<std::string, FileIndex> indexes_;  // by directory and the file's number
};

// The first id that an event of that time can have, less one.
std::string id_before(int64_t timestamp_ms);

}  // namespace berth::logs
