#include "resolver/upstreams.h"

#include "sys/file.h"

#include <gtest/gtest.h>

namespace berth::resolver {
namespace {

using Servers = std::vector<dns::ServerAddress>;

TEST(Upstreams, TheOneThatAnsweredIsAskedFirst) {
  Upstreams upstreams({{"10.0.0.1", 53}, {"10.0.0.2", 53}, {"10.0.0.3", 53}}, "/nowhere");
  EXPECT_EQ(upstreams.in_order()[0].address, "10.0.0.1");
  upstreams.note_answer({"10.0.0.2", 53});
  EXPECT_EQ(upstreams.in_order(), (Servers{{"10.0.0.2", 53}, {"10.0.0.3", 53}, {"10.0.0.1", 53}}));
  upstreams.note_answer({"10.9.9.9", 53});
  EXPECT_EQ(upstreams.in_order()[0].address, "10.0.0.2");
}

TEST(Upstreams, OfAFileAreFollowed) {
  auto directory = sys::TemporaryDirectory::make("/tmp", "berth-upstreams-").value();
  std::string path = directory.path() + "/resolv.conf";
  Upstreams upstreams({}, path);
  EXPECT_TRUE(upstreams.in_order().empty());
  ASSERT_TRUE(sys::write_replace(path, "nameserver 10.0.0.1\nnameserver 10.0.0.2\n", 0644));
  upstreams.note_answer({"10.0.0.2", 53});
  EXPECT_EQ(upstreams.in_order(), (Servers{{"10.0.0.1", 53}, {"10.0.0.2", 53}}));
  upstreams.note_answer({"10.0.0.2", 53});
  EXPECT_EQ(upstreams.in_order()[0].address, "10.0.0.2");
  ASSERT_TRUE(sys::write_replace(path, "nameserver 10.0.0.3\n", 0644));
  EXPECT_EQ(upstreams.in_order(), (Servers{{"10.0.0.3", 53}}));
  ASSERT_TRUE(sys::remove_file(path));
  EXPECT_TRUE(upstreams.in_order().empty());
}

}  // namespace
}  // namespace berth::resolver
