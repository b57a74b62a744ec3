// Beside messages that were written by hand with zlib's CRC-32 (Python's struct and zlib).
#include "api/event_stream.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace berth::api {
namespace {

std::string hex_of(const std::string& bytes) {
  std::string hex;
  for (char byte : bytes) hex += fmt::format("{:02x}", static_cast<uint8_t>(byte));
  return hex;
}

TEST(EventStream, MessagesAreAsAmazonHasThem) {
  EXPECT_EQ(
      hex_of(event_message("e", "{}")),
      "0000005900000047b899a6e00b3a6576656e742d74797065070001650d3a636f6e74656e742d747970650700"
      "106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b7d4b75ab"
      "ba");
  EXPECT_EQ(
      hex_of(exception_message("E", R"({"a":1})")),
      "000000660000004f953301850f3a657863657074696f6e2d74797065070001450d3a636f6e74656e742d7479"
      "70650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d74797065070009657863657074"
      "696f6e7b2261223a317d756e576c");
}

}  // namespace
}  // namespace berth::api
