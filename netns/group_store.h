// GroupStore: the security groups that EC2's API has made, a file for each, which all programs of
// an instance read:
//
//   <root>/security-groups/.lock      flock(2): held over each change and the rules it makes, and
//                                     shared over the start of a task that is a member
//   <root>/security-groups/ID.json    netns/group_record.h
//
// So the rules of the firewall are those of the file whichever program has made them last.
#pragma once

#include "base/result.h"
#include "netns/group_record.h"
#include "sys/fd.h"

#include <optional>
#include <string>
#include <vector>

namespace berth::netns {

constexpr size_t kMadeGroupsMax = 1000;
constexpr size_t kGroupRecordMax = 1024 * 1024;

class GroupStore {
 public:
  explicit GroupStore(const std::string& root) : directory_(root + "/security-groups") {}

  // By id.
  Result<std::vector<GroupRecord>> list() const;
  // Nothing when there is none.
  Result<std::optional<GroupRecord>> find(const std::string& id) const;

  bool has(const std::string& id) const;

  // Held as long as the descriptor is open. Errors: kNotFound when no group was ever made.
  Result<sys::Fd> lock_to_read() const;
  Result<sys::Fd> lock_to_change() const;
  // Under lock_to_change(); durable.
  Status put(const GroupRecord& record) const;
  Status remove(const std::string& id) const;

 private:
  std::string path_of(const std::string& id) const;
  std::string lock_path() const { return directory_ + "/.lock"; }

  std::string directory_;
};

}  // namespace berth::netns
