#include "aws/hash.h"

#include "base/check.h"
#include "base/text.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

namespace berth::aws {
namespace {

std::string_view view_of(const std::array<unsigned char, EVP_MAX_MD_SIZE>& bytes, unsigned length) {
  return {reinterpret_cast<const char*>(bytes.data()), length};
}

std::string hash_hex(std::string_view bytes, const EVP_MD* kind) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  CHECK(EVP_Digest(bytes.data(), bytes.size(), digest.data(), &length, kind, nullptr) == 1);
  return to_hex(view_of(digest, length));
}

}  // namespace

std::string sha256_hex(std::string_view bytes) {
  return hash_hex(bytes, EVP_sha256());
}

std::string sha1_hex(std::string_view bytes) {
  return hash_hex(bytes, EVP_sha1());
}

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  const unsigned char* done = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   bytes.size(), digest.data(), &length);
  CHECK(done != nullptr);
  return std::string(view_of(digest, length));
}

bool is_same_secret(std::string_view one, std::string_view other) {
  return one.size() == other.size() && CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0;
}

}  // namespace berth::aws
