// Hashes of texts that are in memory. OpenSSL is known to hash.cc alone.
#pragma once

#include <string>
#include <string_view>

namespace berth::aws {

// 64 lower-case hexadecimal digits.
std::string sha256_hex(std::string_view bytes);
// 40: names of files that other tools of Amazon's have chosen; for nothing that must be secret.
std::string sha1_hex(std::string_view bytes);
// 32 bytes.
std::string hmac_sha256(std::string_view key, std::string_view bytes);
// In a time that does not depend on where the two differ.
bool is_same_secret(std::string_view one, std::string_view other);

}  // namespace berth::aws
