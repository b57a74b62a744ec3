#include "resolver/arguments.h"

#include <gtest/gtest.h>

namespace berth::resolver {
namespace {

Settings some_settings() {
  Settings settings;
  settings.names = "/run/berth/names";
  settings.domain = dns::Name::parse("berth.internal").value();
  settings.subnet = parse_ipv4_net("172.29.0.0/16").value();
  settings.servers = {{"10.0.0.2", 53}, {"127.0.0.1", 5353}, {"fe80::1%eth0", 53}, {"::1", 54}};
  return settings;
}

TEST(ResolverArguments, AreReadAsTheyAreRendered) {
  std::vector<std::string> arguments = render_settings(some_settings());
  arguments.emplace_back("3");
  EXPECT_EQ(parse_arguments(arguments).value(), (Arguments{some_settings(), 3}));
}

TEST(ResolverArguments, SayWhetherThereIsIpv6) {
  Settings settings = some_settings();
  settings.ipv6 = true;
  std::vector<std::string> arguments = render_settings(settings);
  arguments.emplace_back("2");
  EXPECT_EQ(parse_arguments(arguments).value(), (Arguments{settings, 2}));
}

TEST(ResolverArguments, ThatAreWrongAreToldSo) {
  std::vector<std::string> settings = render_settings(some_settings());
  for (const char* networks : {"", "0", "65", "x"}) {
    std::vector<std::string> arguments = settings;
    arguments.emplace_back(networks);
    EXPECT_FALSE(parse_arguments(arguments)) << networks;
  }
  EXPECT_FALSE(parse_arguments(settings));
  EXPECT_FALSE(parse_arguments({}));
  EXPECT_FALSE(parse_arguments({"1"}));
  EXPECT_FALSE(parse_arguments({"--other", "x", "1"}));
  EXPECT_FALSE(parse_arguments({"--subnet", "x", "1"}));
  settings.insert(settings.end(), {"--families", "ipv6", "1"});
  EXPECT_FALSE(parse_arguments(settings));
}

}  // namespace
}  // namespace berth::resolver
