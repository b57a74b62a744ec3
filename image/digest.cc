#include "image/digest.h"

#include "base/check.h"
#include "base/text.h"
#include "image/stream.h"
#include "sys/file.h"

#include <fcntl.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>

namespace berth::image {
namespace {}  // namespace

struct Sha256::Context {
  EVP_MD_CTX* evp = EVP_MD_CTX_new();
  ~Context() { EVP_MD_CTX_free(evp); }
};

bool is_digest(std::string_view text) {
  if (!text.starts_with(kDigestPrefix)) return false;
  std::string_view hex = text.substr(kDigestPrefix.size());
  return hex.size() == 64 && std::ranges::all_of(hex, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::string_view hex_of(std::string_view digest) {
  CHECK(is_digest(digest));
  return digest.substr(kDigestPrefix.size());
}

std::string digest_of(std::string_view bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.finish();
}

Result<std::string> digest_of_file(const std::string& path) {
  sys::Fd fd = TRY(sys::open(path, O_RDONLY));
  Sha256 hash;
  std::string buffer(kReadChunk, '\0');
  while (size_t got = TRY(sys::read_some(fd.get(), buffer.data(), buffer.size()))) {
    hash.update({buffer.data(), got});
  }
  return hash.finish();
}

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  CHECK(context_->evp != nullptr);
  CHECK(EVP_DigestInit_ex(context_->evp, EVP_sha256(), nullptr) == 1);
}
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

void Sha256::update(std::string_view bytes) {
  CHECK(EVP_DigestUpdate(context_->evp, bytes.data(), bytes.size()) == 1);
}

std::string Sha256::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned length = 0;
  CHECK(EVP_DigestFinal_ex(context_->evp, bytes.data(), &length) == 1);
  return std::string(kDigestPrefix) +
         to_hex(std::string_view(reinterpret_cast<const char*>(bytes.data()), length));
}

}  // namespace berth::image
