// Writing MessagePack: as much of it as the forward protocol of Fluentd has.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace berth::msgpack {

void put_array(std::string& to, uint32_t items);
void put_map(std::string& to, uint32_t pairs);
void put_text(std::string& to, std::string_view text);
void put_unsigned(std::string& to, uint64_t number);
// Of eight bytes: fixext 8.
void put_extension(std::string& to, uint8_t type, uint64_t big_endian);

}  // namespace berth::msgpack
