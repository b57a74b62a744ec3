#include "agent/log_store.h"

#include "agent/log_tail.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "runtime/log_file.h"
#include "sys/file.h"

#include <fcntl.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace berth::agent {
namespace {

using StoreJson = nlohmann::ordered_json;

constexpr int kLogStoreVersion = 1;
constexpr size_t kLogNameMax = 512;   // CloudWatch Logs'
constexpr size_t kFileNameMax = 200;  // of an encoded name: ext4 takes 255
constexpr size_t kMemberFileMax = 64 * 1024;
constexpr size_t kPageBytesMax = 1024 * 1024;  // of a page of events, as FilterLogEvents'
constexpr size_t kStoreChunk = 64 * 1024;
constexpr const char* kEventsBase = "events.log";
constexpr int64_t kDayMs = 86400000;
constexpr int64_t kRetentions[] = {1,   3,   5,   7,   14,   30,   60,   90,   120,  150,  180,
                                   365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653};

std::string encoded(std::string_view name) {
  std::string out;
  uint64_t hash = 14695981039346656037ULL;  // FNV-1a
  for (char c : name) {
    auto byte = static_cast<unsigned char>(c);
    hash = (hash ^ byte) * 1099511628211ULL;
    bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '-' || c == '_' || (c == '.' && !out.empty());
    out += is_plain ? std::string(1, c) : fmt::format("%{:02X}", byte);
  }
  if (out.size() <= kFileNameMax) return out;
  return fmt::format("{}~{:016x}", out.substr(0, kFileNameMax), hash);
}

int64_t milliseconds_of(WallTime time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

// "2026-11-22T20:56:41.123456789Z", as format_rfc3339 writes it.
std::optional<int64_t> parse_milliseconds(std::string_view time) {
  constexpr std::array<std::pair<size_t, size_t>, 7> kParts = {
      std::pair<size_t, size_t>{0, 4}, {5, 2}, {8, 2}, {11, 2}, {14, 2}, {17, 2}, {20, 3}};
  std::array<int, 7> parts{};
  if (time.size() < 24) return std::nullopt;
  for (size_t i = 0; i < kParts.size(); ++i) {
    std::string_view text = time.substr(kParts[i].first, kParts[i].second);
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), parts[i]);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  }
  auto date = std::chrono::year(parts[0]) / parts[1] / parts[2];
  auto days = std::chrono::sys_days(date).time_since_epoch().count();
  return ((int64_t{days} * 24 + parts[3]) * 60 + parts[4]) * 60000 + int64_t{parts[5]} * 1000 +
         parts[6];
}

Result<json::Document> read_member(const std::string& path) {
  std::string text = TRY(sys::read_file(path, kMemberFileMax));
  return json::Document::parse(text, {.name = path});
}

Result<LogGroup> read_group(const std::string& path) {
  auto document = TRY(read_member(path));
  LogGroup group;
  group.name = TRY(document.root().string_at("name"));
  group.creation_time_ms = TRY(document.root().i64_at("creationTime"));
  group.retention_days = TRY(document.root().find_i64("retentionInDays"));
  return group;
}

Result<std::vector<std::string>> names_beneath(const std::string& directory) {
  if (!sys::exists(directory)) return std::vector<std::string>();
  return sys::list_directory(directory);
}

// A file of events, and where it stands among those of its stream.
struct Segment {
  std::string path;
  uint64_t number = 0;
};

// The oldest first. The current file has no number yet: it will have the next one.
Result<std::vector<Segment>> segments_of(const std::string& directory) {
  std::vector<Segment> segments;
  uint64_t newest = 0;
  for (const std::string& name : TRY(names_beneath(directory))) {
    auto rotated = runtime::parse_rotated_log(name, kEventsBase);
    if (!rotated) continue;
    segments.push_back({directory + "/" + name, rotated->number});
    newest = std::max(newest, rotated->number);
  }
  std::ranges::sort(segments, {}, &Segment::number);
  std::string current = directory + "/" + kEventsBase;
  if (sys::exists(current)) segments.push_back({current, newest + 1});
  return segments;
}

struct TimeRange {
  int64_t start_ms = 0;
  int64_t end_ms = 0;
  bool contains(int64_t time) const { return time >= start_ms && time < end_ms; }
};

// The first events behind `after`, in the order of their ids, that fill a page and one more: of a
// group of any size no more than a few pages are held.
class PageEvents {
 public:
  PageEvents(std::string after, size_t limit) : after_(std::move(after)), limit_(limit) {}

  void add(StoredEvent event) {
    if (event.id <= after_) return;
    bytes_ += event.message.size();
    events_.push_back(std::move(event));
    if (events_.size() > 2 * limit_ + 2 || bytes_ > kHeldBytesMax) trim();
  }

  EventPage page() {
    trim();
    EventPage page;
    if (!is_full(events_.size())) {
      page.events = std::move(events_);
      return page;
    }
    events_.pop_back();  // the first of the next page
    page.next_token = events_.back().id;
    page.events = std::move(events_);
    return page;
  }

 private:
  static constexpr size_t kHeldBytesMax = 4 * kPageBytesMax;

  // An id begins with the time and then follows the order in the stream.
  void trim() {
    std::ranges::sort(events_, {}, &StoredEvent::id);
    size_t kept = 0;
    bytes_ = 0;
    while (kept < events_.size() && !is_full(kept)) bytes_ += events_[kept++].message.size();
    events_.resize(kept);
  }

  // `count` events of `bytes_` bytes are a page and the first of the next one.
  bool is_full(size_t count) const {
    return count > 1 && (count > limit_ || bytes_ > kPageBytesMax);
  }

  std::string after_;
  size_t limit_;
  std::vector<StoredEvent> events_;
  size_t bytes_ = 0;
};

// Reads the events of a file that are in a range of time.
class SegmentReader {
 public:
  SegmentReader(std::string stream, TimeRange range, PageEvents& events)
      : stream_(std::move(stream)), range_(range), events_(events) {}

  Status read(const Segment& segment) {
    auto fd = sys::open(segment.path, O_RDONLY);
    if (!fd && fd.error().code == Errc::kNotFound) return {};  // expired just now
    if (!fd) return tl::unexpected<Error>(std::move(fd).error());
    std::string pending;
    std::string chunk(kStoreChunk, '\0');
    uint64_t offset = 0;
    while (true) {
      size_t got = TRY(sys::read_some(fd->get(), chunk.data(), chunk.size()));
      if (got == 0) return {};
      pending.append(chunk, 0, got);
      size_t start = 0;
      for (size_t end = pending.find('\n'); end != std::string::npos;
           end = pending.find('\n', start)) {
        take(segment.number, offset + start, std::string_view(pending).substr(start, end - start));
        start = end + 1;
      }
      pending.erase(0, start);
      offset += start;
    }
  }

 private:
  void take(uint64_t number, uint64_t offset, std::string_view line) {
    auto record = parse_log_record(line);
    if (!record) return;  // one that a death cut in its middle
    auto time = parse_milliseconds(record->time);
    if (!time || !range_.contains(*time)) return;
    StoredEvent event;
    event.id = fmt::format("{:014}{:010}{:016}{}", *time, number, offset, encoded(stream_));
    event.stream = stream_;
    event.timestamp_ms = *time;
    event.message = std::move(record->text);
    if (event.message.ends_with('\n')) event.message.pop_back();
    events_.add(std::move(event));
  }

  std::string stream_;
  TimeRange range_;
  PageEvents& events_;
};

// The time that an id begins with.
int64_t time_of_id(const std::string& id) {
  return static_cast<int64_t>(parse_u64(std::string_view(id).substr(0, 14)).value_or(0));
}

}  // namespace

bool is_log_retention(int64_t days) {
  return std::ranges::find(kRetentions, days) != std::end(kRetentions);
}

Status check_log_group_name(std::string_view name) {
  constexpr std::string_view kMore = ".-_/#";
  bool good =
      !name.empty() && name.size() <= kLogNameMax &&
      std::ranges::all_of(name, [&](unsigned char c) {
        return std::isalnum(c) != 0 || kMore.find(static_cast<char>(c)) != std::string_view::npos;
      });
  if (good) return {};
  return fail(Errc::kInvalid,
              "log group '{}': a name is 1 to 512 letters, digits, '.', '-', '_', '/' and '#'",
              printable(name, 80));
}

Status check_log_stream_name(std::string_view name) {
  bool good = !name.empty() && name.size() <= kLogNameMax &&
              name.find_first_of(":*") == std::string_view::npos;
  if (good) return {};
  return fail(Errc::kInvalid, "log stream '{}': a name is 1 to 512 characters without ':' and '*'",
              printable(name, 80));
}

LogStore::LogStore(const std::string& root, const std::string& region)
    : directory_(root + "/log-groups/" + encoded(region)) {}

std::string LogStore::group_directory(const std::string& group) const {
  return directory_ + "/" + encoded(group);
}

std::string LogStore::streams_directory(const std::string& group) const {
  return group_directory(group) + "/streams";
}

std::string LogStore::stream_directory(const std::string& group, const std::string& stream) const {
  return streams_directory(group) + "/" + encoded(stream);
}

std::string LogStore::events_path(const std::string& group, const std::string& stream) const {
  return stream_directory(group, stream) + "/" + kEventsBase;
}

Status LogStore::write_group(const LogGroup& group) const {
  StoreJson json = {{"version", kLogStoreVersion},
                    {"name", group.name},
                    {"creationTime", group.creation_time_ms}};
  if (group.retention_days) json["retentionInDays"] = *group.retention_days;
  return sys::write_atomic(group_directory(group.name) + "/group.json", json.dump() + "\n", 0640);
}

Status LogStore::create_group(const std::string& group, WallTime now) const {
  TRY(check_log_group_name(group));
  if (find_group(group)) {
    return fail(Errc::kExists, "log group {}: The specified log group already exists", group);
  }
  TRY(sys::make_directories(streams_directory(group), 0711));
  LogGroup made;
  made.name = group;
  made.creation_time_ms = milliseconds_of(now);
  return write_group(made);
}

Result<LogGroup> LogStore::find_group(const std::string& group) const {
  auto found = read_group(group_directory(group) + "/group.json");
  if (found || found.error().code != Errc::kNotFound) return found;
  return fail(Errc::kNotFound, "The specified log group does not exist.");
}

Result<std::vector<LogGroup>> LogStore::list_groups(const std::string& prefix) const {
  std::vector<LogGroup> groups;
  for (const std::string& name : TRY(names_beneath(directory_))) {
    auto group = read_group(directory_ + "/" + name + "/group.json");
    if (!group) continue;  // it is being made, or goes
    if (group->name.starts_with(prefix)) groups.push_back(std::move(*group));
  }
  std::ranges::sort(groups, {}, &LogGroup::name);
  return groups;
}

Status LogStore::set_retention(const std::string& group, std::optional<int64_t> days) const {
  LogGroup changed = TRY(find_group(group));
  changed.retention_days = days;
  return write_group(changed);
}

// The record goes first: a group without one is none, and is made anew over what may be left.
Status LogStore::delete_group(const std::string& group) const {
  TRY(find_group(group));
  TRY(sys::remove_file(group_directory(group) + "/group.json"));
  return sys::remove_tree(group_directory(group));
}

Status LogStore::create_stream(const std::string& group, const std::string& stream,
                               WallTime now) const {
  TRY(find_group(group));
  TRY(check_log_stream_name(stream));
  std::string record = stream_directory(group, stream) + "/stream.json";
  if (sys::exists(record)) return {};
  TRY(sys::make_directories(stream_directory(group, stream), 0711));
  StoreJson json = {
      {"version", kLogStoreVersion}, {"name", stream}, {"creationTime", milliseconds_of(now)}};
  return sys::write_atomic(
      record, json.dump(-1, ' ', false, StoreJson::error_handler_t::replace) + "\n", 0640);
}

Result<std::vector<LogStreamInfo>> LogStore::list_streams(const std::string& group,
                                                          const std::string& prefix) const {
  TRY(find_group(group));
  std::vector<LogStreamInfo> streams;
  std::string directory = streams_directory(group);
  for (const std::string& name : TRY(names_beneath(directory))) {
    auto document = read_member(directory + "/" + name + "/stream.json");
    if (!document) continue;
    LogStreamInfo stream;
    stream.name = TRY(document->root().string_at("name"));
    stream.creation_time_ms = TRY(document->root().i64_at("creationTime"));
    if (!stream.name.starts_with(prefix)) continue;
    for (const Segment& segment : TRY(segments_of(directory + "/" + name))) {
      auto st = sys::stat(segment.path);
      if (st) stream.stored_bytes += static_cast<uint64_t>(st->st_size);
    }
    streams.push_back(std::move(stream));
  }
  std::ranges::sort(streams, {}, &LogStreamInfo::name);
  return streams;
}

Result<EventPage> LogStore::read_events(const EventQuery& query, WallTime now) const {
  LogGroup group = TRY(find_group(query.group));
  TimeRange range;
  range.start_ms = query.start_ms.value_or(0);
  range.end_ms = query.end_ms.value_or(std::numeric_limits<int64_t>::max());
  if (group.retention_days) {
    range.start_ms =
        std::max(range.start_ms, milliseconds_of(now) - *group.retention_days * kDayMs);
  }
  std::vector<std::string> streams = query.streams;
  if (streams.empty()) {
    for (const LogStreamInfo& stream : TRY(list_streams(query.group, ""))) {
      streams.push_back(stream.name);
    }
  }
  // What a page before had is not looked at again, but for its last millisecond.
  range.start_ms = std::max(range.start_ms, time_of_id(query.after));
  PageEvents events(query.after, query.limit);
  for (const std::string& stream : streams) {
    SegmentReader reader(stream, range, events);
    for (const Segment& segment : TRY(segments_of(stream_directory(query.group, stream)))) {
      auto st = sys::stat(segment.path);
      // Written to for the last time before the range begins: nothing in it is of the range.
      bool is_older = st && int64_t{st->st_mtim.tv_sec} * 1000 + 1000 < range.start_ms;
      if (!is_older) TRY(reader.read(segment));
    }
  }
  return events.page();
}

Status LogStore::expire(WallTime now) const {
  for (const LogGroup& group : TRY(list_groups(""))) {
    if (!group.retention_days) continue;
    int64_t oldest_ms = milliseconds_of(now) - *group.retention_days * kDayMs;
    std::string streams = streams_directory(group.name);
    for (const std::string& name : TRY(names_beneath(streams))) {
      std::string directory = streams + "/" + name;
      std::vector<Segment> segments = TRY(segments_of(directory));
      // The newest rotated one stays: its number says which one the current file will have.
      auto is_rotated = [](const Segment& segment) { return !segment.path.ends_with(kEventsBase); };
      auto newest = std::find_if(segments.rbegin(), segments.rend(), is_rotated);
      for (const Segment& segment : segments) {
        auto st = sys::stat(segment.path);
        bool is_over = st && int64_t{st->st_mtim.tv_sec} * 1000 + 1000 < oldest_ms;
        bool is_kept = !is_rotated(segment) || segment.number == newest->number;
        if (is_over && !is_kept) TRY(sys::remove_file(segment.path));
      }
    }
  }
  return {};
}

Status expire_log_groups(const std::string& root, WallTime now) {
  for (const std::string& region : TRY(names_beneath(root + "/log-groups"))) {
    TRY(LogStore(root, region).expire(now));
  }
  return {};
}

}  // namespace berth::agent
