// Bytes as text, RFC 4648.
#pragma once

#include <string>
#include <string_view>

namespace berth::aws {

std::string encode_base64(std::string_view bytes);
// Empty for malformed text.
std::string decode_base64(std::string_view text);

}  // namespace berth::aws
