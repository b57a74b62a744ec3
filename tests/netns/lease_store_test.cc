#include "netns/ipam.h"

#include "sys/file.h"

#include <gtest/gtest.h>

namespace berth::netns {
namespace {

BridgePlan bridge() {
  BridgePlan plan;
  plan.subnet = *parse_ipv4_net("10.9.0.0/24");
  plan.gateway = *parse_ipv4("10.9.0.1");
  return plan;
}

TEST(LeaseStore, WhatAKilledWriterLeftIsRemoved) {
  auto root = sys::TemporaryDirectory::make("/tmp", "leases-");
  ASSERT_TRUE(root);
  auto leases = LeaseStore::open(root->path(), bridge());
  ASSERT_TRUE(leases) << leases.error().text;
  std::string half = root->path() + "/leases/0123.json.17.tmp";
  std::string port = root->path() + "/leases/.last-port.17.tmp";
  ASSERT_TRUE(sys::write_replace(half, "{\"version\"", 0600));
  ASSERT_TRUE(sys::write_replace(port, "4", 0600));
  auto held = leases->list();
  ASSERT_TRUE(held) << held.error().text;
  EXPECT_TRUE(held->empty());
  EXPECT_FALSE(sys::exists(half));
  EXPECT_FALSE(sys::exists(port));
}

class GivenAddresses : public testing::Test {
 protected:
  static BridgePlan small_bridge() {
    BridgePlan plan = bridge();
    plan.subnet = *parse_ipv4_net("10.9.0.0/29");  // .2 to .6
    return plan;
  }

  std::string give(const std::string& task) { return give_all(task, 1); }
  // So many at once; the first is told.
  std::string give_all(const std::string& task, size_t count) {
    auto note = [this](const std::set<Ipv4>& leased) {
      forgotten.push_back(leased);
      return can_forget;
    };
    LeaseRequest request{task, false, {}, true};
    for (size_t i = 0; i < count; ++i) request.endpoints.push_back({std::to_string(i), {}, {}});
    auto lease = leases.acquire(request, note);
    EXPECT_TRUE(lease) << lease.error().text;
    return to_string(*lease->endpoints[0].address);
  }
  void take_back(const std::string& task) {
    EXPECT_TRUE(leases.release(task, [](const auto&, const auto&) { return Status(); }));
  }

  sys::TemporaryDirectory root = *sys::TemporaryDirectory::make("/tmp", "leases-");
  LeaseStore leases = *LeaseStore::open(root.path(), small_bridge());
  std::vector<std::set<Ipv4>> forgotten;  // all but these, each time
  bool can_forget = true;
};

TEST_F(GivenAddresses, ConnectionsAreForgottenWhenAnAddressIsGivenAgain) {
  EXPECT_EQ(give("a"), "10.9.0.2");
  ASSERT_EQ(forgotten.size(), 1u) << "nobody knows who had it";
  for (const char* expected : {"10.9.0.3", "10.9.0.4", "10.9.0.5", "10.9.0.6"}) {
    EXPECT_EQ(give("b"), expected);
    take_back("b");
  }
  EXPECT_EQ(forgotten.size(), 1u) << "nobody had them";
  EXPECT_EQ(give("b"), "10.9.0.3");
  ASSERT_EQ(forgotten.size(), 2u);
  EXPECT_EQ(forgotten.back(), (std::set<Ipv4>{*parse_ipv4("10.9.0.2")})) << "that of a, who lives";
  EXPECT_EQ(give("c"), "10.9.0.4");
  EXPECT_EQ(forgotten.size(), 2u) << "all were forgotten at once";
}

TEST_F(GivenAddresses, WhatAPowerCutLeftOfTheListIsNone) {
  EXPECT_EQ(give("a"), "10.9.0.2");
  for (const std::string& rest : {std::string(), std::string(20, '\0'), std::string("10.9.0.")}) {
    take_back("a");
    ASSERT_TRUE(sys::write_replace(root.path() + "/leases/.given", rest, 0600));
    forgotten.clear();
    EXPECT_EQ(give("a"), "10.9.0.2");
    EXPECT_EQ(forgotten.size(), 1u) << rest;
  }
}

TEST_F(GivenAddresses, ConnectionsAreForgottenOnceInAWhile) {
  BridgePlan plan = bridge();
  plan.subnet = *parse_ipv4_net("10.9.0.0/16");
  leases = *LeaseStore::open(root.path(), plan);
  for (size_t i = 0; i < 4; ++i) {
    give_all("a", kGivenMax / 2);
    take_back("a");
  }
  EXPECT_EQ(forgotten.size(), 2u);
  give_all("b", kGivenMax);
  size_t before = forgotten.size();
  for (const char* task : {"c", "d", "e"}) give(task);
  EXPECT_EQ(forgotten.size(), before) << "those live";
}

TEST_F(GivenAddresses, WhatCouldNotBeForgottenIsTriedAgain) {
  for (size_t i = 0; i < 5; ++i) {
    give("a");
    take_back("a");
  }
  can_forget = false;
  EXPECT_EQ(give("a"), "10.9.0.2");
  take_back("a");
  can_forget = true;
  EXPECT_EQ(give("a"), "10.9.0.2");
  EXPECT_EQ(forgotten.size(), 3u) << "it is no address that nobody had";
}

}  // namespace
}  // namespace berth::netns
