#include "secrets/cipher.h"

#include <gtest/gtest.h>

namespace berth::secrets {
namespace {

TEST(Cipher, OpensWhatItSealedAndNothingElse) {
  Secret key(std::string(kCipherKey, 'k'));
  std::string nonce(kCipherNonce, 'n');
  std::string sealed = seal(key, nonce, "context", Secret("text")).value();
  EXPECT_EQ(sealed.size(), kCipherNonce + 4 + kCipherTag);
  EXPECT_EQ(sealed.find("text"), std::string::npos);
  EXPECT_EQ(open_sealed(key, "context", sealed)->reveal(), "text");
  EXPECT_FALSE(open_sealed(key, "another", sealed));
  EXPECT_FALSE(open_sealed(Secret(std::string(kCipherKey, 'x')), "context", sealed));
  for (size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(open_sealed(key, "context", changed)) << i;
  }
  EXPECT_FALSE(open_sealed(key, "context", "short"));
}

}  // namespace
}  // namespace berth::secrets
