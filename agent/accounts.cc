#include "agent/accounts.h"

#include "base/text.h"

#include <limits>
#include <optional>

namespace berth::agent {
namespace {

struct PasswdEntry {
  std::string name;
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::string home;
};

struct GroupEntry {
  std::string name;
  uint32_t gid = 0;
  std::vector<std::string> members;
};

std::optional<uint32_t> parse_id(std::string_view text) {
  auto id = parse_u64(text);
  if (!id || *id > std::numeric_limits<int32_t>::max()) return std::nullopt;
  return static_cast<uint32_t>(*id);
}

// Lines that are not entries are passed over, as libc does.
std::vector<PasswdEntry> parse_passwd(std::string_view text) {
  std::vector<PasswdEntry> entries;
  for (const std::string& line : split(text, '\n')) {
    std::vector<std::string> fields = split(line, ':');
    if (fields.size() < 6) continue;
    auto uid = parse_id(fields[2]);
    auto gid = parse_id(fields[3]);
    if (uid && gid) entries.push_back({fields[0], *uid, *gid, fields[5]});
  }
  return entries;
}

std::vector<GroupEntry> parse_group(std::string_view text) {
  std::vector<GroupEntry> entries;
  for (const std::string& line : split(text, '\n')) {
    std::vector<std::string> fields = split(line, ':');
    if (fields.size() < 4) continue;
    auto gid = parse_id(fields[2]);
    if (gid) entries.push_back({fields[0], *gid, split(trim(fields[3]), ',')});
  }
  return entries;
}

// A name wins over a number of the same spelling, as in Docker.
std::optional<PasswdEntry> find_user(const std::vector<PasswdEntry>& users,
                                     std::string_view wanted) {
  for (const PasswdEntry& entry : users) {
    if (entry.name == wanted) return entry;
  }
  auto uid = parse_id(wanted);
  for (const PasswdEntry& entry : users) {
    if (uid && entry.uid == *uid) return entry;
  }
  return std::nullopt;
}

Result<uint32_t> find_gid(const std::vector<GroupEntry>& groups, std::string_view wanted) {
  for (const GroupEntry& entry : groups) {
    if (entry.name == wanted) return entry.gid;
  }
  if (auto gid = parse_id(wanted)) return *gid;
  return fail(Errc::kInvalid, "unable to find group {}: no matching entries in group file",
              printable(wanted, 64));
}

std::vector<uint32_t> groups_of(const std::vector<GroupEntry>& groups, const PasswdEntry& user) {
  std::vector<uint32_t> gids;
  for (const GroupEntry& entry : groups) {
    if (entry.gid == user.gid) continue;
    for (const std::string& member : entry.members) {
      if (member == user.name) gids.push_back(entry.gid);
    }
  }
  return gids;
}

}  // namespace

Result<Account> resolve_account(std::string_view user, std::string_view passwd,
                                std::string_view group) {
  size_t colon = user.find(':');
  std::string wanted(user.substr(0, colon));
  if (wanted.empty()) wanted = "0";
  std::vector<GroupEntry> groups = parse_group(group);
  auto entry = find_user(parse_passwd(passwd), wanted);
  auto uid = parse_id(wanted);
  if (!entry && !uid) {
    return fail(Errc::kInvalid, "unable to find user {}: no matching entries in passwd file",
                printable(wanted, 64));
  }
  Account account;
  account.uid = entry ? entry->uid : *uid;
  if (entry) {
    account.gid = entry->gid;
    account.home = entry->home.empty() ? "/" : entry->home;
    account.additional_gids = groups_of(groups, *entry);
  }
  if (colon != std::string_view::npos) {
    account.gid = TRY(find_gid(groups, user.substr(colon + 1)));
    account.additional_gids.clear();
  }
  return account;
}

}  // namespace berth::agent
