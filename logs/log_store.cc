#include "logs/log_store.h"

#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "logs/event_files.h"
#include "runtime/log_file.h"
#include "runtime/log_json_file.h"
#include "sys/file.h"
#include "sys/hole.h"

#include <fcntl.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace berth::logs {
namespace {

using StoreJson = nlohmann::ordered_json;

constexpr int kLogStoreVersion = 1;
constexpr size_t kLogNameMax = 512;   // CloudWatch Logs'
constexpr size_t kFileNameMax = 200;  // of an encoded name: ext4 takes 255
constexpr size_t kMemberFileMax = 64 * 1024;
constexpr uint64_t kPutFileBytes = 16 * 1024 * 1024;
constexpr int64_t kDayMs = 86400000;
// An event that is put may be of the future, by two hours.
constexpr int64_t kFutureMs = 2 * 3600000;
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
  if (auto tags = document.root().find("tags")) {
    for (auto& [key, value] : TRY(tags->as_string_map())) group.tags[key] = std::move(value);
  }
  return group;
}

Result<std::vector<std::string>> names_beneath(const std::string& directory) {
  if (!sys::exists(directory)) return std::vector<std::string>();
  return sys::list_directory(directory);
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

Status LogStore::update_group(const LogGroup& group) const {
  StoreJson json = {{"version", kLogStoreVersion},
                    {"name", group.name},
                    {"creationTime", group.creation_time_ms}};
  if (group.retention_days) json["retentionInDays"] = *group.retention_days;
  if (!group.tags.empty()) json["tags"] = group.tags;
  return sys::write_atomic(group_directory(group.name) + "/group.json", json.dump() + "\n", 0640);
}

Status LogStore::create_group(const LogGroup& group) const {
  TRY(check_log_group_name(group.name));
  if (find_group(group.name)) {
    return fail(Errc::kExists, "log group {}: The specified log group already exists", group.name);
  }
  TRY(sys::make_directories(streams_directory(group.name), 0711));
  return update_group(group);
}

Status LogStore::create_group(const std::string& group, WallTime now) const {
  LogGroup made;
  made.name = group;
  made.creation_time_ms = milliseconds_of(now);
  return create_group(made);
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
  return update_group(changed);
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
    for (const EventFile& file : TRY(event_files_of(directory + "/" + name))) {
      auto st = sys::stat(file.path);
      if (st) stream.stored_bytes += static_cast<uint64_t>(st->st_size);
    }
    streams.push_back(std::move(stream));
  }
  std::ranges::sort(streams, {}, &LogStreamInfo::name);
  return streams;
}

Status LogStore::find_stream(const std::string& group, const std::string& stream) const {
  TRY(find_group(group));
  if (sys::exists(stream_directory(group, stream) + "/stream.json")) return {};
  return fail(Errc::kNotFound, "The specified log stream does not exist.");
}

// As delete_group().
Status LogStore::delete_stream(const std::string& group, const std::string& stream) const {
  TRY(find_stream(group, stream));
  TRY(sys::remove_file(stream_directory(group, stream) + "/stream.json"));
  return sys::remove_tree(stream_directory(group, stream));
}

Status LogStore::put_events(const std::string& group, const std::string& stream,
                            const std::vector<PutEvent>& events, WallTime now) const {
  TRY(find_stream(group, stream));
  std::string directory = stream_directory(group, stream);
  runtime::LogFile file =
      TRY(runtime::LogFile::open({directory + "/" + kPutBase, kPutFileBytes, 0, false}));
  for (const PutEvent& event : events) {
    StoreJson json = {
        {"log", event.message},
        {"stream", "put"},
        {"ingested", milliseconds_of(now)},
        {"time", format_rfc3339(WallTime(std::chrono::milliseconds(event.timestamp_ms)))}};
    file.put(json.dump(-1, ' ', false, StoreJson::error_handler_t::replace) + "\n");
  }
  TRY(file.flush());
  // It may have been rotated on the way.
  std::vector<EventFile> files = TRY(event_files_of(directory));
  size_t begin = files.size() - std::min<size_t>(files.size(), 2);
  for (size_t i = begin; i < files.size(); ++i) {
    auto fd = sys::open(files[i].path, O_RDONLY);
    if (fd) TRY(sys::fsync(fd->get(), files[i].path));
  }
  return {};
}

std::optional<int64_t> oldest_kept_ms(const LogGroup& group, WallTime now) {
  if (!group.retention_days) return std::nullopt;
  return milliseconds_of(now) - *group.retention_days * kDayMs;
}

namespace {

// The newest rotated one stays, because its number says which one the current file will have; so
// does the current one, which a task may write to. Their room is given back all the same.
Status expire_stream(const std::string& directory, int64_t oldest_ms) {
  std::vector<EventFile> files = TRY(event_files_of(directory));
  for (size_t i = 0; i < files.size(); ++i) {
    const EventFile& file = files[i];
    // The current one may be another by now, as young as any.
    auto fd = sys::open(file.path, O_WRONLY);
    if (!fd) continue;
    struct stat st = TRY(sys::stat_fd(fd->get()));
    int64_t newest_ms = int64_t{st.st_mtim.tv_sec} * 1000 + 1000 + (file.is_put ? kFutureMs : 0);
    bool is_over = newest_ms < oldest_ms;
    if (!is_over || st.st_blocks == 0) continue;
    bool is_newest =
        i + 1 == files.size() || files[i + 1].is_put != file.is_put || files[i + 1].is_current;
    if (file.is_current || is_newest) {
      TRY(sys::punch_hole(fd->get(), 0, static_cast<uint64_t>(st.st_size)));
    } else {
      TRY(sys::remove_file(file.path));
    }
  }
  return {};
}

}  // namespace

Status LogStore::expire(WallTime now) const {
  for (const LogGroup& group : TRY(list_groups(""))) {
    auto oldest_ms = oldest_kept_ms(group, now);
    if (!oldest_ms) continue;
    std::string streams = streams_directory(group.name);
    for (const std::string& name : TRY(names_beneath(streams))) {
      TRY(expire_stream(streams + "/" + name, *oldest_ms));
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

}  // namespace berth::logs
