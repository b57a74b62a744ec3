#include "api/root_key.h"

#include "sys/file.h"

#include <gtest/gtest.h>

namespace berth::api {
namespace {

TEST(RootKey, IsMadeOnceForRootAlone) {
  auto directory = sys::TemporaryDirectory::make(testing::TempDir(), "berth-key-");
  std::string path = directory->path() + "/daemon/key.json";
  SeededRng rng(1);
  EXPECT_EQ(read_root_key(path).error().code, Errc::kNotFound);
  auto made = read_or_make_root_key(path, rng);
  ASSERT_TRUE(made) << made.error().text;
  EXPECT_EQ(made->id.size(), 20u);
  EXPECT_EQ(made->secret.reveal().size(), 40u);
  EXPECT_EQ(sys::stat(path)->st_mode & 07777, 0600u);
  EXPECT_EQ(sys::stat(directory->path() + "/daemon")->st_mode & 07777, 0700u);
  auto again = read_or_make_root_key(path, rng);
  EXPECT_EQ(again->id, made->id);
  EXPECT_EQ(again->secret.reveal(), made->secret.reveal());
}

TEST(RootKey, ThatOthersMayReadIsNotUsed) {
  auto directory = sys::TemporaryDirectory::make(testing::TempDir(), "berth-key-");
  std::string path = directory->path() + "/key.json";
  SeededRng rng(1);
  ASSERT_TRUE(read_or_make_root_key(path, rng));
  ASSERT_TRUE(sys::chmod(path, 0640));
  auto refused = read_or_make_root_key(path, rng);
  EXPECT_EQ(refused.error().code, Errc::kDenied);
  EXPECT_NE(refused.error().text.find("chmod 600"), std::string::npos);
}

TEST(RootKey, ThatIsDamagedIsNamed) {
  for (const char* text :
       {"", "{}", "{\"version\":2,\"accessKeyId\":\"a\",\"secretAccessKey\":\"b\"}",
        "{\"version\":1,\"accessKeyId\":\"\",\"secretAccessKey\":\"b\"}"}) {
    auto parsed = parse_root_key(text, "key.json");
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, Errc::kInvalid) << text;
  }
}

}  // namespace
}  // namespace berth::api
