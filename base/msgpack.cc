#include "base/msgpack.h"

namespace berth::msgpack {
namespace {

void put_big_endian(std::string& to, uint64_t number, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) to += static_cast<char>((number >> (8 * i)) & 0xff);
}

// A short form up to `short_max`, or the first of the longer ones that holds the size.
void put_size(std::string& to, uint32_t size, uint32_t short_max, uint8_t short_form,
              uint8_t form16, uint8_t form32) {
  if (size <= short_max) {
    to += static_cast<char>(short_form | size);
  } else if (size <= 0xffff) {
    to += static_cast<char>(form16);
    put_big_endian(to, size, 2);
  } else {
    to += static_cast<char>(form32);
    put_big_endian(to, size, 4);
  }
}

}  // namespace

void put_array(std::string& to, uint32_t items) {
  put_size(to, items, 15, 0x90, 0xdc, 0xdd);
}

void put_map(std::string& to, uint32_t pairs) {
  put_size(to, pairs, 15, 0x80, 0xde, 0xdf);
}

void put_text(std::string& to, std::string_view text) {
  put_size(to, static_cast<uint32_t>(text.size()), 31, 0xa0, 0xda, 0xdb);
  to += text;
}

void put_unsigned(std::string& to, uint64_t number) {
  if (number < 0x80) {
    to += static_cast<char>(number);
  } else if (number <= 0xffffffff) {
    to += '\xce';
    put_big_endian(to, number, 4);
  } else {
    to += '\xcf';
    put_big_endian(to, number, 8);
  }
}

void put_extension(std::string& to, uint8_t type, uint64_t big_endian) {
  to += '\xd7';
  to += static_cast<char>(type);
  put_big_endian(to, big_endian, 8);
}

}  // namespace berth::msgpack
