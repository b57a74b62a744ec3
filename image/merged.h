// MergedView: what a stack of unpacked layers looks like to a container, name by name. It answers
// the few questions that unpacking has about lower layers without mounting an overlay.
#pragma once

#include "base/result.h"
#include "sys/fd.h"

#include <optional>
#include <set>
#include <string>
#include <vector>

#include <sys/stat.h>

namespace berth::image {

constexpr const char* kOverlayAttributes = "trusted.overlay.";
constexpr const char* kOpaqueAttribute = "trusted.overlay.opaque";

// A whiteout: character device 0:0.
bool is_whiteout(const struct stat& st);

class MergedView {
 public:
  // `layers` are directories or images (Store::layer_tree), bottom first.
  static Result<MergedView> open(const std::vector<std::string>& layers);
  // The same, of descriptors that somebody else keeps open.
  static MergedView over(const std::vector<int>& layers);

  struct Found {
    struct stat st;
    sys::Fd parent;    // the directory in the layer that shows the entry
    std::string name;  // its name therein; empty for the root
  };
  // `path` is clean: components joined by '/', none of them "." or ".."; "" is the root. Symlinks
  // are not followed: a path through one is not found.
  Result<std::optional<Found>> find(const std::string& path) const;
  // What any of the layers has in its root, whiteouts included.
  Result<std::set<std::string>> names_in_root() const;

 private:
  enum class Sight { kMissing, kHides, kShows };
  struct Look {
    Sight sight;
    std::optional<Found> found;
  };
  static Result<Look> look(int layer, const std::string& path);

  std::vector<int> layers_;  // top first
  std::vector<sys::Fd> owned_;
};

}  // namespace berth::image
