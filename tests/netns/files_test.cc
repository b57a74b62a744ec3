#include "netns/files.h"

#include <gtest/gtest.h>

namespace berth::netns {
namespace {

TEST(Files, HostnameHasTheFormOfAwsvpc) {
  EXPECT_EQ(render_hostname(Ipv4{0xac1d0002}, "us-east-1"),
            "ip-172-29-0-2.us-east-1.compute.internal");
}

TEST(Files, LoopbackNameserversAreDropped) {
  auto host = parse_resolv_conf("# c\nnameserver 127.0.0.53\nnameserver 9.9.9.9\nsearch a b\n");
  EXPECT_EQ(render_resolv_conf(resolver_for_container(host, {})),
            "nameserver 9.9.9.9\nsearch a b\n");
}

TEST(Files, OnlyLoopbackNameserversMeansTheFallback) {
  auto host = parse_resolv_conf("nameserver 127.0.0.53\noptions edns0\n");
  auto real = parse_resolv_conf("nameserver 10.0.0.2\n");
  EXPECT_EQ(render_resolv_conf(resolver_for_container(host, real)), "nameserver 10.0.0.2\n");
  EXPECT_EQ(render_resolv_conf(resolver_for_container(host, {})), "");
}

}  // namespace
}  // namespace berth::netns
