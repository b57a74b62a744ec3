// SHA-256 digests as registries write them: "sha256:" and 64 lower-case hexadecimal digits.
#pragma once

#include "base/result.h"

#include <memory>
#include <string>
#include <string_view>

namespace berth::image {

constexpr std::string_view kDigestPrefix = "sha256:";
constexpr size_t kDigestSize = kDigestPrefix.size() + 64;

bool is_digest(std::string_view text);
// The 64 digits of a well-formed digest.
std::string_view hex_of(std::string_view digest);
std::string digest_of(std::string_view bytes);
// Of what the file holds.
Result<std::string> digest_of_file(const std::string& path);

class Sha256 {
 public:
  Sha256();
  Sha256(Sha256&&) noexcept;
  ~Sha256();
  void update(std::string_view bytes);
  // The digest of all updates; call once.
  std::string finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace berth::image
