#include "dns/name.h"

#include "dns/names.h"

#include <gtest/gtest.h>

namespace berth::dns {
namespace {

TEST(DnsName, IsReadAndShown) {
  EXPECT_EQ(name("web.berth.internal").wire(), std::string("\3web\5berth\10internal\0", 20));
  EXPECT_EQ(name("web.berth.internal."), name("web.berth.internal"));
  EXPECT_EQ(name("Web_1-x.Berth").to_text(), "Web_1-x.Berth");
  EXPECT_EQ(name(".").to_text(), ".");
  EXPECT_TRUE(name(".").is_root());
  EXPECT_EQ(Name::from_labels("\3a.b").value().to_text(), "a\\046b");
}

TEST(DnsName, HasLimits) {
  EXPECT_TRUE(Name::parse(std::string(63, 'a')));
  EXPECT_FALSE(Name::parse(std::string(64, 'a')));
  std::string label = std::string(61, 'a') + ".";  // 62 octets of a message
  std::string four = label + label + label + label;
  EXPECT_TRUE(Name::parse(four + "aaaaa"));
  EXPECT_FALSE(Name::parse(four + "aaaaaa"));
  for (const char* bad : {"", "..", ".a", "a..b", "a b", "a/b", "*.a", "a\nb"}) {
    EXPECT_FALSE(Name::parse(bad)) << bad;
  }
}

TEST(DnsName, CaseIsKeptAndMakesNoDifference) {
  EXPECT_NE(name("A.b"), name("a.B"));
  EXPECT_TRUE(same_name(name("A.b"), name("a.B")));
  EXPECT_FALSE(same_name(name("a.b"), name("a.c")));
  EXPECT_EQ(*name("A.b").plain_text(), "a.b");
}

TEST(DnsName, KnowsItsZone) {
  EXPECT_TRUE(name("web.berth.internal").is_at_or_below(name("BERTH.internal")));
  EXPECT_TRUE(name("berth.internal").is_at_or_below(name("berth.internal")));
  EXPECT_TRUE(name("a").is_at_or_below(Name()));
  EXPECT_FALSE(name("xberth.internal").is_at_or_below(name("berth.internal")));
  EXPECT_FALSE(name("internal").is_at_or_below(name("berth.internal")));
  EXPECT_EQ(name("web.berth").parent(), name("berth"));
  EXPECT_EQ(Name().parent(), Name());
}

TEST(DnsName, OfAnAddressIsReversed) {
  Ipv4 address = parse_ipv4("172.29.0.5").value();
  EXPECT_EQ(Name::reverse_of(address).to_text(), "5.0.29.172.in-addr.arpa");
  EXPECT_EQ(name("5.0.29.172.IN-ADDR.arpa").reversed_address(), address);
  for (const char* other :
       {"0.29.172.in-addr.arpa", "1.5.0.29.172.in-addr.arpa", "256.0.29.172.in-addr.arpa",
        "5.0.29.172.in-addr.arpb", "a.b.c.d.e.f"}) {
    EXPECT_FALSE(name(other).reversed_address()) << other;
  }
}

TEST(DnsName, ThatIsNoPlainTextIsNoPath) {
  for (const std::string& label :
       {std::string("a/b"), std::string("..", 2), std::string("\0a", 2)}) {
    std::string labels = static_cast<char>(label.size()) + label;
    EXPECT_FALSE(Name::from_labels(labels).value().plain_text());
  }
  EXPECT_FALSE(Name().plain_text());
}

}  // namespace
}  // namespace berth::dns
