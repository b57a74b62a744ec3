#include "image/upload.h"

#include <gtest/gtest.h>

namespace berth {
namespace {

TEST(Upload, RangesAsRegistriesWriteThem) {
  EXPECT_EQ(image::parse_upload_range("0-1023"), 1024u);
  EXPECT_EQ(image::parse_upload_range("bytes=0-1023"), 1024u);
  EXPECT_EQ(image::parse_upload_range("0-0"), 0u) << "nothing has come";
  for (const char* bad : {"", "0", "5-9", "0-", "0--1", "0-x", "0-99999999999999999999"}) {
    EXPECT_EQ(image::parse_upload_range(bad), std::nullopt) << bad;
  }
}

TEST(Upload, TheDigestJoinsTheQuery) {
  EXPECT_EQ(image::with_digest("http://r/v2/a/blobs/uploads/1", "sha256:0"),
            "http://r/v2/a/blobs/uploads/1?digest=sha256%3A0");
  EXPECT_EQ(image::with_digest("http://r/u?_state=x", "sha256:0"),
            "http://r/u?_state=x&digest=sha256%3A0");
}

}  // namespace
}  // namespace berth
