#include "image/erofs_writer.h"

#include "base/text.h"
#include "image/erofs_format.h"
#include "sys/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <span>

namespace berth::image {
namespace {

using erofs::kBlockSize;
using erofs::kSlot;

constexpr uint64_t kRootAt = kBlockSize;  // its number has 16 bits only
constexpr uint64_t kRootRoom = 64 * 1024 + kBlockSize;
constexpr uint64_t kRecordsAtOnceMin = 4 * kBlockSize;
constexpr uint64_t kRecordsAtOnceMax = 64 * kBlockSize;
constexpr size_t kAttributesMax = 64 * 1024;  // of one inode: XATTR_LIST_MAX
constexpr size_t kOpaqueRoom = 64;            // overlayfs' mark, which may come later
constexpr size_t kRunMax = 1024 * 1024;
constexpr size_t kDirectMin = 128 * 1024;  // more than that is not worth to be gathered

uint64_t round_up(uint64_t number, uint64_t unit) {
  return (number + unit - 1) / unit * unit;
}

template <class T>
std::string_view bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

// The namespaces of extended attributes that have a number. The first two are whole names.
struct Namespace {
  uint8_t index;
  std::string_view prefix;
};
constexpr std::array kNamespaces = {Namespace{2, "system.posix_acl_access"},
                                    Namespace{3, "system.posix_acl_default"}, Namespace{1, "user."},
                                    Namespace{4, "trusted."}, Namespace{6, "security."}};

Result<std::string> attribute_bytes(const std::string& name, std::string_view value) {
  for (const Namespace& each : kNamespaces) {
    if (!name.starts_with(each.prefix)) continue;
    std::string_view rest = std::string_view(name).substr(each.prefix.size());
    if (rest.size() > std::numeric_limits<uint8_t>::max()) break;
    if (value.size() > std::numeric_limits<uint16_t>::max()) break;
    erofs::Attribute header{static_cast<uint8_t>(rest.size()), each.index,
                            static_cast<uint16_t>(value.size())};
    std::string bytes(bytes_of(header));
    bytes.append(rest).append(value);
    bytes.resize(round_up(bytes.size(), 4));
    return bytes;
  }
  return fail(Errc::kInvalid, "the attribute {} with {} bytes cannot be kept", printable(name, 100),
              value.size());
}

// What stands behind an inode of these looks, before its content.
Result<std::string> attributes_bytes(const Looks& looks) {
  if (looks.attributes.empty()) return std::string();
  std::string bytes(bytes_of(erofs::AttributesHeader{}));
  size_t listed = 0;  // as listxattr(2) gives the names
  for (const auto& [name, value] : looks.attributes) {
    bytes += TRY(attribute_bytes(name, value));
    listed += name.size() + 1;
  }
  if (std::max(bytes.size(), listed) <= kAttributesMax) return bytes;
  return fail(Errc::kInvalid, "its attributes are longer than {} bytes, which cannot be kept",
              kAttributesMax);
}

// In words of four bytes; the first stands for the whole header.
uint16_t attribute_count(std::string_view attributes) {
  if (attributes.empty()) return 0;
  return static_cast<uint16_t>((attributes.size() - sizeof(erofs::AttributesHeader)) / 4 + 1);
}

// As the kernel's new_encode_dev().
uint32_t device_number(dev_t device) {
  unsigned major = ::gnu_dev_major(device);
  unsigned minor = ::gnu_dev_minor(device);
  return (minor & 0xff) | major << 8 | (minor & ~0xffU) << 12;
}

// As readdir(3)'s, but in the format's own words.
uint8_t directory_type(mode_t type) {
  switch (type & S_IFMT) {
    case S_IFREG:
      return 1;
    case S_IFDIR:
      return 2;
    case S_IFCHR:
      return 3;
    case S_IFBLK:
      return 4;
    case S_IFIFO:
      return 5;
    case S_IFSOCK:
      return 6;
    case S_IFLNK:
      return 7;
    default:
      return 0;
  }
}

// The blocks of a directory; the last one as long as it is.
class DirectoryBlocks {
 public:
  void add(const ErofsWriter::Name& name) {
    size_t needed = sizeof(erofs::DirectoryEntry) + name.name.size();
    if (size_ + needed > kBlockSize) close_block();
    size_ += needed;
    block_.push_back(name);
  }

  std::string take() {
    put_block();
    return std::move(bytes_);
  }

 private:
  void close_block() {
    put_block();
    bytes_.resize(round_up(bytes_.size(), kBlockSize));
    block_.clear();
    size_ = 0;
  }

  void put_block() {
    size_t offset = block_.size() * sizeof(erofs::DirectoryEntry);
    for (const ErofsWriter::Name& name : block_) {
      erofs::DirectoryEntry entry{name.inode / kSlot, static_cast<uint16_t>(offset),
                                  directory_type(name.type), 0};
      bytes_ += bytes_of(entry);
      offset += name.name.size();
    }
    for (const ErofsWriter::Name& name : block_) bytes_ += name.name;
  }

  std::string bytes_;
  std::vector<ErofsWriter::Name> block_;
  size_t size_ = 0;
};

// With "." and "..", which stand in the order of the names like all others.
std::string directory_bytes(ErofsWriter::InodeNumber itself, ErofsWriter::InodeNumber parent,
                            std::vector<ErofsWriter::Name> names) {
  for (ErofsWriter::Name each :
       {ErofsWriter::Name{".", itself, S_IFDIR}, {"..", parent, S_IFDIR}}) {
    names.insert(std::ranges::lower_bound(names, each.name, {}, &ErofsWriter::Name::name), each);
  }
  DirectoryBlocks blocks;
  for (const ErofsWriter::Name& name : names) blocks.add(name);
  return blocks.take();
}

// Of the first half of a digest ("sha256:..."), by RFC 9562's version 8.
void put_uuid(std::string_view digest, std::span<uint8_t, 16> uuid) {
  std::string_view hex = digest.substr(digest.find(':') + 1);
  for (size_t i = 0; i < uuid.size(); ++i) {
    std::from_chars(&hex[2 * i], &hex[2 * i] + 2, uuid[i], 16);
  }
  uuid[6] = (uuid[6] & 0x0f) | 0x80;
  uuid[8] = (uuid[8] & 0x3f) | 0x80;
}

// How much of so many bytes goes into blocks, when the rest may stand behind an inode that takes
// `record` bytes without it.
uint64_t block_bytes(uint64_t size, size_t record) {
  uint64_t rest = size % kBlockSize;
  return record + rest <= kBlockSize ? size - rest : size;
}

}  // namespace

struct ErofsWriter::Record {
  const Looks& looks;
  mode_t mode;  // with the type
  uint64_t size;
  uint32_t where;
  uint32_t links;
  std::string attributes;
  std::string_view end;  // of the content
};

Status ErofsWriter::Run::write(int fd, std::string_view bytes, uint64_t offset) {
  uint64_t next = begin_ + bytes_.size();
  bool is_near = offset >= next && offset - next < kBlockSize;
  if (!bytes_.empty() && is_near) {
    bytes_.resize(bytes_.size() + (offset - next));
  } else {
    TRY(flush(fd));
    begin_ = offset;
  }
  if (bytes.size() >= kDirectMin) {
    TRY(flush(fd));
    return sys::write_at(fd, bytes, static_cast<int64_t>(offset));
  }
  bytes_ += bytes;
  return bytes_.size() >= kRunMax ? flush(fd) : Status();
}

Status ErofsWriter::Run::flush(int fd) {
  if (bytes_.empty()) return {};
  TRY(sys::write_at(fd, bytes_, static_cast<int64_t>(begin_)));
  bytes_.clear();
  return {};
}

ErofsWriter::ErofsWriter(sys::Fd file) : file_(std::move(file)), end_(kRootAt + kRootRoom) {}

Result<ErofsWriter> ErofsWriter::create(const std::string& path) {
  return ErofsWriter(TRY(sys::create(path, O_RDWR | O_EXCL, 0600)));
}

// Their offset.
Result<uint64_t> ErofsWriter::take_blocks(uint64_t bytes) {
  constexpr uint64_t kEndMax = erofs::kBlocksMax * kBlockSize;
  if (bytes > kEndMax - end_) {
    return fail(Errc::kExhausted, "the layer is larger than {}", format_bytes(kEndMax));
  }
  uint64_t offset = end_;
  end_ += round_up(bytes, kBlockSize);
  return offset;
}

// For an inode and what stands behind it, within one block if one can hold it.
Result<uint64_t> ErofsWriter::take_record(size_t size) {
  uint64_t begin = round_up(record_, kSlot);
  if (begin % kBlockSize + size > kBlockSize) begin = round_up(begin, kBlockSize);
  if (begin + size > records_end_) {
    uint64_t room = std::clamp(records_room_ * 2, kRecordsAtOnceMin, kRecordsAtOnceMax);
    records_room_ = room;
    room = std::max<uint64_t>(room, round_up(size, kBlockSize));
    begin = TRY(take_blocks(room));
    records_end_ = begin + room;
  }
  record_ = begin + size;
  return begin;
}

Status ErofsWriter::write_record(const Record& record, uint64_t offset) {
  const Looks& looks = record.looks;
  erofs::Inode inode{.format = record.end.empty() ? erofs::kPlain : erofs::kInline,
                     .attributes = attribute_count(record.attributes),
                     .mode = static_cast<uint16_t>(record.mode),
                     .reserved = 0,
                     .size = record.size,
                     .where = record.where,
                     .number = static_cast<uint32_t>(++count_),
                     .uid = looks.owner.uid,
                     .gid = looks.owner.gid,
                     .seconds = looks.times.modification.tv_sec,
                     .nanoseconds = static_cast<uint32_t>(looks.times.modification.tv_nsec),
                     .links = record.links,
                     .reserved2 = {}};
  for (std::string_view each : {bytes_of(inode), std::string_view(record.attributes), record.end}) {
    hash_.update(each);
  }
  TRY(records_.write(file_.get(), bytes_of(inode), offset));
  TRY(records_.write(file_.get(), record.attributes, offset + sizeof inode));
  return records_.write(file_.get(), record.end, offset + sizeof inode + record.attributes.size());
}

Result<ErofsWriter::InodeNumber> ErofsWriter::add_record(const Record& record) {
  size_t size = sizeof(erofs::Inode) + record.attributes.size() + record.end.size();
  uint64_t offset = TRY(take_record(size));
  TRY(write_record(record, offset));
  return offset;
}

Status ErofsWriter::check(const Looks& looks) {
  size_t size = TRY(attributes_bytes(looks)).size();
  if (size <= kAttributesMax - kOpaqueRoom) return {};
  return fail(Errc::kInvalid, "its attributes are longer than {} bytes, which cannot be kept",
              kAttributesMax - kOpaqueRoom);
}

Status ErofsWriter::begin_file(Looks looks, int64_t size) {
  file_now_ = {std::move(looks), "", static_cast<uint64_t>(size), 0, 0, ""};
  file_now_.attributes = TRY(attributes_bytes(file_now_.looks));
  file_now_.in_blocks =
      block_bytes(file_now_.size, sizeof(erofs::Inode) + file_now_.attributes.size());
  file_now_.begin = TRY(take_blocks(file_now_.in_blocks));
  file_now_.end.assign(file_now_.size - file_now_.in_blocks, '\0');
  return {};
}

Status ErofsWriter::add_content(std::string_view bytes, int64_t offset) {
  auto at = static_cast<uint64_t>(offset);
  if (at < file_now_.in_blocks) {
    size_t length = std::min<uint64_t>(bytes.size(), file_now_.in_blocks - at);
    TRY(content_.write(file_.get(), bytes.substr(0, length), file_now_.begin + at));
    bytes.remove_prefix(length);
    at += length;
  }
  if (!bytes.empty()) bytes.copy(&file_now_.end.at(at - file_now_.in_blocks), bytes.size());
  return {};
}

Result<ErofsWriter::InodeNumber> ErofsWriter::end_file() {
  return add_record({file_now_.looks, file_now_.looks.mode | S_IFREG, file_now_.size,
                     static_cast<uint32_t>(file_now_.begin / kBlockSize), 1,
                     std::move(file_now_.attributes), file_now_.end});
}

Result<ErofsWriter::InodeNumber> ErofsWriter::add_symlink(const Looks& looks,
                                                          std::string_view target) {
  std::string attributes = TRY(attributes_bytes(looks));
  uint64_t in_blocks = block_bytes(target.size(), sizeof(erofs::Inode) + attributes.size());
  uint64_t begin = TRY(take_blocks(in_blocks));
  TRY(content_.write(file_.get(), target.substr(0, in_blocks), begin));
  return add_record({looks, S_IFLNK | 0777, target.size(),
                     static_cast<uint32_t>(begin / kBlockSize), 1, std::move(attributes),
                     target.substr(in_blocks)});
}

Result<ErofsWriter::InodeNumber> ErofsWriter::add_node(const Looks& looks, mode_t type,
                                                       dev_t device) {
  return add_record(
      {looks, looks.mode | type, 0, device_number(device), 1, TRY(attributes_bytes(looks)), ""});
}

Result<ErofsWriter::InodeNumber> ErofsWriter::place_directory(const Looks& looks,
                                                              std::vector<Name> names) {
  uint64_t size = directory_bytes(0, 0, std::move(names)).size();
  size_t record = sizeof(erofs::Inode) + TRY(attributes_bytes(looks)).size();
  uint64_t in_blocks = block_bytes(size, record);
  record += size - in_blocks;
  bool is_root = directories_.empty();
  if (is_root && record > kRootRoom) {
    return fail(Errc::kInvalid, "the root has more than {} of attributes", format_bytes(kRootRoom));
  }
  uint64_t inode = is_root ? kRootAt : TRY(take_record(record));
  directories_.push_back({inode, TRY(take_blocks(in_blocks))});
  return inode;
}

Status ErofsWriter::write_directory(const Looks& looks, InodeNumber parent,
                                    std::vector<Name> names) {
  const Place& place = directories_.at(written_++);
  auto links = static_cast<uint32_t>(2 + std::ranges::count(names, mode_t{S_IFDIR}, &Name::type));
  std::string bytes = directory_bytes(place.inode, parent, std::move(names));
  std::string attributes = TRY(attributes_bytes(looks));
  uint64_t in_blocks = block_bytes(bytes.size(), sizeof(erofs::Inode) + attributes.size());
  std::string_view all = bytes;
  TRY(content_.write(file_.get(), all.substr(0, in_blocks), place.content));
  return write_record(
      {looks, looks.mode | S_IFDIR, bytes.size(), static_cast<uint32_t>(place.content / kBlockSize),
       links, std::move(attributes), all.substr(in_blocks)},
      place.inode);
}

Status ErofsWriter::finish() {
  TRY(content_.flush(file_.get()));
  TRY(records_.flush(file_.get()));
  for (const auto& [inode, links] : links_) {
    uint64_t offset = inode + offsetof(erofs::Inode, links);
    TRY(sys::write_at(file_.get(), bytes_of(links), static_cast<int64_t>(offset)));
  }
  if (records_end_ == end_) end_ = round_up(record_, kBlockSize);
  erofs::Super super{};
  super.magic = erofs::kMagic;
  super.feature_compat = erofs::kCompatMtime;
  super.block_bits = erofs::kBlockBits;
  super.root = kRootAt / kSlot;
  super.inodes = count_;
  super.blocks = static_cast<uint32_t>(end_ / kBlockSize);
  std::ranges::copy(erofs::kWriter, super.volume_name);
  // By which overlayfs tells layers apart, to keep the inode numbers of what it copies up. (Those
  // that differ in whole blocks of content alone are one to it, and then it does not.)
  put_uuid(hash_.finish(), super.uuid);
  TRY(sys::write_at(file_.get(), bytes_of(super), erofs::kSuperOffset));
  return sys::set_size(file_.get(), static_cast<int64_t>(end_));
}

}  // namespace berth::image
