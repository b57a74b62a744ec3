#include "netns/group_store.h"

#include "sys/file.h"

#include <fcntl.h>

#include <algorithm>

namespace berth::netns {
namespace {

constexpr std::string_view kGroupFileEnd = ".json";

}  // namespace

std::string GroupStore::path_of(const std::string& id) const {
  return directory_ + "/" + id + std::string(kGroupFileEnd);
}

Result<std::optional<GroupRecord>> GroupStore::find(const std::string& id) const {
  std::optional<GroupRecord> record;
  if (!is_made_group_id(id)) return record;
  auto text = sys::read_file(path_of(id), kGroupRecordMax);
  if (!text && text.error().code == Errc::kNotFound) return record;
  if (!text) return tl::unexpected<Error>(std::move(text).error());
  record = TRY(parse_group_record(*text, path_of(id)));
  return record;
}

Result<std::vector<GroupRecord>> GroupStore::list() const {
  std::vector<GroupRecord> records;
  auto names = sys::list_directory(directory_);
  if (!names && names.error().code == Errc::kNotFound) return records;
  if (!names) return tl::unexpected<Error>(std::move(names).error());
  std::ranges::sort(*names);
  for (const std::string& name : *names) {
    if (!name.ends_with(kGroupFileEnd)) continue;
    auto record = TRY(find(name.substr(0, name.size() - kGroupFileEnd.size())));
    if (record) records.push_back(std::move(*record));
  }
  return records;
}

bool GroupStore::has(const std::string& id) const {
  return is_made_group_id(id) && sys::exists(path_of(id));
}

Result<sys::Fd> GroupStore::lock_to_read() const {
  sys::Fd fd = TRY(sys::open(lock_path(), O_RDONLY));
  TRY(sys::lock(fd.get(), sys::LockMode::kShared));
  return fd;
}

Result<sys::Fd> GroupStore::lock_to_change() const {
  TRY(sys::make_directories(directory_, 0700));
  sys::Fd fd = TRY(sys::create(lock_path(), O_RDWR, 0600));
  TRY(sys::lock(fd.get(), sys::LockMode::kExclusive));
  return fd;
}

Status GroupStore::put(const GroupRecord& record) const {
  return sys::write_atomic(path_of(record.id), render_group_record(record), 0600);
}

Status GroupStore::remove(const std::string& id) const {
  return sys::remove_file(path_of(id));
}

}  // namespace berth::netns
