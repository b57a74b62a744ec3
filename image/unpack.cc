#include "image/unpack.h"

#include "base/log.h"
#include "base/text.h"
#include "image/layer_tree.h"
#include "sys/file.h"
#include "sys/host.h"
#include "sys/tree.h"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>  // NOLINT(modernize-deprecated-headers): newlocale is POSIX, not in <clocale>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <string_view>

namespace berth::image {
namespace {

constexpr uint64_t kReserveCheckBytes = uint64_t{64} << 20;
constexpr size_t kOwnerPathMax = 400;
constexpr std::string_view kWhiteoutPrefix = ".wh.";
constexpr std::string_view kReservedPrefix = ".wh..wh.";
constexpr std::string_view kLinksDirectory = ".wh..wh.plnk";
constexpr std::string_view kOpaqueName = ".wh..wh..opq";

// libarchive converts the names of pax headers to the locale's character set, and normalises them
// on the way. In the C locale the conversion of anything but ASCII fails, and then it hands out the
// bytes as they are: just what we want.
class PlainLocale {
 public:
  PlainLocale() : locale_(::newlocale(LC_ALL_MASK, "C", nullptr)), old_(::uselocale(locale_)) {}
  PlainLocale(const PlainLocale&) = delete;
  PlainLocale& operator=(const PlainLocale&) = delete;
  ~PlainLocale() {
    ::uselocale(old_);
    ::freelocale(locale_);
  }

 private:
  locale_t locale_;
  locale_t old_;
};

// What is not allowed is nothing that an image could know of: labels of a security module, the
// host's own notes.
bool is_allowed(std::string_view attribute) {
  if (attribute.starts_with("user.")) return !attribute.starts_with("user.overlay.");
  return attribute == "security.capability" || attribute == "system.posix_acl_access" ||
         attribute == "system.posix_acl_default";
}

struct TarCloser {
  void operator()(archive* a) const { archive_read_free(a); }
};

// libarchive reads "-5.25" as -5 s and 0.25 s in the same direction; the kernel counts nanoseconds
// upwards.
timespec from_pax(time_t seconds, long nanoseconds) {
  if (seconds < 0 && nanoseconds > 0) return {seconds - 1, 1'000'000'000 - nanoseconds};
  return {seconds, nanoseconds};
}

sys::Times times_of(archive_entry* entry) {
  timespec modification = from_pax(archive_entry_mtime(entry), archive_entry_mtime_nsec(entry));
  timespec access = modification;
  if (archive_entry_atime_is_set(entry) != 0) {
    access = from_pax(archive_entry_atime(entry), archive_entry_atime_nsec(entry));
  }
  return {access, modification};
}

Result<sys::Owner> owner_of(archive_entry* entry) {
  constexpr int64_t kIdMax = 0xfffffffe;
  int64_t uid = archive_entry_uid(entry);
  int64_t gid = archive_entry_gid(entry);
  if (uid < 0 || uid > kIdMax || gid < 0 || gid > kIdMax) {
    return fail(Errc::kInvalid, "owner {}:{} is out of range", uid, gid);
  }
  return sys::Owner{static_cast<uid_t>(uid), static_cast<gid_t>(gid)};
}

void note_id(HighestId& highest, uint32_t id, const LayerTree::Place& place) {
  if (id > highest.id) highest = {id, printable(place.path, kOwnerPathMax)};
}

class Unpacker {
 public:
  Unpacker(ByteSource& tar, LayerTree tree, const std::string& target, const UnpackOptions& options)
      : tar_(tar), tree_(std::move(tree)), target_(target), options_(options) {}

  Result<HighestOwner> run();

 private:
  static la_ssize_t read_callback(archive*, void* self, const void** buffer);
  Status open_archive();
  Result<bool> next(archive_entry*& entry);
  tl::unexpected<Error> archive_error(std::string_view what) const;
  Status drain();

  Status unpack_entry(archive_entry* entry, const std::string& name);
  Result<bool> is_of_aufs(const std::string& path, const std::string& parent);
  Status reserved(const std::string& parent, const std::string& name);
  Status make(archive_entry* entry, const LayerTree::Place& place);
  Status make_new(archive_entry* entry, const LayerTree::Place& place);
  Status make_file(archive_entry* entry, const LayerTree::Place& place);
  Status write_content(int fd, int64_t size);
  Status check_reserve(size_t written);
  Status set_looks(archive_entry* entry, const LayerTree::Place& place);
  Status set_file_looks(archive_entry* entry, const LayerTree::Place& place, int fd);
  Status set_owner_and_mode(archive_entry* entry, const LayerTree::Place& place,
                            const sys::Entry& at);
  Status set_xattrs(archive_entry* entry, const LayerTree::Place& place);

  ByteSource& tar_;
  LayerTree tree_;
  const std::string& target_;
  const UnpackOptions& options_;
  std::unique_ptr<archive, TarCloser> archive_;
  std::optional<Error> source_error_;  // what the source failed with, under libarchive's feet
  uint64_t unchecked_bytes_ = kReserveCheckBytes;  // the first file checks
  bool warned_of_xattrs_ = false;
  HighestOwner highest_;
};

la_ssize_t Unpacker::read_callback(archive* a, void* self, const void** buffer) {
  auto* unpacker = static_cast<Unpacker*>(self);
  auto bytes = unpacker->tar_.read();
  if (!bytes) {
    unpacker->source_error_ = std::move(bytes).error();
    archive_set_error(a, EIO, "the stream failed");
    return -1;
  }
  *buffer = bytes->data();
  return static_cast<la_ssize_t>(bytes->size());
}

Status Unpacker::open_archive() {
  archive_.reset(archive_read_new());
  archive_read_support_format_tar(archive_.get());
  archive_read_support_format_empty(archive_.get());
  if (archive_read_open(archive_.get(), this, nullptr, read_callback, nullptr) != ARCHIVE_OK) {
    return archive_error("open the archive");
  }
  return {};
}

tl::unexpected<Error> Unpacker::archive_error(std::string_view what) const {
  if (source_error_) return tl::unexpected<Error>(*source_error_);
  const char* reason = archive_error_string(archive_.get());
  return fail(Errc::kCorrupt, "{} at byte {} of the tar: {}", what,
              archive_filter_bytes(archive_.get(), 0), reason != nullptr ? reason : "damaged");
}

// False at the end. A warning is fine when it is about character sets: we want bytes.
Result<bool> Unpacker::next(archive_entry*& entry) {
  int status = archive_read_next_header(archive_.get(), &entry);
  if (status == ARCHIVE_EOF) return false;
  if (status == ARCHIVE_OK) return true;
  const char* reason = archive_error_string(archive_.get());
  bool charset = reason != nullptr && std::string_view(reason).find("convert") != std::string::npos;
  if (status == ARCHIVE_WARN && charset) return true;
  return archive_error("read an entry");
}

Status Unpacker::drain() {
  while (!TRY(tar_.read()).empty()) {
  }
  return {};
}

Result<HighestOwner> Unpacker::run() {
  PlainLocale plain;
  TRY(open_archive());
  uint64_t entries = 0;
  archive_entry* entry = nullptr;
  while (TRY(next(entry))) {
    if (++entries > options_.entries_max) {
      return fail(Errc::kExhausted, "the layer has more than {} entries", options_.entries_max);
    }
    const char* name = archive_entry_pathname(entry);
    if (name == nullptr) return archive_error("read the name of an entry");
    auto done = unpack_entry(entry, name);
    if (!done) return wrap(std::move(done).error(), "entry \"{}\"", printable(name, 400));
  }
  TRY(drain());
  TRY(tree_.finish());
  return highest_;
}

Status Unpacker::unpack_entry(archive_entry* entry, const std::string& name) {
  std::string path = TRY(clean_path(name));
  size_t slash = path.rfind('/');
  std::string base = slash == std::string::npos ? path : path.substr(slash + 1);
  std::string parent = slash == std::string::npos ? "" : path.substr(0, slash);
  if (TRY(is_of_aufs(path, parent))) return {};
  if (base.starts_with(kWhiteoutPrefix)) return reserved(parent, base);
  LayerTree::Place place = TRY(tree_.place(path));
  if (const char* target = archive_entry_hardlink(entry)) return tree_.link(place, target);
  return make(entry, place);
}

// Below a reserved name there is what aufs kept for itself. Nothing of it shows in a container; but
// files of several names lie in kLinksDirectory, and entries are hard links to them.
Result<bool> Unpacker::is_of_aufs(const std::string& path, const std::string& parent) {
  if (parent.find(kWhiteoutPrefix) == std::string::npos) return false;
  for (const std::string& component : split(parent, '/')) {
    if (!component.starts_with(kWhiteoutPrefix)) continue;
    if (!component.starts_with(kReservedPrefix)) {
      return fail(Errc::kInvalid, "lies beneath \"{}\", which is the name of a whiteout",
                  printable(component, 255));
    }
    if (parent != kLinksDirectory) return true;
    tree_.temporary(parent);
    return path.substr(parent.size() + 1).starts_with(kWhiteoutPrefix);
  }
  return false;
}

Status Unpacker::reserved(const std::string& parent, const std::string& name) {
  if (name == kOpaqueName) {
    // The directory is known once all entries are: finish() resolves it.
    tree_.opaque(parent);
    return {};
  }
  if (name.starts_with(kReservedPrefix)) return {};
  std::string hidden = name.substr(kWhiteoutPrefix.size());
  if (hidden.empty() || hidden == "." || hidden == "..") {
    return fail(Errc::kInvalid, "is a whiteout of no possible name");
  }
  tree_.whiteout(parent.empty() ? hidden : parent + "/" + hidden);
  return {};
}

// With its looks.
Status Unpacker::make(archive_entry* entry, const LayerTree::Place& place) {
  if (archive_entry_filetype(entry) == AE_IFDIR) {
    TRY(tree_.make_directory(place, archive_entry_perm(entry) & 0777));
    return set_looks(entry, place);
  }
  // Nearly every name is new: it is cheaper to find out by making it than to look first.
  if (!place.name.empty()) {
    auto made = make_new(entry, place);
    if (made || made.error().errno_value != EEXIST) return made;
  }
  TRY(tree_.clear(place));
  return make_new(entry, place);
}

// EEXIST when something stands there; then nothing of the entry's content has been read.
Status Unpacker::make_new(archive_entry* entry, const LayerTree::Place& place) {
  mode_t type = archive_entry_filetype(entry);
  switch (type) {
    case AE_IFREG:
      return make_file(entry, place);
    case AE_IFLNK: {
      const char* target = archive_entry_symlink(entry);
      if (target == nullptr) return fail(Errc::kCorrupt, "a symlink without a target");
      TRY(sys::symlink_at(target, place.dirfd, place.name));
      return set_looks(entry, place);
    }
    case AE_IFCHR:
    case AE_IFBLK: {
      dev_t device = archive_entry_rdev(entry);
      if (type == AE_IFCHR && device == 0) {
        return fail(Errc::kInvalid, "a character device 0:0 would forge a whiteout");
      }
      TRY(sys::make_node_at(place.dirfd, place.name, type | 0600, device));
      return set_looks(entry, place);
    }
    case AE_IFIFO:
      TRY(sys::make_node_at(place.dirfd, place.name, S_IFIFO | 0600, 0));
      return set_looks(entry, place);
    default:
      return fail(Errc::kUnsupported, "an entry of an unknown type");
  }
}

Status Unpacker::make_file(archive_entry* entry, const LayerTree::Place& place) {
  sys::Fd fd = TRY(sys::create_at(place.dirfd, place.name, archive_entry_perm(entry) & 0777));
  TRY(write_content(fd.get(), archive_entry_size(entry)));
  return set_file_looks(entry, place, fd.get());
}

Status Unpacker::write_content(int fd, int64_t size) {
  int64_t end = 0;
  while (true) {
    const void* data = nullptr;
    size_t length = 0;
    la_int64_t offset = 0;
    int status = archive_read_data_block(archive_.get(), &data, &length, &offset);
    if (status == ARCHIVE_EOF) break;
    if (status != ARCHIVE_OK) return archive_error("read the content");
    if (length == 0) continue;
    TRY(check_reserve(length));
    TRY(sys::write_at(fd, {static_cast<const char*>(data), length}, offset));
    end = std::max<int64_t>(end, offset + static_cast<int64_t>(length));
  }
  if (end < size) return sys::set_size(fd, size);  // ends with a hole
  return {};
}

Status Unpacker::check_reserve(size_t written) {
  unchecked_bytes_ += written;
  if (unchecked_bytes_ < kReserveCheckBytes) return {};
  unchecked_bytes_ = 0;
  if (TRY(sys::free_bytes(target_)) >= options_.disk_reserve_bytes) return {};
  return fail(Errc::kExhausted, "less than {} would be left on the disk",
              format_bytes(options_.disk_reserve_bytes));
}

Status Unpacker::set_looks(archive_entry* entry, const LayerTree::Place& place) {
  TRY(set_owner_and_mode(entry, place, {place.dirfd, place.name}));
  if (archive_entry_filetype(entry) != AE_IFDIR) {
    return sys::set_times_at(place.dirfd, place.name, times_of(entry));
  }
  tree_.set_directory_times(place, times_of(entry));
  return {};
}

// The same for a file that is still open.
Status Unpacker::set_file_looks(archive_entry* entry, const LayerTree::Place& place, int fd) {
  static const std::string kItself;
  TRY(set_owner_and_mode(entry, place, {fd, kItself}));
  return sys::set_times_at(fd, "", times_of(entry));
}

// And attributes, which are set by name: /proc/self/fd of a file cannot be. Most entries are made
// with the owner and mode that they shall have; to ask costs less than to set them again. The owner
// comes first: chown clears setuid, setgid and file capabilities.
Status Unpacker::set_owner_and_mode(archive_entry* entry, const LayerTree::Place& place,
                                    const sys::Entry& at) {
  sys::Owner owner = TRY(owner_of(entry));
  note_id(highest_.uid, owner.uid, place);
  note_id(highest_.gid, owner.gid, place);
  auto made = TRY(sys::stat_at(at.dirfd, at.name));
  if (!made) return fail(Errc::kInternal, "is gone");
  bool is_owner = made->st_uid == owner.uid && made->st_gid == owner.gid;
  if (!is_owner) TRY(sys::chown_at(at.dirfd, at.name, owner));
  TRY(set_xattrs(entry, place));
  mode_t mode = archive_entry_perm(entry) & 07777;
  bool is_mode = is_owner && (made->st_mode & 07777) == mode;
  if (is_mode || S_ISLNK(made->st_mode)) return {};
  return sys::chmod_at(at.dirfd, at.name, mode);
}

Status Unpacker::set_xattrs(archive_entry* entry, const LayerTree::Place& place) {
  const char* name = nullptr;
  const void* value = nullptr;
  size_t size = 0;
  archive_entry_xattr_reset(entry);
  while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
    std::string attribute = name;
    if (attribute.starts_with(kOverlayAttributes)) {
      return fail(Errc::kInvalid, "the attribute {} is not for archives to set",
                  printable(attribute, 100));
    }
    if (!is_allowed(attribute)) continue;
    auto set = sys::set_xattr_at(place.dirfd, place.name, attribute,
                                 {static_cast<const char*>(value), size});
    if (set) continue;
    if (set.error().errno_value != ENOTSUP && set.error().errno_value != EPERM) return set;
    if (!warned_of_xattrs_) LOG(kWarn, "extended attribute dropped", {{"attribute", attribute}});
    warned_of_xattrs_ = true;
  }
  return {};
}

}  // namespace

Result<HighestOwner> unpack(ByteSource& tar, const std::string& target,
                            const UnpackOptions& options) {
  LayerTree tree = TRY(LayerTree::open(target, options.lower));
  return Unpacker(tar, std::move(tree), target, options).run();
}

}  // namespace berth::image
