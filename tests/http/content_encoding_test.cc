#include "http/content_encoding.h"

#include <gtest/gtest.h>
#include <zlib.h>

namespace berth::http {
namespace {

constexpr size_t kBodyLimit = 100 * 1000;

std::string gzip(const std::string& plain) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string source = plain;
  std::string packed(deflateBound(&stream, plain.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(source.data());
  stream.avail_in = static_cast<uInt>(source.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(packed.size() - stream.avail_out);
  deflateEnd(&stream);
  return packed;
}

tl::expected<std::string, Refusal> decode(const std::string& body, const std::string& encoding) {
  Request request{.method = "POST", .path = "/"};
  if (!encoding.empty()) request.headers["content-encoding"] = encoding;
  request.body = body;
  return decoded_body(request, kBodyLimit);
}

TEST(ContentEncoding, GzipIsUndone) {
  for (size_t size : {size_t{0}, size_t{1}, size_t{65536}, kBodyLimit}) {
    std::string plain(size, 'a');
    EXPECT_EQ(decode(gzip(plain), "gzip").value(), plain) << size;
  }
  EXPECT_EQ(decode(gzip("x"), " GZip ").value(), "x");
  EXPECT_EQ(decode("{}", "").value(), "{}");
  EXPECT_EQ(decode("{}", "identity").value(), "{}");
}

TEST(ContentEncoding, WhatIsTooLargeIsNotUnpacked) {
  EXPECT_EQ(decode(gzip(std::string(kBodyLimit + 1, 'a')), "gzip").error().status, 413);
  EXPECT_EQ(decode(gzip(std::string(64 * 1024 * 1024, '\0')), "gzip").error().status, 413);
}

TEST(ContentEncoding, WhatIsNoGzipIsRefused) {
  std::string whole = gzip("a body that is long enough to be cut");
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(decode(whole.substr(0, size), "gzip").error().status, 400) << size;
  }
  EXPECT_EQ(decode(whole + "more", "gzip").error().status, 400);
  EXPECT_EQ(decode("{}", "gzip").error().status, 400);
  EXPECT_EQ(decode(whole, "br").error().status, 415);
}

}  // namespace
}  // namespace berth::http
