#include "resolver/names.h"

#include "sys/file.h"
#include "sys/spawn.h"

#include <gtest/gtest.h>

namespace berth::resolver {
namespace {

class ResolverNames : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return directory_.path() + "/" + name; }

  void add(const std::string& name, const std::string& entry, const std::string& text) {
    ASSERT_TRUE(sys::make_directories(path(name), 0755));
    ASSERT_TRUE(sys::symlink(text, path(name) + "/" + entry));
  }
  Names::Found find(const std::string& name) {
    return Names(directory_.path()).find(dns::Name::parse(name).value(), rng_);
  }
  // Of this process, which lives.
  static std::string owned(const std::string& record) {
    uint64_t start = sys::start_time_of(sys::own_pid()).value();
    return fmt::format("{}:{} {}", sys::own_pid(), start, record);
  }

  sys::TemporaryDirectory directory_ =
      sys::TemporaryDirectory::make("/tmp", "berth-names-").value();
  SeededRng rng_{1};
};

TEST_F(ResolverNames, AreFoundWhateverTheCase) {
  add("web.berth.internal", "t-0", owned("A 172.29.0.5"));
  add("web.berth.internal", "t-1", owned("PTR a.b"));
  Names::Found found = find("WEB.Berth.internal");
  EXPECT_EQ(found.presence, dns::Presence::kRecords);
  EXPECT_EQ(found.values.size(), 2u);
  EXPECT_EQ(find("other.berth.internal").presence, dns::Presence::kNone);
}

TEST_F(ResolverNames, OfProcessesThatHaveGoneAreNotTold) {
  add("web.a", "t-0", "0:0 A 172.29.0.5");
  add("web.a", "t-1", "4194305:1 A 172.29.0.6");
  add("web.a", "t-2", fmt::format("{}:1 A 172.29.0.7", sys::own_pid()));
  EXPECT_EQ(find("web.a").presence, dns::Presence::kNone);
  add("web.a", "t-3", owned("A 172.29.0.8"));
  EXPECT_EQ(find("web.a").values,
            std::vector<dns::RecordValue>{dns::address_value(parse_ipv4("172.29.0.8").value())});
}

TEST_F(ResolverNames, OfTasksThatAreNotWellAreToldWhereNoOthersAre) {
  add("web.a", "t-0.unwell", owned("A 172.29.0.5"));
  add("web.a", "t-1.unwell", owned("A 172.29.0.6"));
  EXPECT_EQ(find("web.a").values.size(), 2u);
  add("web.a", "u-0", "0:0 A 172.29.0.7");  // of one that has gone
  EXPECT_EQ(find("web.a").values.size(), 2u);
  add("web.a", "u-1", owned("A 172.29.0.8"));
  EXPECT_EQ(find("web.a").values,
            std::vector<dns::RecordValue>{dns::address_value(parse_ipv4("172.29.0.8").value())});
}

TEST_F(ResolverNames, ThatCannotBeReadAreNone) {
  add("web.a", "t-0", "x");
  add("web.a", "t-1", owned("A x"));
  add("web.a", "t-2", owned(""));
  ASSERT_TRUE(sys::write_replace(path("web.a") + "/file", "x", 0644));
  ASSERT_TRUE(sys::write_replace(path("file.a"), "x", 0644));
  EXPECT_EQ(find("web.a").presence, dns::Presence::kNone);
  EXPECT_EQ(find("file.a").presence, dns::Presence::kNone);
}

TEST_F(ResolverNames, OfManyEightAreGivenAndNotTheSameEachTime) {
  for (int i = 0; i < 20; ++i) {
    add("web.a", fmt::format("t-{}", i), owned(fmt::format("A 172.29.0.{}", i)));
  }
  auto first = find("web.a").values;
  EXPECT_EQ(first.size(), 8u);
  EXPECT_NE(find("web.a").values, first);
}

}  // namespace
}  // namespace berth::resolver
