#include "image/unpack.h"

#include "base/log.h"
#include "base/text.h"
#include "image/attribute_rules.h"
#include "image/layer_tree.h"
#include "image/looks.h"
#include "image/medium.h"
#include "sys/host.h"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>  // NOLINT(modernize-deprecated-headers): newlocale is POSIX, not in <clocale>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace berth::image {
namespace {

constexpr uint64_t kReserveCheckBytes = uint64_t{64} << 20;
constexpr size_t kOwnerPathMax = 400;
constexpr unsigned kMajorMax = 0xfff;  // as <linux/kdev_t.h>
constexpr unsigned kMinorMax = 0xfffff;
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

// What a disk takes for an entry, besides names and attributes.
constexpr size_t kEntryBytes = 256;

class Unpacker {
 public:
  Unpacker(ByteSource& tar, Medium& medium, const UnpackOptions& options)
      : tar_(tar),
        medium_(medium),
        tree_(medium, options.lower, [this](size_t bytes) { return check_reserve(bytes); }),
        options_(options) {}

  Result<HighestOwner> run();

 private:
  static la_ssize_t read_callback(archive*, void* self, const void** buffer);
  Status open_archive();
  Result<bool> next(archive_entry*& entry);
  tl::unexpected<Error> archive_error(std::string_view what) const;
  Status drain();

  Status unpack_entries();
  Status unpack_entry(archive_entry* entry, const std::string& name);
  Result<bool> is_of_aufs(const std::string& path, const std::string& parent);
  Status reserved(const std::string& parent, const std::string& name);
  Result<Looks> looks_of(archive_entry* entry);
  Result<Attributes> attributes_of(archive_entry* entry);
  Status make(archive_entry* entry, const LayerTree::Place& place);
  Status make_other(archive_entry* entry, const LayerTree::Place& place);
  Status make_new(archive_entry* entry, const LayerTree::Place& place);
  Status make_file(archive_entry* entry, const LayerTree::Place& place, Looks looks);
  Status read_content(int64_t size);
  Status check_reserve(size_t written);

  ByteSource& tar_;
  Medium& medium_;
  LayerTree tree_;
  const UnpackOptions& options_;
  std::unique_ptr<archive, TarCloser> archive_;
  std::optional<Error> source_error_;  // what the source failed with, under libarchive's feet
  uint64_t unchecked_bytes_ = kReserveCheckBytes;  // the first entry checks
  bool has_warned_ = false;                        // of an attribute
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

// Of several failures the one whose entry came first.
Result<HighestOwner> Unpacker::run() {
  PlainLocale plain;
  TRY(open_archive());
  Status unpacked = unpack_entries();
  TRY(medium_.settle());
  TRY(std::move(unpacked));
  TRY(drain());
  TRY(check_reserve(kReserveCheckBytes));  // for what the end writes
  TRY(tree_.finish());
  return highest_;
}

Status Unpacker::unpack_entries() {
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
  return {};
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
    return tree_.opaque(parent);
  }
  if (name.starts_with(kReservedPrefix)) return {};
  std::string hidden = name.substr(kWhiteoutPrefix.size());
  if (hidden.empty() || hidden == "." || hidden == "..") {
    return fail(Errc::kInvalid, "is a whiteout of no possible name");
  }
  return tree_.whiteout(parent.empty() ? hidden : parent + "/" + hidden);
}

Result<Looks> Unpacker::looks_of(archive_entry* entry) {
  sys::Owner owner = TRY(owner_of(entry));
  Attributes attributes = TRY(attributes_of(entry));
  mode_t mode = archive_entry_perm(entry) & 07777;
  size_t bytes = kEntryBytes;
  for (const auto& [name, value] : attributes) bytes += name.size() + value.size();
  TRY(check_reserve(bytes));
  return Looks{owner, mode, std::move(attributes), times_of(entry)};
}

// Some archives say each twice, in two dialects.
Result<Attributes> Unpacker::attributes_of(archive_entry* entry) {
  Attributes attributes;
  const char* name = nullptr;
  const void* bytes = nullptr;
  size_t size = 0;
  mode_t type = archive_entry_filetype(entry);  // AE_IF* are S_IF*
  archive_entry_xattr_reset(entry);
  while (archive_entry_xattr_next(entry, &name, &bytes, &size) == ARCHIVE_OK) {
    std::string_view value(static_cast<const char*>(bytes), size);
    AttributeFate fate = TRY(fate_of_attribute(type, name, value));
    if (fate == AttributeFate::kTaken) set_attribute(attributes, name, value);
    if (fate != AttributeFate::kNoPlace || has_warned_) continue;
    has_warned_ = true;
    LOG(kWarn, "extended attribute dropped", {{"attribute", name}});
  }
  return attributes;
}

// With its looks.
Status Unpacker::make(archive_entry* entry, const LayerTree::Place& place) {
  Looks looks = TRY(looks_of(entry));
  note_id(highest_.uid, looks.owner.uid, place);
  note_id(highest_.gid, looks.owner.gid, place);
  mode_t type = archive_entry_filetype(entry);
  if (type == AE_IFDIR) {
    TRY(tree_.make_directory(place, looks.mode & 0777));
    TRY(medium_.dress(place.entry(), looks));
    return tree_.set_directory_times(place, looks.times);
  }
  if (type == AE_IFREG) return make_file(entry, place, std::move(looks));
  TRY(make_other(entry, place));
  TRY(medium_.dress(place.entry(), looks));
  return medium_.set_times(place.entry(), looks.times);
}

// Nearly every name is new: it is cheaper to find out by making it than to look first.
Status Unpacker::make_other(archive_entry* entry, const LayerTree::Place& place) {
  if (!place.name.empty()) {
    auto made = make_new(entry, place);
    if (made || made.error().errno_value != EEXIST) return made;
  }
  TRY(tree_.clear(place));
  return make_new(entry, place);
}

// Neither a file nor a directory. EEXIST when something stands there.
Status Unpacker::make_new(archive_entry* entry, const LayerTree::Place& place) {
  mode_t type = archive_entry_filetype(entry);
  switch (type) {
    case AE_IFLNK: {
      const char* target = archive_entry_symlink(entry);
      if (target == nullptr) return fail(Errc::kCorrupt, "a symlink without a target");
      return medium_.make_symlink(place.entry(), target);
    }
    case AE_IFCHR:
    case AE_IFBLK: {
      dev_t device = archive_entry_rdev(entry);
      if (::gnu_dev_major(device) > kMajorMax || ::gnu_dev_minor(device) > kMinorMax) {
        return fail(Errc::kInvalid, "device {}:{} is beyond what Linux has",
                    ::gnu_dev_major(device), ::gnu_dev_minor(device));
      }
      if (type == AE_IFCHR && device == 0) {
        return fail(Errc::kInvalid, "a character device 0:0 would forge a whiteout");
      }
      return medium_.make_node(place.entry(), type | 0600, device);
    }
    case AE_IFIFO:
      return medium_.make_node(place.entry(), S_IFIFO | 0600, 0);
    default:
      return fail(Errc::kUnsupported, "an entry of an unknown type");
  }
}

Status Unpacker::make_file(archive_entry* entry, const LayerTree::Place& place, Looks looks) {
  if (!tree_.take_file(place)) TRY(tree_.clear(place));
  int64_t size = archive_entry_size(entry);
  TRY(medium_.begin_file({place.directory, place.name, std::move(looks), size,
                          archive_entry_pathname(entry), place.path}));
  TRY(read_content(size));
  return medium_.commit_file();
}

// A map of holes may lead beyond the size that is said for the file.
Status Unpacker::read_content(int64_t size) {
  while (true) {
    const void* data = nullptr;
    size_t length = 0;
    la_int64_t offset = 0;
    int status = archive_read_data_block(archive_.get(), &data, &length, &offset);
    if (status == ARCHIVE_EOF) return {};
    if (status != ARCHIVE_OK) return archive_error("read the content");
    if (length == 0) continue;
    if (offset > size || static_cast<int64_t>(length) > size - offset) {
      return fail(Errc::kCorrupt, "there is more content than the {} bytes that it should have",
                  size);
    }
    TRY(check_reserve(length));
    TRY(medium_.add_content({static_cast<const char*>(data), length}, offset));
  }
}

Status Unpacker::check_reserve(size_t written) {
  unchecked_bytes_ += written;
  if (unchecked_bytes_ < kReserveCheckBytes) return {};
  unchecked_bytes_ = 0;
  if (TRY(sys::free_bytes(options_.disk)) >= options_.disk_reserve_bytes) return {};
  return fail(Errc::kExhausted, "less than {} would be left on the disk",
              format_bytes(options_.disk_reserve_bytes));
}

}  // namespace

Result<HighestOwner> unpack(ByteSource& tar, Medium& medium, const UnpackOptions& options) {
  return Unpacker(tar, medium, options).run();
}

}  // namespace berth::image
