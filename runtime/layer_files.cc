#include "runtime/layer_files.h"

#include "sys/file.h"
#include "sys/image_mount.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <optional>

namespace berth::runtime {
namespace {

// Nothing when the layer has no such name. A whiteout is a name as well, of no regular file: what
// layers below have is gone in this image. Nothing is opened before it is known to be a file: what
// the others do when they are opened is up to whoever made the image.
std::optional<std::string> read_in_layer(const sys::Fd& root, const std::string& path, size_t max) {
  auto found = sys::open_in_root(root.get(), path, O_PATH);
  if (!found) return std::nullopt;
  auto known = sys::stat_fd(found->get());
  if (!known || !S_ISREG(known->st_mode)) return "";
  auto file = sys::open(sys::proc_path(found->get()), O_RDONLY);
  if (!file) return "";
  return sys::read_all(file->get(), max).value_or("");
}

}  // namespace

Result<std::vector<std::string>> read_from_layers(const std::vector<std::string>& layers,
                                                  const std::vector<std::string>& paths,
                                                  size_t max) {
  std::vector<std::optional<std::string>> found(paths.size());
  auto is_missing = [](const std::optional<std::string>& text) { return !text; };
  sys::AttachedLoopDevices attached;
  for (size_t layer = layers.size(); layer-- > 0 && std::ranges::any_of(found, is_missing);) {
    sys::Fd root = TRY(sys::open_tree_of(layers[layer], attached));
    for (size_t i = 0; i < paths.size(); ++i) {
      if (!found[i]) found[i] = read_in_layer(root, paths[i], max);
    }
  }
  std::vector<std::string> texts;
  for (std::optional<std::string>& text : found) texts.push_back(std::move(text).value_or(""));
  return texts;
}

}  // namespace berth::runtime
