#include "netns/ipam.h"

#include <gtest/gtest.h>

namespace berth::netns {
namespace {

Pool small_pool() {
  Pool pool;
  pool.subnet = {{0x0a000000}, 29};  // .1 gateway, .2 to .6 free
  pool.gateway = {0x0a000001};
  pool.dynamic_ports = {40000, 40001};
  pool.port_is_free = [](const PublishedPort& port) { return port.host_port != 9; };
  return pool;
}

LeaseRequest request_for(const std::string& task, uint16_t host_port) {
  return {task, true, {{"task", {}, {{Ipv4{0}, host_port, 80, Protocol::kTcp}}}}, true};
}

TEST(Allocate, GivesWhatNobodyHas) {
  auto first = allocate(small_pool(), {}, request_for("a", 0));
  ASSERT_TRUE(first);
  auto second = allocate(small_pool(), {*first}, request_for("b", 0));
  ASSERT_TRUE(second);
  EXPECT_EQ(first->endpoints[0].address, Ipv4{0x0a000002});
  EXPECT_EQ(second->endpoints[0].address, Ipv4{0x0a000003});
  EXPECT_EQ(second->endpoints[0].ports[0].host_port, 40001);
  EXPECT_EQ(*second->uid_start, *first->uid_start + kUidRange);
  auto third = allocate(small_pool(), {*first, *second}, request_for("c", 0));
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, Errc::kExhausted);
}

TEST(Allocate, AddressesAreOfThePartThatIsAskedFor) {
  auto pool = small_pool();
  pool.subnet = {{0x0a000000}, 24};
  LeaseRequest upper = request_for("a", 0);
  upper.within = Ipv4Net{{0x0a000080}, 30};
  auto first = allocate(pool, {}, upper);
  auto second = allocate(pool, {*first}, upper);
  ASSERT_TRUE(second);
  EXPECT_EQ(first->endpoints[0].address, Ipv4{0x0a000081});
  EXPECT_EQ(second->endpoints[0].address, Ipv4{0x0a000082});
  EXPECT_EQ(allocate(pool, {*first, *second}, upper).error().code, Errc::kExhausted);
  LeaseRequest lower = request_for("b", 8080);
  lower.within = Ipv4Net{{0x0a000000}, 28};
  EXPECT_EQ(allocate(pool, {*first}, lower)->endpoints[0].address, Ipv4{0x0a000002});
}

TEST(Allocate, AnAddressThatSomebodyHadComesAfterThoseThatNobodyHad) {
  auto pool = small_pool();
  pool.given = {Ipv4{0x0a000002}, Ipv4{0x0a000003}, Ipv4{0x0a000005}};
  auto first = allocate(pool, {}, request_for("a", 8080));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->endpoints[0].address, Ipv4{0x0a000004});
  auto second = allocate(pool, {*first}, request_for("b", 8081));
  ASSERT_TRUE(second);
  EXPECT_EQ(second->endpoints[0].address, Ipv4{0x0a000006});
  auto third = allocate(pool, {*first, *second}, request_for("c", 8082));
  ASSERT_TRUE(third);
  EXPECT_EQ(third->endpoints[0].address, Ipv4{0x0a000002}) << "there is no other";
}

TEST(Allocate, AFixedPortIsHadOnce) {
  auto first = allocate(small_pool(), {}, request_for("a", 8080));
  ASSERT_TRUE(first);
  EXPECT_EQ(allocate(small_pool(), {*first}, request_for("b", 8080)).error().code, Errc::kExists);
  EXPECT_EQ(allocate(small_pool(), {}, request_for("b", 9)).error().code, Errc::kExists);
}

TEST(Allocate, DynamicPortsGoOnBehindTheLastGivenAndWrap) {
  auto pool = small_pool();
  pool.last_dynamic_port = 40000;
  EXPECT_EQ(allocate(pool, {}, request_for("a", 0))->endpoints[0].ports[0].host_port, 40001);
  pool.last_dynamic_port = 40001;
  EXPECT_EQ(allocate(pool, {}, request_for("a", 0))->endpoints[0].ports[0].host_port, 40000);
  pool.last_dynamic_port = 7;  // of another range
  EXPECT_EQ(allocate(pool, {}, request_for("a", 0))->endpoints[0].ports[0].host_port, 40000);
}

TEST(Allocate, AHostAddressThatCannotBeBoundIsNotCalledTaken) {
  auto pool = small_pool();
  pool.port_is_free = [](const PublishedPort&) -> Result<bool> {
    return fail(Errc::kInvalid, "this host has no address 192.0.2.1");
  };
  for (uint16_t port : {0, 8080}) {
    auto lease = allocate(pool, {}, request_for("a", port));
    ASSERT_FALSE(lease);
    EXPECT_EQ(lease.error().code, Errc::kInvalid);
    EXPECT_EQ(lease.error().text, "this host has no address 192.0.2.1");
  }
}

TEST(Allocate, ARangeIsOfPortsInARow) {
  auto pool = small_pool();
  pool.dynamic_ports = {51670, 51690};  // 51678 to 51680 are reserved
  LeaseRequest request = request_for("a", 0);
  request.endpoints[0].ports[0].count = 9;
  auto first = allocate(pool, {}, request);
  ASSERT_TRUE(first) << first.error().text;
  EXPECT_EQ(first->endpoints[0].ports[0].host_port, 51681);
  // 8 are left in front of the reserved ones, and one at the end.
  request.endpoints[0].ports[0].count = 8;
  EXPECT_EQ(allocate(pool, {*first}, request)->endpoints[0].ports[0].host_port, 51670);
  request.endpoints[0].ports[0].count = 9;
  EXPECT_EQ(allocate(pool, {*first}, request).error().text,
            "no 9 free host ports in a row between 51670 and 51690");
  pool.port_is_free = [](const PublishedPort& port) { return port.host_port != 51683; };
  pool.last_dynamic_port = 51680;
  request.endpoints[0].ports[0].count = 5;
  EXPECT_EQ(allocate(pool, {}, request)->endpoints[0].ports[0].host_port, 51684);
  // A fixed one within a range that was given is taken.
  EXPECT_EQ(allocate(pool, {*first}, request_for("b", 51689)).error().code, Errc::kExists);
  EXPECT_EQ(parse_lease(render_lease(*first))->endpoints[0].ports[0], first->endpoints[0].ports[0]);
}

TEST(Allocate, UidRangesOfUsersAreAvoided) {
  auto pool = small_pool();
  pool.foreign_uids = parse_subuid("u:524288:65536\nbad\nv:589824:1\n");
  EXPECT_EQ(allocate(pool, {}, request_for("a", 0))->uid_start, 524288u + 2 * kUidRange);
}

TEST(Lease, SurvivesItsFile) {
  auto lease = allocate(small_pool(), {}, request_for("a", 8080));
  ASSERT_TRUE(lease);
  auto again = parse_lease(render_lease(*lease));
  ASSERT_TRUE(again) << again.error().text;
  EXPECT_EQ(render_lease(*again), render_lease(*lease));
}

}  // namespace
}  // namespace berth::netns
