#include "secrets/cipher.h"

#include <openssl/evp.h>

#include <limits>
#include <memory>

namespace berth::secrets {
namespace {

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

bool fits(std::string_view text) {
  return text.size() <= static_cast<size_t>(std::numeric_limits<int>::max());
}

}  // namespace

Result<std::string> seal(const Secret& key, std::string_view nonce, std::string_view context,
                         const Secret& text) {
  const std::string& plain = text.reveal();
  bool is_sane = key.reveal().size() == kCipherKey && nonce.size() == kCipherNonce && fits(plain) &&
                 fits(context);
  if (!is_sane) return fail(Errc::kInternal, "seal: key, nonce or text of a wrong size");
  Context cipher(EVP_CIPHER_CTX_new());
  std::string out(plain.size(), '\0');
  std::string tag(kCipherTag, '\0');
  int size = 0;
  int rest = 0;
  bool is_done =
      cipher &&
      EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes_of(key.reveal()),
                         bytes_of(nonce)) == 1 &&
      EVP_EncryptUpdate(cipher.get(), nullptr, &size, bytes_of(context),
                        static_cast<int>(context.size())) == 1 &&
      EVP_EncryptUpdate(cipher.get(), bytes_of(out), &size, bytes_of(plain),
                        static_cast<int>(plain.size())) == 1 &&
      EVP_EncryptFinal_ex(cipher.get(), bytes_of(out) + size, &rest) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kCipherTag, tag.data()) == 1;
  if (!is_done) return fail(Errc::kInternal, "seal: OpenSSL refuses");
  return std::string(nonce) + out + tag;
}

Result<Secret> open_sealed(const Secret& key, std::string_view context, std::string_view sealed) {
  auto corrupt = [] { return fail(Errc::kCorrupt, "the key or the sealed text is another"); };
  bool is_sane = key.reveal().size() == kCipherKey && sealed.size() >= kCipherNonce + kCipherTag &&
                 fits(sealed) && fits(context);
  if (!is_sane) return corrupt();
  std::string_view nonce = sealed.substr(0, kCipherNonce);
  std::string tag(sealed.substr(sealed.size() - kCipherTag));
  std::string_view body = sealed.substr(kCipherNonce, sealed.size() - kCipherNonce - kCipherTag);
  Context cipher(EVP_CIPHER_CTX_new());
  std::string out(body.size(), '\0');
  int size = 0;
  int rest = 0;
  bool is_done =
      cipher &&
      EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes_of(key.reveal()),
                         bytes_of(nonce)) == 1 &&
      EVP_DecryptUpdate(cipher.get(), nullptr, &size, bytes_of(context),
                        static_cast<int>(context.size())) == 1 &&
      EVP_DecryptUpdate(cipher.get(), bytes_of(out), &size, bytes_of(body),
                        static_cast<int>(body.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kCipherTag, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(cipher.get(), bytes_of(out) + size, &rest) == 1;
  if (!is_done) return corrupt();
  return Secret(std::move(out));
}

}  // namespace berth::secrets
