#include "logs/event_reader.h"

#include "base/text.h"
#include "logs/log_record.h"
#include "sys/file.h"

#include <algorithm>
#include <limits>

namespace berth::logs {
namespace {

constexpr size_t kIndexedFilesMax = 10000;            // remembered
constexpr uint64_t kScanBytesMax = 64 * 1024 * 1024;  // of one search
constexpr size_t kTimeDigits = 14;
constexpr size_t kIdDigits = 56;

// The digits of a stream in the ids of its events.
uint64_t digits_of(std::string_view stream) {
  uint64_t hash = 14695981039346656037ULL;  // FNV-1a
  for (char c : stream) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash % 10000000000000000ULL;
}

int64_t time_of_id(const std::string& id) {
  return static_cast<int64_t>(parse_u64(std::string_view(id).substr(0, kTimeDigits)).value_or(0));
}

struct TimeRange {
  int64_t start_ms = 0;
  int64_t end_ms = std::numeric_limits<int64_t>::max();
  bool contains(int64_t time) const { return time >= start_ms && time < end_ms; }
};

// A block that may have events of the page.
struct Candidate {
  const EventFile* file = nullptr;
  const std::string* stream = nullptr;
  Block block;
};

// The page in the making: the first events of those that were added, or the last, that fill a page,
// and one more. Of a group of any size no more than a few pages are held.
class PageEvents {
 public:
  explicit PageEvents(const EventQuery& query) : query_(query) {}

  bool wants(const std::string& id) const {
    return id > query_.after && (query_.before.empty() || id < query_.before);
  }
  void add(StoredEvent event) {
    bytes_ += event.message.size();
    events_.push_back(std::move(event));
    if (events_.size() > 2 * query_.limit + 2 || bytes_ > kHeldBytesMax) trim();
  }
  // Whether nothing of a block can be of this page any more.
  bool is_beyond(const Block& block) {
    if (events_.size() <= query_.limit && bytes_ <= kEventPageBytes) return false;
    trim();
    if (!is_full(events_.size())) return false;
    int64_t last = events_.back().timestamp_ms;
    return is_backward() ? block.max_ms < last : block.min_ms > last;
  }
  // Forgets what is behind a place that the search has not come to: it is found again.
  void cut(const std::string& place) {
    std::erase_if(events_, [&](const StoredEvent& event) {
      return is_backward() ? event.id < place : event.id > place;
    });
  }
  EventPage page() {
    trim();
    EventPage page;
    if (is_full(events_.size())) {
      events_.pop_back();  // the first of the next page
      page.next_token = events_.back().id;
    }
    page.events = std::move(events_);
    if (is_backward()) std::ranges::reverse(page.events);
    return page;
  }

 private:
  static constexpr size_t kHeldBytesMax = 4 * kEventPageBytes;

  bool is_backward() const { return query_.direction == Direction::kBackward; }

  // An id begins with the time and then follows the order in the stream.
  void trim() {
    std::ranges::sort(events_, {}, &StoredEvent::id);
    if (is_backward()) std::ranges::reverse(events_);
    size_t kept = 0;
    bytes_ = 0;
    while (kept < events_.size() && !is_full(kept)) bytes_ += events_[kept++].message.size();
    events_.resize(kept);
  }

  // `count` events of `bytes_` bytes are a page and the first of the next one.
  bool is_full(size_t count) const {
    return count > 1 && (count > query_.limit || bytes_ > kEventPageBytes);
  }

  const EventQuery& query_;
  std::vector<StoredEvent> events_;
  size_t bytes_ = 0;
};

void take_event(const Candidate& from, uint64_t offset, std::string_view line,
                const TimeRange& range, const EventQuery& query, PageEvents& events) {
  auto time = time_of_record(line);
  if (!time || !range.contains(*time)) return;
  std::string id = fmt::format("{:014}{:010}{:016}{:016}", *time, from.file->number, offset,
                               digits_of(*from.stream));
  if (!events.wants(id)) return;
  auto record = parse_log_record(line);
  if (!record) return;  // one that a death cut in its middle
  StoredEvent event;
  event.id = std::move(id);
  event.stream = *from.stream;
  event.timestamp_ms = *time;
  event.ingestion_ms = record->ingested_ms.value_or(*time);
  event.message = std::move(record->text);
  if (event.message.ends_with('\n')) event.message.pop_back();
  if (query.accepts && !query.accepts(event.message)) return;
  events.add(std::move(event));
}

// Where a search goes on that ends before `next`; nothing when it would not have come any further.
std::optional<std::string> place_before(const Candidate& next, const EventQuery& query) {
  if (query.direction == Direction::kBackward) {
    std::string place = id_before(next.block.max_ms + 1);
    return query.before.empty() || place < query.before ? std::optional(place) : std::nullopt;
  }
  std::string place = id_before(next.block.min_ms);
  return place > query.after ? std::optional(place) : std::nullopt;
}

Result<EventPage> read_page(const std::vector<Candidate>& candidates, const TimeRange& range,
                            const EventQuery& query) {
  PageEvents events(query);
  uint64_t scanned = 0;
  for (const Candidate& candidate : candidates) {
    if (events.is_beyond(candidate.block)) break;
    if (scanned >= kScanBytesMax) {
      if (auto place = place_before(candidate, query)) {
        events.cut(*place);
        EventPage page = events.page();
        if (page.next_token.empty()) page.next_token = std::move(*place);
        return page;
      }
    }
    scanned += candidate.block.size;
    TRY(read_block(*candidate.file, candidate.block, [&](uint64_t offset, std::string_view line) {
      take_event(candidate, offset, line, range, query, events);
    }));
  }
  return events.page();
}

}  // namespace

std::string id_before(int64_t timestamp_ms) {
  return fmt::format("{:014}{:0{}}", std::max<int64_t>(timestamp_ms, 0), 0,
                     kIdDigits - kTimeDigits);
}

Result<std::vector<EventReader::Indexed>> EventReader::files_of(const std::string& directory,
                                                                std::optional<int64_t> start_ms) {
  std::vector<Indexed> files;
  for (EventFile& file : TRY(event_files_of(directory))) {
    std::string key = fmt::format("{}/{}", directory, file.number);
    if (start_ms && !file.is_put && !indexes_.contains(key)) {
      // Written to for the last time before the range begins: nothing in it is of the range.
      auto st = sys::stat(file.path);
      if (st && int64_t{st->st_mtim.tv_sec} * 1000 + 1000 < *start_ms) continue;
    }
    FileIndex& index = indexes_[key];
    TRY(index.update(file));
    file.fd.reset();  // a group may have more streams than we may have descriptors
    files.push_back({std::move(file), &index});
  }
  return files;
}

// So seldom that it need not be clever.
void EventReader::make_room() {
  if (indexes_.size() > kIndexedFilesMax) indexes_.clear();
}

Result<EventPage> EventReader::read(const EventQuery& query, WallTime now) {
  make_room();
  LogGroup group = TRY(store_.find_group(query.group));
  TimeRange range;
  range.start_ms = query.start_ms.value_or(0);
  range.end_ms = query.end_ms.value_or(range.end_ms);
  if (auto oldest = oldest_kept_ms(group, now)) {
    range.start_ms = std::max(range.start_ms, *oldest);
  }
  // What a page before had is not looked at again, but for its last millisecond.
  if (!query.after.empty()) range.start_ms = std::max(range.start_ms, time_of_id(query.after));
  if (!query.before.empty()) range.end_ms = std::min(range.end_ms, time_of_id(query.before) + 1);
  std::vector<std::string> streams = query.streams;
  if (streams.empty()) {
    for (LogStreamInfo& stream : TRY(store_.list_streams(query.group, ""))) {
      streams.push_back(std::move(stream.name));
    }
  }
  std::vector<std::vector<Indexed>> files;  // by stream; the candidates point into it
  for (const std::string& stream : streams) {
    files.push_back(TRY(files_of(store_.stream_directory(query.group, stream), range.start_ms)));
  }
  std::vector<Candidate> candidates;
  for (size_t i = 0; i < streams.size(); ++i) {
    for (const Indexed& each : files[i]) {
      for (const Block& block : each.index->blocks()) {
        bool is_of_range =
            block.has_events() && block.max_ms >= range.start_ms && block.min_ms < range.end_ms;
        if (is_of_range) candidates.push_back({&each.file, &streams[i], block});
      }
    }
  }
  bool is_backward = query.direction == Direction::kBackward;
  std::ranges::sort(candidates, [&](const Candidate& a, const Candidate& b) {
    return is_backward ? a.block.max_ms > b.block.max_ms : a.block.min_ms < b.block.min_ms;
  });
  return read_page(candidates, range, query);
}

Result<StreamTimes> EventReader::times_of(const std::string& group, const std::string& stream) {
  make_room();
  StreamTimes times;
  for (const Indexed& each : TRY(files_of(store_.stream_directory(group, stream), {}))) {
    for (const Block& block : each.index->blocks()) {
      if (!block.has_events()) continue;
      times.written_ms = std::max(times.written_ms.value_or(0), each.index->written_ms());
      times.first_ms = std::min(times.first_ms.value_or(block.min_ms), block.min_ms);
      times.last_ms = std::max(times.last_ms.value_or(block.max_ms), block.max_ms);
    }
  }
  return times;
}

}  // namespace berth::logs
