// GzipHeader: what stands before the deflate stream of a gzip member (RFC 1952), in pieces of any
// size. ISA-L 2.30 has a parser, too; but where a piece ends within an optional field it takes the
// rest of that field for deflated bytes.
#pragma once

#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace berth::image {

class GzipHeader {
 public:
  // Takes the header off the front of `bytes`; true once it is complete. kCorrupt for what is none.
  Result<bool> take(std::string_view& bytes);

 private:
  enum class Part { kFixed, kExtraLength, kExtra, kName, kComment, kChecksum, kDone };
  Status step(uint8_t byte);
  Status fixed(uint8_t byte);
  void advance();

  Part part_ = Part::kFixed;
  size_t at_ = 0;  // bytes of this part so far
  uint8_t flags_ = 0;
  uint32_t number_ = 0;  // what the part says, little endian
  uint32_t crc_ = 0;     // of all before the checksum
};

}  // namespace berth::image
