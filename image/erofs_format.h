// The part of EROFS' on-disk format that berth writes: no compression, one device. (Linux,
// fs/erofs/erofs_fs.h and Documentation/filesystems/erofs.rst.) All numbers are little-endian, as
// are all processors that berth runs on.
//
//   block 0                  nothing, 1024 bytes on the superblock
//   any other, in any order  inodes (each with its attributes and the end of its content), content
//
// An inode is known by its place: its number is its offset in units of 32 bytes.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace berth::image::erofs {

static_assert(std::endian::native == std::endian::little);

constexpr uint32_t kMagic = 0xE0F5E1E2;
constexpr size_t kSuperOffset = 1024;
constexpr unsigned kBlockBits = 12;
constexpr size_t kBlockSize = size_t{1} << kBlockBits;
constexpr size_t kSlot = 32;
constexpr uint64_t kBlocksMax = UINT32_MAX;
// Which program wrote it, and how: a number that changes when the same layer makes other bytes.
// Kept as the volume's name.
constexpr std::string_view kWriter = "berth 1";
constexpr uint32_t kCompatMtime = 2;  // inodes have times of modification, not of change

struct Super {
  uint32_t magic;
  uint32_t checksum;  // of a feature that is not set
  uint32_t feature_compat;
  uint8_t block_bits;
  uint8_t extra_slots;
  uint16_t root;
  uint64_t inodes;
  uint64_t build_time;
  uint32_t build_time_nanoseconds;
  uint32_t blocks;
  uint32_t meta_block;  // where inode 0 would be
  uint32_t shared_attributes_block;
  uint8_t uuid[16];
  uint8_t volume_name[16];
  uint32_t feature_incompat;
  uint8_t unused[44];  // of features that are not set
};
static_assert(sizeof(Super) == 128);

// i_format: bit 0 says that the inode is an extended one.
constexpr uint16_t kPlain = 1 | 0 << 1;   // content in blocks one after the other
constexpr uint16_t kInline = 1 | 2 << 1;  // whole blocks so, what is left behind the inode

struct Inode {
  uint16_t format;
  uint16_t attributes;  // see attribute_count()
  uint16_t mode;
  uint16_t reserved;
  uint64_t size;
  uint32_t where;  // the first block, or the device
  uint32_t number;
  uint32_t uid;
  uint32_t gid;
  int64_t seconds;
  uint32_t nanoseconds;
  uint32_t links;
  uint8_t reserved2[16];
};
static_assert(sizeof(Inode) == 64);

// Before the attributes of an inode, if it has any.
struct AttributesHeader {
  uint32_t name_filter;
  uint8_t shared;
  uint8_t reserved[7];
};
static_assert(sizeof(AttributesHeader) == 12);

// Then come name (without what `index` stands for) and value, up to a multiple of 4.
struct Attribute {
  uint8_t name_size;
  uint8_t index;
  uint16_t value_size;
};
static_assert(sizeof(Attribute) == 4);

// In each block of a directory: these, sorted by name, then the names. The first one's says how
// many there are.
struct __attribute__((packed)) DirectoryEntry {
  uint64_t inode;
  uint16_t name_offset;
  uint8_t type;
  uint8_t reserved;
};
static_assert(sizeof(DirectoryEntry) == 12);

}  // namespace berth::image::erofs
