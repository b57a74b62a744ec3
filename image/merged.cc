#include "image/merged.h"

#include "base/text.h"
#include "sys/file.h"
#include "sys/image_mount.h"
#include "sys/tree.h"

#include <fcntl.h>
#include <sys/sysmacros.h>

#include <utility>

namespace berth::image {
namespace {

Result<bool> is_opaque(int dirfd) {
  return TRY(sys::xattr_at(dirfd, "", kOpaqueAttribute)) == "y";
}

}  // namespace

bool is_whiteout(const struct stat& st) {
  return S_ISCHR(st.st_mode) && st.st_rdev == makedev(0, 0);
}

Result<MergedView> MergedView::open(const std::vector<std::string>& layers) {
  std::vector<sys::Fd> opened;
  std::vector<int> descriptors;
  sys::AttachedLoopDevices attached;
  for (const std::string& layer : layers) {
    opened.push_back(TRY(sys::open_tree_of(layer, attached)));
    descriptors.push_back(opened.back().get());
  }
  MergedView view = over(descriptors);
  view.owned_ = std::move(opened);
  return view;
}

MergedView MergedView::over(const std::vector<int>& layers) {
  MergedView view;
  view.layers_.assign(layers.rbegin(), layers.rend());
  return view;
}

Result<std::optional<MergedView::Found>> MergedView::find(const std::string& path) const {
  for (int layer : layers_) {
    Look sight = TRY(look(layer, path));
    if (sight.sight == Sight::kShows) return std::move(sight.found);
    if (sight.sight == Sight::kHides) break;
  }
  return std::optional<Found>();
}

Result<std::set<std::string>> MergedView::names_in_root() const {
  std::set<std::string> names;
  for (int layer : layers_) {
    auto listed = TRY(sys::list_directory(sys::proc_path(layer)));
    names.insert(listed.begin(), listed.end());
  }
  return names;
}

// One layer's say: it shows the entry, hides it from the layers below (whiteout, opaque directory,
// something else than a directory on the way), or knows nothing of it.
Result<MergedView::Look> MergedView::look(int layer, const std::string& path) {
  sys::Fd directory = TRY(sys::duplicate(layer));
  if (path.empty()) {
    auto st = TRY(sys::stat_fd(layer));
    return Look{Sight::kShows, Found{st, std::move(directory), ""}};
  }
  auto names = split(path, '/');
  bool hides = false;  // an opaque directory hides all that is beneath it, at any depth
  for (size_t i = 0; i < names.size(); ++i) {
    hides = hides || TRY(is_opaque(directory.get()));
    auto st = TRY(sys::stat_at(directory.get(), names[i]));
    if (!st) return Look{hides ? Sight::kHides : Sight::kMissing, std::nullopt};
    if (is_whiteout(*st)) return Look{Sight::kHides, std::nullopt};
    if (i + 1 == names.size()) {
      return Look{Sight::kShows, Found{*st, std::move(directory), names[i]}};
    }
    if (!S_ISDIR(st->st_mode)) return Look{Sight::kHides, std::nullopt};
    directory = TRY(sys::open_directory_at(directory.get(), names[i]));
  }
  return Look{Sight::kMissing, std::nullopt};
}

}  // namespace berth::image
