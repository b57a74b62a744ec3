// The highest ids that the files of a layer or an image belong to, each with a file that does. A
// task with a user namespace has a range of ids: what belongs to an id beyond it belongs to nobody
// there.
#pragma once

#include <cstdint>
#include <string>

namespace berth::image {

struct HighestId {
  uint32_t id = 0;
  std::string path;  // of the first entry of the archive that has it, as it may be shown; "": none
};

struct HighestOwner {
  HighestId uid;
  HighestId gid;
};

inline void raise_to(HighestId& highest, const HighestId& other) {
  if (other.id > highest.id) highest = other;
}

}  // namespace berth::image
