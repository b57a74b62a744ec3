#include "image/looks.h"

#include "base/log.h"

#include <algorithm>
#include <cerrno>

namespace berth::image {

void set_attribute(Attributes& attributes, const std::string& name, std::string_view value) {
  auto found = std::ranges::find(attributes, name, &std::pair<std::string, std::string>::first);
  if (found == attributes.end()) {
    attributes.emplace_back(name, value);
  } else {
    found->second = value;
  }
}

// Most entries are made with the owner and mode that they shall have; to ask costs less than to set
// them again. The owner comes first: chown clears setuid, setgid and file capabilities.
Status Dresser::set_owner_and_mode(const Looks& looks, const Entrance& entrance) {
  const sys::Entry& at = entrance.shortest;
  auto made = TRY(sys::stat_at(at.dirfd, at.name));
  if (!made) return fail(Errc::kInternal, "is gone");
  bool is_owner = made->st_uid == looks.owner.uid && made->st_gid == looks.owner.gid;
  if (!is_owner) TRY(sys::chown_at(at.dirfd, at.name, looks.owner));
  TRY(set_attributes(looks, entrance.name));
  bool is_mode = is_owner && (made->st_mode & 07777) == looks.mode;
  if (is_mode || S_ISLNK(made->st_mode)) return {};
  return sys::chmod_at(at.dirfd, at.name, looks.mode);
}

Status Dresser::set_attributes(const Looks& looks, const sys::Entry& at) {
  for (const auto& [attribute, value] : looks.attributes) {
    auto set = sys::set_xattr_at(at.dirfd, at.name, attribute, value);
    if (set) continue;
    if (set.error().errno_value != ENOTSUP && set.error().errno_value != EPERM) return set;
    if (is_warned_.exchange(true)) continue;
    LOG(kWarn, "extended attribute dropped", {{"attribute", attribute}});
  }
  return {};
}

}  // namespace berth::image
