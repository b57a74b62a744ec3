// Which extended attributes a layer may give an entry. As directories and images are unpacked from
// the same archives, the rules are those of the kernel (xattr(7), fs/xattr.c, fs/posix_acl.c), told
// before anything is made: an image would keep what no file system lets anybody set, and the kernel
// then fails on who reads or copies it.
#pragma once

#include "base/result.h"

#include <string_view>

#include <sys/types.h>

namespace berth::image {

enum class AttributeFate {
  kTaken,
  kDropped,  // nothing that an image could know of: labels of a security module, the host's own
             // notes
  kNoPlace,  // no entry of this type can have it: dropped as well, and worth a warning
};

// `type` is S_IFMT's. kInvalid for what would forge overlayfs' own attributes and for what cannot
// be: a name that is only a prefix, an access list that is none.
Result<AttributeFate> fate_of_attribute(mode_t type, std::string_view name, std::string_view value);

}  // namespace berth::image
