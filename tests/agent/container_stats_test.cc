#include "agent/container_stats.h"

#include "base/json.h"

#include <gtest/gtest.h>

namespace berth::agent {
namespace {

TEST(ContainerStats, InterfacesAreReadWithoutLo) {
  auto found = parse_interface_counters(
      "Inter-|   Receive                |  Transmit\n"
      " face |bytes packets errs drop fifo frame compressed multicast|bytes packets errs drop\n"
      "    lo: 1 1 1 1 0 0 0 0 1 1 1 1 0 0 0 0\n"
      "  eth0: 10 20 30 40 0 0 0 0 50 60 70 80 0 0 0 0\n"
      "  eth1: 1 2\n");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found["eth0"].received[1], 20u);
  EXPECT_EQ(found["eth0"].sent[3], 80u);
}

TEST(ContainerStats, TheHostsProcessorsAreAddedUpAsDockerDoes) {
  // user nice system idle iowait irq softirq, and steal, which does not count
  EXPECT_EQ(parse_host_cpu("cpu  1 2 3 4 5 6 7 800 9 10\ncpu0 1 2 3 4 5 6 7 8\n"), 280'000'000u);
  EXPECT_EQ(parse_host_cpu(""), 0u);
}

StatsSample sample(const std::string& cpu, const std::string& limit) {
  StatsSample made;
  made.group =
      R"({"type":"stats","id":"","data":{"cpu":{"usage":{"total":)" + cpu +
      R"(,"kernel":1,"user":2},"throttling":{"periods":0,"throttledPeriods":0,"throttledTime":0}},)"
      R"("memory":{"cache":0,"usage":{"limit":)" +
      limit +
      R"(,"usage":5,"max":6,"failcnt":0},"raw":{"anon":3}},"pids":{"current":4,"limit":0},"blkio":{}}})";
  return made;
}

TEST(ContainerStats, AnAnswerIsMadeOfTwoSamples) {
  StatsSample before = sample("100", "18446744073709551615");
  StatsSample now = sample("300", "18446744073709551615");
  now.taken = before.taken + std::chrono::seconds(2);
  before.interfaces["eth0"] = {{10, 0, 0, 0}, {0, 0, 0, 0}};
  now.interfaces["eth0"] = {{30, 0, 0, 0}, {0, 0, 0, 0}};
  auto text = render_docker_stats({"id", "name"}, before, now);
  ASSERT_TRUE(text) << text.error().text;
  auto document = json::Document::parse(*text, {});
  json::Node root = document->root();
  auto usage = [&](const char* when) {
    return root.at(when)->at("cpu_usage")->i64_at("total_usage").value();
  };
  EXPECT_EQ(usage("cpu_stats") - usage("precpu_stats"), 200);
  // What has no limit has v1's largest.
  EXPECT_EQ(root.at("memory_stats")->i64_at("limit").value(), 9223372036854771712);
  EXPECT_EQ(root.at("network_rate_stats")->at("rx_bytes_per_sec")->as_double().value(), 10);
  now.memory_limit = 1024;
  document = json::Document::parse(*render_docker_stats({"id", "name"}, before, now), {});
  EXPECT_EQ(document->root().at("memory_stats")->i64_at("limit").value(), 1024);
}

TEST(ContainerStats, ASampleThatIsNoneIsAnError) {
  EXPECT_FALSE(render_docker_stats({"id", "name"}, {}, {}));
}

}  // namespace
}  // namespace berth::agent
