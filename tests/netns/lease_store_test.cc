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

}  // namespace
}  // namespace berth::netns
