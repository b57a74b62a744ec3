// The network as packets see it, in network namespaces of the test's own: the process leaves the
// host's namespace before the first test and never returns.
#include "netns/apply.h"
#include "netns/firewall.h"
#include "netns/sweep.h"
#include "sys/conntrack.h"
#include "sys/file.h"
#include "sys/nftables.h"
#include "sys/spawn.h"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <future>
#include <thread>

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

namespace berth::netns {
namespace {

// Long enough for an emulated guest that is short of time; what is dropped takes as long to tell.
constexpr int kPacketWaitMs = 3000;

// A network namespace and the sockets that the shim would have sent.
struct Space {
  sys::Fd netns;
  sys::NetlinkSocket netlink;
};

// Runs `f` on a thread that has entered (or, with -1, made) another network namespace.
void within(int netns, const std::function<void()>& f) {
  std::thread([&] {
    ASSERT_EQ(netns < 0 ? ::unshare(CLONE_NEWNET) : ::setns(netns, CLONE_NEWNET), 0);
    f();
  }).join();
}

Space make_space() {
  std::optional<Space> space;
  within(-1, [&] {
    auto fd = sys::open("/proc/thread-self/ns/net", O_RDONLY);
    space.emplace(Space{std::move(*fd), std::move(*sys::NetlinkSocket::open())});
  });
  return std::move(*space);
}

sys::Fd socket_of(int type) {
  return sys::Fd(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
}

sockaddr_in socket_address(const std::string& ip, uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  ::inet_pton(AF_INET, ip.c_str(), &address.sin_addr);
  return address;
}

sys::Fd listen_at(const std::string& ip, uint16_t port) {
  auto fd = socket_of(SOCK_STREAM);
  auto address = socket_address(ip, port);
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(::listen(fd.get(), 8), 0);
  return fd;
}

// Whether a TCP connection from `source` ("" = any) comes about in kPacketWaitMs.
bool connects(const std::string& ip, uint16_t port, const std::string& source) {
  auto fd = socket_of(SOCK_STREAM | SOCK_NONBLOCK);
  if (!source.empty()) {
    auto from = socket_address(source, 0);
    EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&from), sizeof from), 0);
  }
  auto address = socket_address(ip, port);
  (void)::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
  pollfd wait{fd.get(), POLLOUT, 0};
  if (::poll(&wait, 1, kPacketWaitMs) != 1) return false;
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  return error == 0;
}

bool connects_within(const Space& space, const std::string& ip, uint16_t port,
                     const std::string& source) {
  bool ok = false;
  within(space.netns.get(), [&] { ok = connects(ip, port, source); });
  return ok;
}

sys::Fd listen_within(const Space& space, const std::string& ip, uint16_t port) {
  sys::Fd fd;
  within(space.netns.get(), [&] { fd = listen_at(ip, port); });
  return fd;
}

// Where the connection waiting at `listener` says it comes from.
std::string source_at(const sys::Fd& listener) {
  sockaddr_in from{};
  socklen_t size = sizeof from;
  pollfd wait{listener.get(), POLLIN, 0};
  if (::poll(&wait, 1, kPacketWaitMs) != 1) return "nobody came";
  sys::Fd peer(::accept(listener.get(), reinterpret_cast<sockaddr*>(&from), &size));
  char text[INET_ADDRSTRLEN] = {};
  ::inet_ntop(AF_INET, &from.sin_addr, text, sizeof text);
  return text;
}

void ok(const Status& status) {
  ASSERT_TRUE(status) << status.error().text;
}

// Two tasks, a and b; a publishes 8080 -> 80 everywhere and 8081 -> 80 on 127.0.0.1.
class Network : public testing::Test {
 protected:
  static void SetUpTestSuite() { ASSERT_EQ(::unshare(CLONE_NEWNET), 0); }

  void SetUp() override {
    ok(apply_loopback(host));
    start("a", a,
          {{Ipv4{}, 8080, 80, Protocol::kTcp}, {Ipv4{0x7f000001}, 8081, 80, Protocol::kTcp}});
    start("b", b, {});
  }
  void TearDown() override {
    ok(remove_task(bridge, leases, host, "a"));
    ok(remove_task(bridge, leases, host, "b"));
    expect_nothing();
  }

  std::vector<Endpoint> start(const std::string& task, Space& space,
                              const std::vector<PublishedPort>& ports) {
    auto lease = leases.acquire({task, true, {{"task", {}, ports}}, true});
    EXPECT_TRUE(lease) << lease.error().text;
    auto endpoints = endpoints_of(bridge, *lease);
    ok(apply_bridge(bridge, host));
    ok(apply_endpoint(bridge, endpoints[0], host, {space.netns.get(), space.netlink}));
    ok(apply_firewall(bridge, endpoints));
    return endpoints;
  }

  void expect_nothing() {
    EXPECT_EQ(host.links()->size(), 1u);  // lo
    EXPECT_FALSE(*sys::nft_table_exists({sys::NftFamily::kInet, table_name("test")}));
    EXPECT_FALSE(*sys::nft_table_exists({sys::NftFamily::kBridge, table_name("test")}));
    EXPECT_TRUE(leases.list()->empty());
  }

  sys::TemporaryDirectory root = *sys::TemporaryDirectory::make("/tmp", "netns-");
  BridgePlan bridge = *make_bridge_plan({.instance = "test", .name = "berthtest0"});
  LeaseStore leases = *LeaseStore::open(root.path(), bridge);
  sys::NetlinkSocket host = *sys::NetlinkSocket::open();
  Space a = make_space();
  Space b = make_space();
};

TEST_F(Network, TasksReachEachOtherWithTheirOwnAddress) {
  auto server = listen_within(a, "0.0.0.0", 80);
  ASSERT_TRUE(connects_within(b, "172.29.0.2", 80, ""));
  EXPECT_EQ(source_at(server), "172.29.0.3");
}

// Of a host with many connections the kernel is asked for those of the address alone, in both
// directions: 0 is as many as are few.
TEST_F(Network, ConnectionsOfAnAddressAreForgottenOnAHostWithMany) {
  auto server = listen_within(a, "0.0.0.0", 80);
  auto elsewhere = listen_at("172.29.0.1", 5000);
  ASSERT_TRUE(connects("127.0.0.1", 8080, ""));
  ASSERT_TRUE(connects_within(b, "172.29.0.1", 5000, ""));
  EXPECT_EQ(*sys::forget_connections(Ipv4{0xac1d0002}, 0), 1u);  // answered by a
  EXPECT_EQ(*sys::forget_connections(Ipv4{0xac1d0003}, 0), 1u);  // begun by b
  EXPECT_EQ(*sys::forget_connections(Ipv4{0xac1d0002}, 0), 0u);
  EXPECT_EQ(*sys::forget_connections(Ipv4{0xac1d0003}), 0u);
}

// Those of a task that lives are kept: its connection goes on, and what it is answered finds it.
TEST_F(Network, ConnectionsOfAddressesThatNobodyHasAreForgottenAtOnce) {
  auto server = listen_within(a, "0.0.0.0", 80);
  auto elsewhere = listen_at("172.29.0.1", 5000);
  ASSERT_TRUE(connects("127.0.0.1", 8080, ""));
  ASSERT_TRUE(connects_within(b, "172.29.0.1", 5000, ""));
  forget_all_but(bridge, {Ipv4{0xac1d0002}});
  EXPECT_EQ(*sys::forget_connections(Ipv4{0xac1d0003}), 0u);  // b's, which it had begun
  EXPECT_EQ(*sys::forget_connections(Ipv4{0xac1d0002}), 1u);  // answered by a
}

// arp(7): a proxy waits a random part of proxy_delay before it answers, 0.8 s by default.
TEST_F(Network, TheFirstPacketBetweenTasksDoesNotWaitForTheProxy) {
  auto delay = sys::read_file("/proc/sys/net/ipv4/neigh/" + bridge.name + "/proxy_delay", 32);
  ASSERT_TRUE(delay.has_value()) << delay.error().text;
  EXPECT_EQ(*delay, "0\n");
}

TEST_F(Network, ATaskReachesTheHostAtTheGateway) {
  auto server = listen_at("172.29.0.1", 5000);
  EXPECT_TRUE(connects_within(a, "172.29.0.1", 5000, ""));
}

TEST_F(Network, PublishedPortsAnswerOnLoopbackAndOnAddresses) {
  auto server = listen_within(a, "0.0.0.0", 80);
  EXPECT_TRUE(connects("127.0.0.1", 8080, ""));
  EXPECT_TRUE(connects("127.0.0.1", 8081, ""));
  EXPECT_TRUE(connects("172.29.0.1", 8080, ""));
  EXPECT_FALSE(connects("172.29.0.1", 8081, ""));
  EXPECT_TRUE(connects_within(b, "172.29.0.1", 8080, ""));
}

TEST_F(Network, ATaskReachesItselfThroughItsPublishedPort) {
  auto server = listen_within(a, "0.0.0.0", 80);
  ASSERT_TRUE(connects_within(a, "172.29.0.1", 8080, ""));
}

TEST_F(Network, AForeignSourceAddressIsDropped) {
  auto server = listen_at("0.0.0.0", 5000);
  auto eth0 = b.netlink.find_link("eth0");
  ok(b.netlink.add_address((*eth0)->index, *parse_ipv4_net("172.29.0.99/16")));
  EXPECT_TRUE(connects_within(b, "172.29.0.1", 5000, "172.29.0.3"));
  EXPECT_FALSE(connects_within(b, "172.29.0.1", 5000, "172.29.0.99"));
  ok(remove_tables(bridge));  // the control: it is our rule that dropped it
  EXPECT_TRUE(connects_within(b, "172.29.0.1", 5000, "172.29.0.99"));
}

TEST_F(Network, TheHostsLoopbackIsOutOfReach) {
  auto server = listen_at("127.0.0.1", 5001);
  auto eth0 = b.netlink.find_link("eth0");
  within(b.netns.get(),
         [] { ok(sys::write_to("/proc/sys/net/ipv4/conf/all/route_localnet", "1")); });
  auto lo = b.netlink.find_link("lo");
  ok(b.netlink.delete_address((*lo)->index, *parse_ipv4_net("127.0.0.1/8")));
  ok(b.netlink.add_route((*eth0)->index, *parse_ipv4_net("127.0.0.0/8"), Ipv4{0xac1d0001}));
  EXPECT_FALSE(connects_within(b, "127.0.0.1", 5001, "172.29.0.3"));
  ok(remove_tables(bridge));  // the control: it is our guard that dropped it
  EXPECT_TRUE(connects_within(b, "127.0.0.1", 5001, "172.29.0.3"));
}

TEST_F(Network, OutsideSeesTheHostsAddress) {
  auto outside = make_space();
  ok(host.add_veth({.name = "out0",
                    .peer_name = "eth0",
                    .peer_netns_fd = outside.netns.get(),
                    .peer_mac = {2, 0, 0, 0, 0, 9},
                    .mtu = 1500,
                    .master = 0}));
  auto near = host.find_link("out0");
  auto far = outside.netlink.find_link("eth0");
  ok(host.add_address((*near)->index, *parse_ipv4_net("192.0.2.1/24")));
  ok(host.set_up((*near)->index));
  ok(outside.netlink.add_address((*far)->index, *parse_ipv4_net("192.0.2.2/24")));
  ok(outside.netlink.set_up((*far)->index));
  auto server = listen_within(outside, "0.0.0.0", 80);
  ASSERT_TRUE(connects_within(a, "192.0.2.2", 80, ""));
  EXPECT_EQ(source_at(server), "192.0.2.1");
  ok(host.delete_link("out0"));
}

TEST_F(Network, EverythingMayRunTwice) {
  auto lease = leases.acquire({"a", true, {}, true});
  auto endpoints = endpoints_of(bridge, *lease);
  ok(apply_bridge(bridge, host));
  ok(apply_endpoint(bridge, endpoints[0], host, {a.netns.get(), a.netlink}));
  ok(apply_firewall(bridge, endpoints));
  ok(remove_firewall(bridge, endpoints));
  ok(remove_firewall(bridge, endpoints));
  ok(remove_endpoint(bridge, endpoints[0], host));
  ok(remove_endpoint(bridge, endpoints[0], host));
}

// As two berths of one instance do; TearDown sees that nothing is left.
TEST_F(Network, TasksThatEndTogetherLeaveNothing) {
  auto end = [&](const std::string& task) {
    auto own_leases = LeaseStore::open(root.path(), bridge);
    auto own_host = sys::NetlinkSocket::open();
    return remove_task(bridge, *own_leases, *own_host, task);
  };
  auto first = std::async(std::launch::async, end, "a");
  auto second = std::async(std::launch::async, end, "b");
  ok(first.get());
  ok(second.get());
  expect_nothing();
}

Result<bool> is_there(sys::NetlinkSocket& host, const std::string& link) {
  return TRY(host.find_link(link)).has_value();
}

// The bridge of the last task serves the next one, and goes with the sweep when there is none.
TEST_F(Network, TheLastTaskLeavesItsBridgeToTheNextOrToASweep) {
  EXPECT_FALSE(*leases.retire("b")) << "a still runs";
  EXPECT_FALSE(*leases.retire("a")) << "it publishes ports, and b still runs";
  ok(remove_task(bridge, leases, host, "a"));
  EXPECT_TRUE(*leases.retire("b"));

  ok(sweep(bridge, leases, host, {}, Retired::kKeep));
  EXPECT_TRUE(*is_there(host, bridge.name)) << "a task that is about to start needs it";
  auto next = leases.acquire({"c", true, {{"task", {}, {}}}, true});
  ASSERT_TRUE(next);
  EXPECT_NE(*next->endpoints[0].address, *leases.list()->front().endpoints[0].address)
      << "the address of a retired lease may still be in the rules";
  ok(sweep(bridge, leases, host, {}, Retired::kSweep));
  EXPECT_TRUE(*is_there(host, bridge.name)) << "c uses it";
  EXPECT_EQ(leases.list()->size(), 1u);

  EXPECT_TRUE(*leases.retire("c"));
  ok(sweep(bridge, leases, host, {}, Retired::kSweep));
  EXPECT_FALSE(*is_there(host, bridge.name));
  expect_nothing();
}

TEST_F(Network, AHostAddressThatTheHostLacksIsNamed) {
  PublishedPort port{Ipv4{0xc000024d}, 8090, 80, Protocol::kTcp};
  auto lease = leases.acquire({"c", true, {{"task", {}, {port}}}, true});
  ASSERT_FALSE(lease);
  EXPECT_EQ(lease.error().text, "this host has no address 192.0.2.77");
}

// Rewrites the leases as if the process that took them had been killed.
TEST_F(Network, SweepRemovesWhatTheDeadLeftAndNothingElse) {
  auto held = leases.list();  // named: a range-for would outlive the temporary Result
  for (auto lease : *held) {
    lease.owner_start += 1;
    ok(sys::write_replace(root.path() + "/leases/" + lease.task_id + ".json", render_lease(lease),
                          0600));
  }
  ok(sweep(bridge, leases, host, {"a"}, Retired::kSweep));
  EXPECT_EQ(leases.list()->size(), 1u);
  auto server = listen_within(a, "0.0.0.0", 80);
  EXPECT_TRUE(connects("127.0.0.1", 8080, ""));
  ok(sweep(bridge, leases, host, {}, Retired::kSweep));
  expect_nothing();
}

}  // namespace
}  // namespace berth::netns
