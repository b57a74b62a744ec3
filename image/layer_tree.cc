#include "image/layer_tree.h"

#include "base/text.h"
#include "sys/file.h"

#include <fcntl.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>

namespace berth::image {
namespace {

constexpr size_t kOpenMax = 128;  // more than files can wait to be made
constexpr int kSymlinksMax = 40;  // in all of one path, as the kernel's own path walk
// Of directories that no entry of any layer dates: the same layer unpacks to the same tree, always.
constexpr sys::Times kUndated{};
const Looks kNewLooks{{0, 0}, 0755, {}, kUndated};
const std::string kItself;
constexpr size_t kNameMax = 255;
constexpr size_t kHoleBlock = 4096;
constexpr size_t kNotedMax = size_t{256} << 20;
constexpr uint64_t kCopiedMax = uint64_t{64} << 30;  // as much as an archive may bring
constexpr size_t kPathMax = 64 * 1024;
constexpr size_t kDepthMax = 300;  // removing a tree keeps two descriptors per level open

std::string joined(const std::string& directory, const std::string& name) {
  if (directory.empty()) return name;
  return name.empty() ? directory : directory + "/" + name;
}

std::pair<std::string, std::string> split_last(const std::string& path) {
  size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {"", path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

// From a set or map by path. What is beneath "d" stands together, from "d/" up to "d0": '0' follows
// '/'. (A look at every item would cost minutes on an archive that replaces directory after
// directory.)
template <class Container>
void erase_beneath(Container& container, const std::string& directory) {
  container.erase(directory);
  container.erase(container.lower_bound(directory + "/"), container.lower_bound(directory + "0"));
}

bool is_zero(std::string_view bytes) {
  return bytes.find_first_not_of('\0') == std::string_view::npos;
}

// Of a path without symlinks, which may be deeper than the name that led there.
Status check_depth(const std::string& path) {
  if (std::count(path.begin(), path.end(), '/') < static_cast<ptrdiff_t>(kDepthMax)) return {};
  return fail(Errc::kInvalid, "\"{}\": deeper than {} directories", printable(path, 100),
              kDepthMax);
}

// What overlayfs keeps for itself is no look of the entry.
Result<Looks> looks_of(const MergedView::Found& found) {
  Looks looks{{found.st.st_uid, found.st.st_gid},
              found.st.st_mode & 07777,
              {},
              {found.st.st_atim, found.st.st_mtim}};
  for (auto& attribute : TRY(sys::xattrs_at(found.parent.get(), found.name))) {
    if (attribute.first.starts_with(kOverlayAttributes)) continue;
    looks.attributes.push_back(std::move(attribute));
  }
  return looks;
}

}  // namespace

Result<std::string> clean_path(std::string_view name) {
  if (name.size() > kPathMax) {
    return fail(Errc::kInvalid, "name \"{}\": longer than {} bytes", printable(name, 100),
                kPathMax);
  }
  std::vector<std::string> kept;
  for (std::string& component : split(name, '/')) {
    if (component.empty() || component == ".") continue;
    if (component == "..") {
      if (!kept.empty()) kept.pop_back();
      continue;
    }
    if (component.size() > kNameMax) {
      return fail(Errc::kInvalid, "name \"{}\": a component is longer than {} bytes",
                  printable(name, 400), kNameMax);
    }
    kept.push_back(std::move(component));
    if (kept.size() > kDepthMax) {
      return fail(Errc::kInvalid, "name \"{}\": deeper than {} directories", printable(name, 100),
                  kDepthMax);
    }
  }
  return join(kept, "/");
}

LayerTree::LayerTree(Medium& medium, LowerLayers lower, Copying copying)
    : medium_(medium),
      root_(medium.root()),
      lower_layers_(std::move(lower)),
      copying_(std::move(copying)) {}

// What is asked about `path` from now on finds there what the entries so far have made of it.
Status LayerTree::settle(const std::string& path) {
  return medium_.is_waiting(path) ? medium_.settle() : Status();
}

Result<LayerTree::Place> LayerTree::place(const std::string& path) {
  auto [parent, name] = split_last(path);
  Directory found = TRY(directory(parent));
  Place place{std::move(found.opened), name, joined(found.path, name)};
  TRY(check_depth(place.path));
  TRY(settle(place.path));
  return place;
}

Result<MergedView*> LayerTree::lower() {
  if (lower_ == nullptr) {
    auto view = lower_layers_ ? TRY(lower_layers_()) : MergedView::over({});
    lower_ = std::make_unique<MergedView>(std::move(view));
  }
  return lower_.get();
}

Result<std::optional<MergedView::Found>> LayerTree::find_lower(const std::string& path) {
  return TRY(lower())->find(path);
}

Result<LayerTree::Directory> LayerTree::directory(const std::string& path) {
  int links = 0;
  return walk(path, links);
}

Result<LayerTree::Directory> LayerTree::walk(const std::string& path, int& links) {
  Directory at{root_, ""};
  size_t reached = path.size();
  while (reached > 0) {  // the nearest above that is open
    auto open = open_.find(path.substr(0, reached));
    if (open != open_.end()) {
      at = {open->second, open->first};
      break;
    }
    size_t slash = path.rfind('/', reached - 1);
    reached = slash == std::string::npos ? 0 : slash;
  }
  if (reached == path.size()) return at;
  std::string rest = path.substr(reached == 0 ? 0 : reached + 1);
  for (const std::string& name : split(rest, '/')) at = TRY(step(at, name, links));
  return at;
}

Result<LayerTree::Directory> LayerTree::step(const Directory& parent, const std::string& name,
                                             int& links) {
  std::string path = joined(parent.path, name);
  if (auto open = open_.find(path); open != open_.end()) {
    return Directory{open->second, path};
  }
  TRY(settle(path));
  // Nearly every one is a directory: it is cheaper to find out by opening it than to look first.
  Medium::Entry entry{parent.opened, name};
  auto opened = medium_.open_directory(entry);
  if (opened) return remember(path, std::move(*opened));
  switch (opened.error().errno_value) {
    case ENOENT:
      return make_parent(parent, name, links);
    case ELOOP:
      return follow(parent, TRY(medium_.read_link(entry)), links);
    case ENOTDIR:
      return fail(Errc::kInvalid, "\"{}\" is used as a directory but is none",
                  printable(path, 400));
    default:
      return tl::unexpected<Error>(std::move(opened).error());
  }
}

// A parent without an entry of its own in this layer: it looks as in the lower layers, or is new.
Result<LayerTree::Directory> LayerTree::make_parent(const Directory& parent,
                                                    const std::string& name, int& links) {
  std::string path = joined(parent.path, name);
  TRY(check_depth(path));
  std::optional<MergedView::Found> found;
  if (!is_hidden(path)) found = TRY(find_lower(path));
  if (found && S_ISLNK(found->st.st_mode)) {
    return follow(parent, TRY(sys::read_link_at(found->parent.get(), found->name)), links);
  }
  if (found && !S_ISDIR(found->st.st_mode)) {
    return fail(Errc::kInvalid, "\"{}\" is used as a directory but a lower layer has a file there",
                printable(path, 400));
  }
  Place place{parent.opened, name, path};
  TRY(medium_.make_directory(place.entry(), 0755));
  if (found) {
    TRY(copy_looks(*found, place));
  } else {
    TRY(medium_.dress(place.entry(), kNewLooks));  // whatever the umask
    TRY(set_directory_times(place, kUndated));
  }
  implied_.insert(path);
  return remember(path, TRY(medium_.open_directory(place.entry())));
}

// As the kernel does it: ".." is the parent of where one has come to, not of what was written.
Result<LayerTree::Directory> LayerTree::follow(const Directory& parent, const std::string& link,
                                               int& links) {
  if (++links > kSymlinksMax) {
    return fail(Errc::kInvalid, "too many symlinks beneath \"{}\"", printable(parent.path, 400));
  }
  Directory at = link.starts_with('/') ? Directory{root_, ""} : parent;
  for (const std::string& name : split(link, '/')) {
    if (name.empty() || name == ".") continue;
    if (name.size() > kNameMax) {
      return fail(Errc::kInvalid, "symlink to \"{}\": a component is longer than {} bytes",
                  printable(link, 400), kNameMax);
    }
    at = name == ".." ? TRY(walk(split_last(at.path).first, links)) : TRY(step(at, name, links));
  }
  return at;
}

Result<LayerTree::Directory> LayerTree::remember(const std::string& path,
                                                 Medium::DirectoryRef opened) {
  if (open_.size() >= kOpenMax) TRY(close_idle_directories());
  open_[path] = opened;
  return Directory{std::move(opened), path};
}

// Nothing comes into them any more unless they are opened once more. Idle is what nobody else
// holds: neither a file that waits to be made nor who is on the way through it.
Status LayerTree::close_idle_directories() {
  for (auto open = open_.begin(); open != open_.end();) {
    if (open->second.use_count() > 1) {
      ++open;
      continue;
    }
    auto dated = directory_times_.find(open->first);
    if (dated != directory_times_.end()) {
      auto set = medium_.set_times({open->second, kItself}, dated->second.times);
      if (!set) return wrap(std::move(set).error(), "\"{}\"", printable(open->first, 400));
      dated->second.is_set = true;
    }
    open = open_.erase(open);
  }
  return {};
}

void LayerTree::forget_beneath(const std::string& path) {
  erase_beneath(open_, path);
  erase_beneath(directory_times_, path);
  erase_beneath(opaque_, path);
  erase_beneath(copies_, path);
  erase_beneath(implied_, path);
}

bool LayerTree::take_file(const Place& place) {
  if (place.name.empty() || directory_times_.contains(place.path)) return false;
  copies_.erase(place.path);
  return true;
}

Status LayerTree::clear(const Place& place) {
  auto type = TRY(medium_.type_of(place.entry()));
  if (!type) return {};
  if (place.name.empty()) {
    return fail(Errc::kInvalid, "the root of the layer is not a directory");
  }
  if (*type == S_IFDIR) {
    TRY(medium_.settle());  // those that come into it
    forget_beneath(place.path);
  }
  copies_.erase(place.path);
  return medium_.remove(place.entry());
}

Status LayerTree::make_directory(const Place& place, mode_t mode) {
  if (place.name.empty()) {
    has_root_entry_ = true;
    return {};
  }
  // Nearly every name is new: it is cheaper to find out by making it than to look first.
  auto made = medium_.make_directory(place.entry(), mode);
  if (made || made.error().errno_value != EEXIST) return made;
  auto type = TRY(medium_.type_of(place.entry()));
  if (type == S_IFDIR) {
    TRY(medium_.settle());  // what is in it gets the access list of the directory as it was
    implied_.erase(place.path);
    // Of an earlier entry, or of a lower layer: this one's will follow.
    return medium_.remove_attributes(place.entry());
  }
  if (type) {
    // A file hid the lower directory; a directory in its place must go on hiding it.
    TRY(clear(place));
    TRY(opaque(place.path));
  }
  return medium_.make_directory(place.entry(), mode);
}

Status LayerTree::link(const Place& place, const std::string& target) {
  std::string wanted = TRY(clean_path(target));
  Place at = TRY(this->place(wanted));
  auto type = TRY(medium_.type_of(at.entry()));
  if (!type) {
    auto found = TRY(find_lower(at.path));
    if (!found) {
      return fail(Errc::kInvalid, "hard link to \"{}\", which does not exist",
                  printable(target, 400));
    }
    if (S_ISDIR(found->st.st_mode)) {
      type = S_IFDIR;
    } else {
      TRY(copy_up(*found, at));
    }
  }
  if (type == S_IFDIR) {
    return fail(Errc::kInvalid, "hard link to \"{}\", which is a directory",
                printable(target, 400));
  }
  if (at.path == place.path) return {};
  TRY(clear(place));
  return medium_.link(at.entry(), place.entry());
}

Status LayerTree::copy_up(const MergedView::Found& found, const Place& place) {
  copies_.insert(place.path);
  if (S_ISREG(found.st.st_mode)) return copy_file(found, place);
  if (S_ISLNK(found.st.st_mode)) {
    std::string target = TRY(sys::read_link_at(found.parent.get(), found.name));
    TRY(medium_.make_symlink(place.entry(), target));
  } else {
    TRY(medium_.make_node(place.entry(), found.st.st_mode, found.st.st_rdev));
  }
  return copy_looks(found, place);
}

// Holes stay holes: an image does not show them, so zeros are not copied.
Status LayerTree::copy_file(const MergedView::Found& found, const Place& place) {
  copied_ += static_cast<uint64_t>(found.st.st_size);
  if (copied_ > kCopiedMax) {
    return fail(Errc::kExhausted, "hard links to files of lower layers of more than {} in all",
                format_bytes(kCopiedMax));
  }
  Looks looks = TRY(looks_of(found));
  sys::Fd source = TRY(sys::open_beneath(found.parent.get(), found.name, O_RDONLY, 0));
  TRY(medium_.begin_file(
      {place.directory, place.name, std::move(looks), found.st.st_size, place.path, place.path}));
  TRY(sys::each_data(source.get(), [this](std::string_view bytes, int64_t offset) {
    return copy_content(bytes, offset);
  }));
  TRY(medium_.commit_file());
  return medium_.settle();
}

Status LayerTree::copy_content(std::string_view bytes, int64_t offset) {
  for (size_t begin = 0; begin < bytes.size();) {
    size_t end = begin;  // of blocks with something in them
    while (end < bytes.size() && !is_zero(bytes.substr(end, kHoleBlock))) end += kHoleBlock;
    end = std::min(end, bytes.size());
    if (end > begin) {
      TRY(copying_(end - begin));
      TRY(medium_.add_content(bytes.substr(begin, end - begin),
                              offset + static_cast<int64_t>(begin)));
    }
    begin = end + kHoleBlock;
  }
  return {};
}

// Owner, mode, attributes and times of anything but a file.
Status LayerTree::copy_looks(const MergedView::Found& found, const Place& place) {
  Looks looks = TRY(looks_of(found));
  TRY(medium_.dress(place.entry(), looks));
  if (!S_ISDIR(found.st.st_mode)) return medium_.set_times(place.entry(), looks.times);
  return set_directory_times(place, looks.times);
}

Status LayerTree::new_looks(const Place& place) {
  TRY(medium_.remove_attributes(place.entry()));
  TRY(medium_.dress(place.entry(), kNewLooks));
  return set_directory_times(place, kUndated);
}

Status LayerTree::note(const std::string& path) {
  noted_ += path.size();
  if (noted_ <= kNotedMax) return {};
  return fail(Errc::kExhausted, "the paths of the layer's directories have more than {} in all",
              format_bytes(kNotedMax));
}

Status LayerTree::set_directory_times(const Place& place, const sys::Times& times) {
  auto [dated, is_new] = directory_times_.insert_or_assign(place.path, Dated{times});
  return is_new ? note(place.path) : Status();
}

Status LayerTree::whiteout(const std::string& path) {
  return whiteouts_.insert(path).second ? note(path) : Status();
}

Status LayerTree::opaque(const std::string& path) {
  return opaque_.insert(path).second ? note(path) : Status();
}

Status LayerTree::finish() {
  TRY(medium_.settle());
  TRY(remove_temporaries());
  TRY(resolve_opaque());
  TRY(resolve_whiteouts());
  TRY(remove_hidden_copies());
  TRY(forget_hidden_looks());
  for (const std::string& path : whiteouts_) TRY(apply_whiteout(path));
  for (const std::string& path : opaque_) TRY(apply_opaque(path));
  TRY(finish_root());
  TRY(close_idle_directories());
  for (const auto& [path, dated] : directory_times_) {
    if (dated.is_set && !open_.contains(path)) continue;
    Place found = TRY(place(path));  // by its name: it need not be opened for that
    TRY(medium_.set_times(found.entry(), dated.times));
  }
  return medium_.finish();
}

bool LayerTree::is_hidden(const std::string& path) const {
  if (whiteouts_.contains(path)) return true;
  for (std::string at = path; !at.empty();) {
    at = split_last(at).first;
    if (opaque_.contains(at) || whiteouts_.contains(at)) return true;
  }
  return false;
}

Status LayerTree::remove_temporaries() {
  for (const std::string& path : temporary_) TRY(clear(TRY(place(path))));
  return {};
}

Status LayerTree::resolve_opaque() {
  std::set<std::string> named = std::exchange(opaque_, {});
  for (const std::string& path : named) opaque_.insert(TRY(directory(path)).path);
  // overlayfs merges the roots of its layers whatever the attribute says.
  if (opaque_.erase("") > 0) whiteouts_.merge(TRY(TRY(lower())->names_in_root()));
  return {};
}

// Leaves those that have something to hide: nothing lower is there, nothing is made (overlayfs
// would list the device in directories that only this layer has); and beneath what is hidden
// already there is nothing lower. Parents come before what is beneath them.
Status LayerTree::resolve_whiteouts() {
  std::set<std::string> named = std::exchange(whiteouts_, {});
  for (const std::string& path : named) {
    if (is_hidden(path)) continue;
    auto above = TRY(find_lower(split_last(path).first));
    if (above && S_ISDIR(above->st.st_mode) && !TRY(find_lower(path))) continue;
    Place where = TRY(place(path));
    if (is_hidden(where.path) || !TRY(find_lower(where.path))) continue;
    whiteouts_.insert(where.path);
  }
  return {};
}

Status LayerTree::remove_hidden_copies() {
  std::set<std::string> copies = copies_;
  for (const std::string& path : copies) {
    if (is_hidden(path)) TRY(clear(TRY(place(path))));
  }
  return {};
}

// Directories on the way to entries, of which it turned out that the lower layers' are hidden: they
// are new ones. Without any entry left in them they are none of this layer's.
Status LayerTree::forget_hidden_looks() {
  std::vector<std::string> implied(implied_.rbegin(), implied_.rend());
  for (const std::string& path : implied) {
    if (!is_hidden(path)) continue;
    Place where = TRY(place(path));
    if (TRY(medium_.remove_empty_directory(where.entry()))) {
      forget_beneath(path);
    } else {
      TRY(new_looks(where));
    }
  }
  return {};
}

Status LayerTree::apply_whiteout(const std::string& path) {
  Place where = TRY(place(path));
  auto type = TRY(medium_.type_of(where.entry()));
  if (!type) {
    TRY(medium_.make_node(where.entry(), S_IFCHR, makedev(0, 0)));
    return medium_.set_times(where.entry(), {});  // the same layer, the same tree
  }
  return *type == S_IFDIR ? opaque(path) : Status();
}

Status LayerTree::apply_opaque(const std::string& path) {
  Directory found = TRY(directory(path));
  auto hidden = TRY(find_lower(found.path));
  if (!hidden || !S_ISDIR(hidden->st.st_mode)) return {};
  return medium_.mark_opaque({found.opened, kItself});
}

// overlayfs shows the root of the topmost layer: one without an entry for it looks as the layer
// below.
Status LayerTree::finish_root() {
  if (has_root_entry_) return {};
  auto below = TRY(find_lower(""));
  Place root{root_, "", ""};
  if (below) return copy_looks(*below, root);
  TRY(set_directory_times(root, kUndated));
  return {};
}

}  // namespace berth::image
