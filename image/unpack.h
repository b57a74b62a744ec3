// Unpack: one layer's tar stream becomes a tree that overlayfs can stack (image/medium.h).
//
//   entry                        in the tree
//   file, link, device, ...      itself: owner by number, mode, times, xattrs as the archive says
//   .wh.NAME                     NAME as character device 0:0, if a lower layer shows NAME and this
//                                layer has none; a directory NAME of this layer becomes opaque
//   .wh..wh..opq                 its directory gets trusted.overlay.opaque=y
//   other .wh..wh.*              nothing (reserved); .wh..wh.plnk/X can be linked to, and goes
//
// Whiteouts are decided after the last entry, so the order in the archive does not matter. The
// lower layers are asked for only when needed: for whiteouts, for parents that this layer lacks,
// for hard links to lower files. Names are relative to the root, ".." stops there; parents that are
// symlinks are followed as the container would, within the merged root. Nothing is ever written
// elsewhere.
#pragma once

#include "base/result.h"
#include "image/highest_owner.h"
#include "image/merged.h"
#include "image/stream.h"

#include <cstdint>
#include <functional>
#include <string>

namespace berth::image {

// What the layers beneath look like. May block until they are unpacked. Empty: there are none.
using LowerLayers = std::function<Result<MergedView>()>;

struct UnpackOptions {
  uint64_t entries_max;
  uint64_t disk_reserve_bytes;
  std::string disk;  // a directory of it
  LowerLayers lower;
};

class Medium;

// Unpacks the plain tar into the empty `medium`, and reads `tar` to its end. Directories need root.
// Errors: kCorrupt for damaged archives, kInvalid for entries that no container may have (a name
// that cannot be, a hard link to nothing, trusted.overlay.*), kExhausted; all name the entry or
// the offset.
Result<HighestOwner> unpack(ByteSource& tar, Medium& medium, const UnpackOptions& options);

}  // namespace berth::image
