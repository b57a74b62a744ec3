#include "image/gzip_header.h"

#include <isa-l/crc.h>

namespace berth::image {
namespace {

constexpr size_t kFixedSize = 10;  // magic, method, flags, time, extra flags, system
constexpr uint8_t kDeflate = 8;
constexpr uint8_t kHasChecksum = 2;
constexpr uint8_t kHasExtra = 4;
constexpr uint8_t kHasName = 8;
constexpr uint8_t kHasComment = 16;
constexpr uint8_t kReserved = 0xe0;

}  // namespace

Result<bool> GzipHeader::take(std::string_view& bytes) {
  while (part_ != Part::kDone && !bytes.empty()) {
    TRY(step(static_cast<uint8_t>(bytes[0])));
    bytes.remove_prefix(1);
  }
  return part_ == Part::kDone;
}

Status GzipHeader::step(uint8_t byte) {
  if (part_ != Part::kChecksum) crc_ = crc32_gzip_refl(crc_, &byte, 1);
  ++at_;
  switch (part_) {
    case Part::kFixed:
      return fixed(byte);
    case Part::kExtraLength:
      number_ |= uint32_t{byte} << (8 * (at_ - 1));
      if (at_ == 2) advance();
      return {};
    case Part::kExtra:
      if (at_ == number_) advance();
      return {};
    case Part::kName:
    case Part::kComment:
      if (byte == 0) advance();
      return {};
    case Part::kChecksum:
      number_ |= uint32_t{byte} << (8 * (at_ - 1));
      if (at_ < 2) return {};
      if (number_ != (crc_ & 0xffff)) return fail(Errc::kCorrupt, "wrong checksum of the header");
      advance();
      return {};
    case Part::kDone:
      return {};
  }
  return {};
}

Status GzipHeader::fixed(uint8_t byte) {
  if ((at_ == 1 && byte != 0x1f) || (at_ == 2 && byte != 0x8b)) {
    return fail(Errc::kCorrupt, "invalid header");
  }
  if (at_ == 3 && byte != kDeflate) return fail(Errc::kCorrupt, "unknown compression method");
  if (at_ == 4) flags_ = byte;
  if ((flags_ & kReserved) != 0) return fail(Errc::kCorrupt, "invalid header");
  if (at_ == kFixedSize) advance();
  return {};
}

// To the next part that the flags announce.
void GzipHeader::advance() {
  auto begin = [this](Part part) {
    part_ = part;
    at_ = 0;
    if (part != Part::kExtra) number_ = 0;
  };
  switch (part_) {
    case Part::kFixed:
      if ((flags_ & kHasExtra) != 0) return begin(Part::kExtraLength);
      [[fallthrough]];
    case Part::kExtraLength:
      if (number_ > 0) return begin(Part::kExtra);
      [[fallthrough]];
    case Part::kExtra:
      if ((flags_ & kHasName) != 0) return begin(Part::kName);
      [[fallthrough]];
    case Part::kName:
      if ((flags_ & kHasComment) != 0) return begin(Part::kComment);
      [[fallthrough]];
    case Part::kComment:
      if ((flags_ & kHasChecksum) != 0) return begin(Part::kChecksum);
      [[fallthrough]];
    case Part::kChecksum:
    case Part::kDone:
      return begin(Part::kDone);
  }
}

}  // namespace berth::image
