// AES-256-GCM over texts that are in memory. OpenSSL is known to cipher.cc alone in this folder.
#pragma once

#include "base/result.h"
#include "base/secret.h"

#include <string>
#include <string_view>

namespace berth::secrets {

constexpr size_t kCipherKey = 32;
constexpr size_t kCipherNonce = 12;
constexpr size_t kCipherTag = 16;

// `nonce`: kCipherNonce bytes that this key has never seen. `context` is not hidden, but what is
// opened with another is not accepted. The answer: nonce, ciphertext, tag.
Result<std::string> seal(const Secret& key, std::string_view nonce, std::string_view context,
                         const Secret& text);
// kCorrupt when it is not what seal() made with this key and context.
Result<Secret> open_sealed(const Secret& key, std::string_view context, std::string_view sealed);

}  // namespace berth::secrets
