#include "resolver/frame.h"

#include <gtest/gtest.h>

namespace berth::resolver {
namespace {

TEST(ResolverFrame, IsTakenWhenItIsWhole) {
  std::string stream;
  std::string sent = framed("one") + framed("") + framed(std::string(65535, 'x'));
  std::vector<size_t> sizes;
  for (char c : sent) {
    stream += c;
    if (auto message = take_frame(stream)) sizes.push_back(message->size());
  }
  EXPECT_EQ(sizes, (std::vector<size_t>{3, 0, 65535}));
  EXPECT_TRUE(stream.empty());
}

}  // namespace
}  // namespace berth::resolver
