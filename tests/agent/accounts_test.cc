#include "agent/accounts.h"

#include <gtest/gtest.h>

namespace berth {
namespace {

constexpr const char* kPasswd =
    "root:x:0:0:root:/root:/bin/sh\n"
    "# a comment\n"
    "app:x:1000:1001:App:/home/app:/bin/sh\n"
    "1234:x:77:78::/odd:/bin/sh\n"
    "broken:x:abc:1::/:\n";
constexpr const char* kGroup =
    "root:x:0:\n"
    "app:x:1001:\n"
    "video:x:44:app,other\n"
    "audio:x:29:app\n";

TEST(Accounts, EveryFormOfUserResolvesAsInDocker) {
  struct Case {
    const char* user;
    uint32_t uid;
    uint32_t gid;
    std::vector<uint32_t> groups;
    const char* home;
  };
  const Case cases[] = {
      {"", 0, 0, {}, "/root"},
      {"app", 1000, 1001, {44, 29}, "/home/app"},
      {"1000", 1000, 1001, {44, 29}, "/home/app"},
      {"app:video", 1000, 44, {}, "/home/app"},
      {"app:5", 1000, 5, {}, "/home/app"},
      {"4242", 4242, 0, {}, "/"},
      {"4242:app", 4242, 1001, {}, "/"},
      {"4242:4343", 4242, 4343, {}, "/"},
      {"1234", 77, 78, {}, "/odd"},  // a name that looks like a number wins
  };
  for (const Case& c : cases) {
    auto account = agent::resolve_account(c.user, kPasswd, kGroup);
    ASSERT_TRUE(account.has_value()) << c.user << ": " << account.error().text;
    EXPECT_EQ(account->uid, c.uid) << c.user;
    EXPECT_EQ(account->gid, c.gid) << c.user;
    EXPECT_EQ(account->additional_gids, c.groups) << c.user;
    EXPECT_EQ(account->home, c.home) << c.user;
  }
}

TEST(Accounts, AnUnknownNameIsDockersError) {
  EXPECT_EQ(agent::resolve_account("nobody", kPasswd, kGroup).error().text,
            "unable to find user nobody: no matching entries in passwd file");
  EXPECT_EQ(agent::resolve_account("app:wheel", kPasswd, kGroup).error().text,
            "unable to find group wheel: no matching entries in group file");
  EXPECT_FALSE(agent::resolve_account("broken", kPasswd, kGroup).has_value());
  EXPECT_FALSE(agent::resolve_account("-1", kPasswd, kGroup).has_value());
  EXPECT_EQ(agent::resolve_account("0", "", "").value().home, "/");
}

}  // namespace
}  // namespace berth
