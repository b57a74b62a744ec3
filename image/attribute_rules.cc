#include "image/attribute_rules.h"

#include "base/text.h"
#include "image/merged.h"

#include <linux/limits.h>
#include <sys/stat.h>

#include <cstdint>
#include <cstring>

namespace berth::image {
namespace {

constexpr std::string_view kUser = "user.";
constexpr std::string_view kCapability = "security.capability";
constexpr std::string_view kAccessList = "system.posix_acl_access";
constexpr std::string_view kDefaultList = "system.posix_acl_default";

// acl(5), as <linux/posix_acl_xattr.h> has it in an attribute.
struct ListEntry {
  uint16_t tag;
  uint16_t permissions;
  uint32_t id;
};
constexpr uint32_t kListVersion = 2;
constexpr uint32_t kNoId = UINT32_MAX;
enum : uint16_t {
  kOwner = 1,
  kNamedUser = 2,
  kGroup = 4,
  kNamedGroup = 8,
  kMask = 16,
  kOther = 32
};

// Entries come in the order of their tags; the mask is needed where somebody is named.
class ListCheck {
 public:
  bool take(const ListEntry& entry) {
    bool is_named = entry.tag == kNamedUser || entry.tag == kNamedGroup;
    if ((entry.permissions & ~7U) != 0 || (is_named && entry.id == kNoId)) return false;
    needs_mask_ = needs_mask_ || is_named;
    bool is_again = entry.tag == last_ && is_named;
    bool is_next = entry.tag > last_ && has_before(entry.tag);
    last_ = entry.tag;
    return is_again || is_next;
  }
  bool is_whole() const { return last_ == kOther; }

 private:
  bool has_before(uint16_t tag) {
    switch (tag) {
      case kOwner:
        return true;
      case kNamedUser:
        return last_ == kOwner;
      case kGroup:
        has_group_ = true;
        return last_ == kOwner || last_ == kNamedUser;
      case kNamedGroup:
      case kMask:
        return has_group_;
      case kOther:
        return last_ == kMask || (has_group_ && !needs_mask_);
      default:
        return false;
    }
  }

  uint16_t last_ = 0;
  bool has_group_ = false;
  bool needs_mask_ = false;
};

// The version comes first. A list of nothing is no list.
bool says_nothing(std::string_view value) {
  uint32_t version = 0;
  if (value.size() < sizeof version) return false;
  std::memcpy(&version, value.data(), sizeof version);
  return version != kListVersion || value.size() == sizeof version;
}

bool is_list(std::string_view value) {
  if (value.size() < sizeof kListVersion) return false;
  value.remove_prefix(sizeof kListVersion);
  if (value.size() % sizeof(ListEntry) != 0) return false;
  ListCheck check;
  for (; !value.empty(); value.remove_prefix(sizeof(ListEntry))) {
    ListEntry entry{};
    std::memcpy(&entry, value.data(), sizeof entry);
    if (!check.take(entry)) return false;
  }
  return check.is_whole();
}

Result<AttributeFate> fate_of_list(mode_t type, std::string_view name, std::string_view value) {
  if (type == S_IFLNK || says_nothing(value)) return AttributeFate::kNoPlace;
  if (name == kDefaultList && type != S_IFDIR) {
    return fail(Errc::kInvalid, "the attribute {} is for directories alone", name);
  }
  if (!is_list(value)) return fail(Errc::kInvalid, "the attribute {} is no access list", name);
  return AttributeFate::kTaken;
}

// capabilities(7), "File capability extended attribute versioning".
Result<AttributeFate> fate_of_capabilities(std::string_view value) {
  constexpr uint32_t kEffective = 1;
  constexpr uint32_t kVersion2 = 0x02000000;
  constexpr uint32_t kVersion3 = 0x03000000;  // with the user that is root
  uint32_t version = 0;
  uint32_t root = 0;
  if (value.size() == 20 || value.size() == 24) {
    std::memcpy(&version, value.data(), sizeof version);
    version &= ~kEffective;
  }
  if (value.size() == 20 && version == kVersion2) return AttributeFate::kTaken;
  if (value.size() == 24 && version == kVersion3) {
    std::memcpy(&root, &value[20], sizeof root);
    if (root != kNoId) return AttributeFate::kTaken;
  }
  return fail(Errc::kInvalid, "the attribute {} holds no capabilities", kCapability);
}

}  // namespace

Result<AttributeFate> fate_of_attribute(mode_t type, std::string_view name,
                                        std::string_view value) {
  if (name.starts_with(kOverlayAttributes)) {
    return fail(Errc::kInvalid, "the attribute {} is not for archives to set",
                printable(name, 100));
  }
  if (name == kAccessList || name == kDefaultList) return fate_of_list(type, name, value);
  if (name == kCapability) return fate_of_capabilities(value);
  if (!name.starts_with(kUser) || name.starts_with("user.overlay.")) return AttributeFate::kDropped;
  if (name.size() > XATTR_NAME_MAX) {
    return fail(Errc::kInvalid, "the attribute {}: its name is longer than {} bytes",
                printable(name, 100), XATTR_NAME_MAX);
  }
  if (name == kUser) {
    return fail(Errc::kInvalid, "the attribute \"{}\" has no name behind its prefix", name);
  }
  bool has_place = type == S_IFREG || type == S_IFDIR;
  return has_place ? AttributeFate::kTaken : AttributeFate::kNoPlace;
}

}  // namespace berth::image
