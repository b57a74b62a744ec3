// Looks: what an entry of a layer is besides its content.
#pragma once

#include "base/result.h"
#include "sys/tree.h"

#include <atomic>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/types.h>

namespace berth::image {

// Names and values, each name once.
using Attributes = std::vector<std::pair<std::string, std::string>>;
void set_attribute(Attributes& attributes, const std::string& name, std::string_view value);

struct Looks {
  sys::Owner owner = {};
  mode_t mode = 0;  // the lower 12 bits
  // Extended ones, of those that images may set.
  Attributes attributes;
  sys::Times times = {};
};

// Where an entry stands, and how to reach it once more: by the same, or by the entry itself, open,
// with the name "". Attributes are set by name alone.
struct Entrance {
  sys::Entry name;
  sys::Entry shortest;
};

// Sets them for the entries of one layer; may be used by several threads.
class Dresser {
 public:
  // Owner, attributes and mode of an entry that exists. Not its times: they come after its content.
  // Attributes that the file system cannot keep are dropped, with one warning.
  Status set_owner_and_mode(const Looks& looks, const Entrance& entrance);

 private:
  Status set_attributes(const Looks& looks, const sys::Entry& at);

  std::atomic<bool> is_warned_ = false;
};

}  // namespace berth::image
