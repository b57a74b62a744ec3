#include "netns/group_record.h"

#include "netns/group_store.h"
#include "sys/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::netns {
namespace {

using testing::HasSubstr;

GroupRecord database_group() {
  GroupRecord record{.id = "sg-0123456789abcdef0", .name = "db", .description = "of <a> test"};
  RuleRecord postgres{.id = "sgr-1",
                      .protocol = "tcp",
                      .from_port = 5432,
                      .to_port = 5433,
                      .group = "sg-web",
                      .description = "why"};
  postgres.tags = {{"team", "blue"}};
  RuleRecord ping{.id = "sgr-2", .protocol = "icmp", .from_port = 8, .to_port = 0};
  ping.net = Ipv4Net{Ipv4{0x0a000000}, 8};
  RuleRecord out{.id = "sgr-3", .is_egress = true};
  out.group = "sg-00000000";
  RuleRecord ping6{.id = "sgr-4", .protocol = "icmpv6", .from_port = 128, .to_port = 0};
  ping6.net6 = Ipv6Net{*parse_ipv6("fd00::"), 8};
  record.rules = {postgres, ping, out, ping6};
  record.tags = {{"a", "b"}};
  return record;
}

TEST(GroupRecord, ComesBackAsItWasWritten) {
  GroupRecord record = database_group();
  EXPECT_EQ(parse_group_record(render_group_record(record), "g").value(), record);
  EXPECT_FALSE(parse_group_record(R"({"version": 2})", "g"));
}

TEST(GroupRecord, BecomesRulesOfTheFirewall) {
  Vpc vpc;
  vpc.groups.push_back({.name = "web", .ingress = {}, .egress = {}});
  SecurityGroup group = security_group_of(database_group(), vpc);
  EXPECT_EQ(group.name, "sg-0123456789abcdef0");
  std::string rules = render_groups("t", {group});
  for (const char* line :
       {"add set inet t members_web { type ipv4_addr; }",
        "add set inet t members_sg_2d00000000 { type ipv4_addr; }",
        "in_sg_2d0123456789abcdef0 tcp dport 5432-5433 ip saddr @members_web accept",
        "in_sg_2d0123456789abcdef0 icmpv6 type 128 icmpv6 code 0 ip6 saddr fd00::/8 accept",
        "in_sg_2d0123456789abcdef0 icmp type 8 icmp code 0 ip saddr 10.0.0.0/8 accept",
        "out_sg_2d0123456789abcdef0 ip daddr @members_sg_2d00000000 accept"}) {
    EXPECT_THAT(rules, HasSubstr(line));
  }
}

TEST(GroupRecord, OnlyIdsOfOurOwnAreFileNames) {
  EXPECT_TRUE(is_made_group_id("sg-0123456789abcdef0"));
  for (const char* id : {"sg-1", "sg-0123456789abcdef01", "sg-0123456Z", "sg-../../../x", "web"}) {
    EXPECT_FALSE(is_made_group_id(id)) << id;
  }
}

TEST(GroupStore, KeepsGroupsUntilTheyAreRemoved) {
  auto directory = sys::TemporaryDirectory::make("/tmp", "berth-groups-").value();
  GroupStore store(directory.path());
  EXPECT_TRUE(store.list().value().empty());
  EXPECT_EQ(store.lock_to_read().error().code, Errc::kNotFound);
  auto lock = store.lock_to_change();
  ASSERT_TRUE(lock);
  GroupRecord record = database_group();
  ASSERT_TRUE(store.put(record));
  EXPECT_TRUE(store.has(record.id));
  EXPECT_EQ(store.list().value(), std::vector<GroupRecord>{record});
  EXPECT_EQ(GroupStore(directory.path()).find(record.id).value(), record);
  ASSERT_TRUE(store.remove(record.id));
  EXPECT_EQ(store.find(record.id).value(), std::nullopt);
}

TEST(Vpc, GroupsOfTheConfigurationHaveIds) {
  Vpc vpc;
  for (const char* name : {"web", "sg-own", "default"}) vpc.groups.push_back({.name = name});
  EXPECT_EQ(find_configured_group(vpc, "sg-web")->name, "web");
  EXPECT_EQ(find_configured_group(vpc, "sg-own")->name, "sg-own");
  EXPECT_EQ(find_configured_group(vpc, kDefaultGroupId)->name, "default");
  EXPECT_EQ(find_configured_group(vpc, "sg-other"), nullptr);
  EXPECT_EQ(firewall_name_of(vpc, "sg-0123456789"), "sg-0123456789");
}

}  // namespace
}  // namespace berth::netns
