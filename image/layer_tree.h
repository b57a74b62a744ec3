// LayerTree: the tree of one layer while it is unpacked: finds parents, makes and replaces entries,
// remembers what is done last (times of directories, whiteouts).
#pragma once

#include "base/result.h"
#include "image/medium.h"
#include "image/merged.h"
#include "image/unpack.h"
#include "sys/fd.h"
#include "sys/tree.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace berth::image {

// "usr/lib/x" of "./usr//lib/../lib/x"; ".." stops at the root. kInvalid for a
// component longer than 255 bytes, a path too long or too deep.
Result<std::string> clean_path(std::string_view name);

class LayerTree {
 public:
  // Called before so many bytes are copied from a lower layer; an error stops it.
  using Copying = std::function<Status(size_t bytes)>;
  // `medium` is borrowed: files that it has yet to make are waited for where they matter.
  LayerTree(Medium& medium, LowerLayers lower, Copying copying);
  LayerTree(LayerTree&&) = default;

  // Where an entry goes: a directory of this layer, and a name in it.
  struct Place {
    Medium::DirectoryRef directory;  // shared: the tree keeps so many open and no more
    std::string name;                // "" is the root itself
    std::string path;                // clean, without symlinks

    Medium::Entry entry() const { return {directory, name}; }
  };
  // The parent is made if need be, with the looks that the lower layers give it.
  Result<Place> place(const std::string& path);

  // Whether the medium may make a file there: no directory stands in its way. The file counts as an
  // entry of this layer from now on.
  bool take_file(const Place& place);
  // Removes what stands there, remembering that lower content must not shine through a directory
  // which takes its place.
  Status clear(const Place& place);
  // Makes the directory or keeps the one that is there, with the mode that it has.
  Status make_directory(const Place& place, mode_t mode);
  // Links to `target`, copying it from a lower layer if it is there.
  Status link(const Place& place, const std::string& target);

  Status set_directory_times(const Place& place, const sys::Times& times);
  Status whiteout(const std::string& path);
  Status opaque(const std::string& path);
  // Is only there to be linked to, and goes with the last entry.
  void temporary(const std::string& path) { temporary_.insert(path); }

  // After the last entry: whiteouts, opaque directories, the root's looks, times of directories.
  Status finish();

 private:
  Status settle(const std::string& path);
  // Before a path is kept in one of the maps: symlinks make paths of 64 KiB of short names.
  Status note(const std::string& path);

  Result<MergedView*> lower();
  Result<std::optional<MergedView::Found>> find_lower(const std::string& path);
  // The directory `path` of this layer, opened; resolves symlinks. The real path is returned too.
  struct Directory {
    Medium::DirectoryRef opened;
    std::string path;
  };
  Result<Directory> directory(const std::string& path);
  // `links` counts the symlinks of the whole path: a limit on their nesting alone would let forty
  // of them, each of which names the one before twice, lead through 2^40 directories.
  Result<Directory> walk(const std::string& path, int& links);
  Result<Directory> step(const Directory& parent, const std::string& name, int& links);
  Result<Directory> make_parent(const Directory& parent, const std::string& name, int& links);
  Result<Directory> follow(const Directory& parent, const std::string& link, int& links);
  Result<Directory> remember(const std::string& path, Medium::DirectoryRef opened);
  Status close_idle_directories();
  void forget_beneath(const std::string& path);
  Status copy_up(const MergedView::Found& found, const Place& place);
  Status copy_file(const MergedView::Found& found, const Place& place);
  Status copy_content(std::string_view bytes, int64_t offset);
  Status copy_looks(const MergedView::Found& found, const Place& place);
  // Of a directory without an entry, of which the lower layers say nothing.
  Status new_looks(const Place& place);

  // Whether the whiteouts and opaque directories so far hide what lower layers have at `path`.
  bool is_hidden(const std::string& path) const;
  Status remove_temporaries();
  Status resolve_opaque();
  Status resolve_whiteouts();
  Status remove_hidden_copies();
  Status forget_hidden_looks();
  Status apply_whiteout(const std::string& path);
  Status apply_opaque(const std::string& path);
  Status finish_root();

  Medium& medium_;
  Medium::DirectoryRef root_;
  LowerLayers lower_layers_;
  std::unique_ptr<MergedView> lower_;
  Copying copying_;
  size_t noted_ = 0;     // bytes of paths in the maps below
  uint64_t copied_ = 0;  // bytes, holes included
  // Directories by real path; at most kOpenMax.
  std::map<std::string, Medium::DirectoryRef> open_;
  // Those that have entries, by real path. Whenever one is closed its times are set, by its
  // descriptor; at the end those of what was never open.
  struct Dated {
    sys::Times times;
    bool is_set = false;
  };
  std::map<std::string, Dated> directory_times_;
  // As the archive named them, until finish() finds out which directories these names lead to.
  std::set<std::string> whiteouts_;
  std::set<std::string> opaque_;
  std::set<std::string> temporary_;
  // Not entries of this layer: files that a hard link wanted, directories on the way to entries.
  std::set<std::string> copies_;
  std::set<std::string> implied_;
  bool has_root_entry_ = false;
};

}  // namespace berth::image
