#include "image/decompress.h"

#include <gtest/gtest.h>

#include <zlib.h>
#include <zstd.h>

#include <random>

namespace berth::image {
namespace {

constexpr DecompressLimits kNoLimits = {UINT64_MAX, UINT64_MAX, UINT64_MAX};

// With every field that a header may have, if `header` is not empty.
std::string gzip(const std::string& plain, std::string header = {}) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  auto* text = reinterpret_cast<Bytef*>(header.data());
  gz_header fields{};
  fields.extra = text;
  fields.extra_len = static_cast<uInt>(header.size());
  fields.name = fields.comment = text;
  fields.hcrc = 1;
  if (!header.empty()) {
    EXPECT_EQ(deflateSetHeader(&stream, &fields), Z_OK);
  }
  std::string out(deflateBound(&stream, plain.size()) + 64 + 3 * header.size(), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string zstd(const std::string& plain) {
  std::string out(ZSTD_compressBound(plain.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), plain.data(), plain.size(), 3));
  return out;
}

std::string sample(size_t size) {
  std::mt19937 random(7);
  std::string text;
  while (text.size() < size) text += std::to_string(random() % 5000) + " ";
  text.resize(size);
  return text;
}

// Lends little room at a time, of changing size.
class Text final : public Output {
 public:
  Result<std::span<char>> room() override {
    if (room_ == 0) room_ = 1 + text_.size() % 999;
    text_.resize(end_ + room_);
    return std::span(text_).subspan(end_);
  }
  Status commit(size_t size) override {
    end_ += size;
    room_ -= size;
    return {};
  }
  std::string finish() { return text_.substr(0, end_); }

 private:
  std::string text_;
  size_t end_ = 0;
  size_t room_ = 0;
};

Result<std::string> run(const std::string& compressed, size_t chunk,
                        DecompressLimits limits = kNoLimits) {
  Text plain;
  Decompressor decompressor(limits, plain);
  for (size_t at = 0; at < compressed.size(); at += chunk) {
    TRY(decompressor.write(std::string_view(compressed).substr(at, chunk)));
  }
  TRY(decompressor.finish());
  return plain.finish();
}

TEST(Decompress, EveryFormatInEveryChunkSize) {
  std::string plain = sample(300'000);
  std::string skippable(
      "\x53\x2a\x4d\x18\x04\x00\x00\x00"
      "abcd",
      12);
  std::string half = plain.substr(0, 1000);
  std::string rest = plain.substr(1000);
  const std::vector<std::string> forms = {
      plain,
      gzip(plain),
      gzip(half) + gzip(rest),
      gzip("") + gzip(half) + gzip("") + gzip(rest) + std::string(1024, '\0'),
      gzip(plain) + "garbage",
      gzip(plain) + "\x1f",
      gzip(half, /*header=*/"extra and names") + gzip(rest, "more"),
      zstd(plain),
      zstd(half) + skippable + zstd(rest),
      skippable + zstd(plain),
  };
  for (size_t form = 0; form < forms.size(); ++form) {
    for (size_t chunk : {1, 2, 3, 7, 100, 4096, 65536, 1 << 20}) {
      auto got = run(forms[form], chunk);
      ASSERT_TRUE(got) << form << " " << chunk << ": " << got.error().text;
      ASSERT_EQ(*got, plain) << form << " " << chunk;
    }
  }
}

TEST(Decompress, ShortAndEmptyStreamsArePlain) {
  for (const std::string text : {"", "a", "abcde"}) EXPECT_EQ(run(text, 2).value(), text);
}

TEST(Decompress, EveryTruncationIsNoticed) {
  std::string plain = sample(2000);
  for (const std::string& whole : {gzip(plain), gzip(plain, "name"), zstd(plain)}) {
    for (size_t length = 6; length < whole.size(); ++length) {
      auto got = run(whole.substr(0, length), 64);
      ASSERT_FALSE(got) << length << " of " << whole.size();
      EXPECT_EQ(got.error().code, Errc::kCorrupt);
    }
  }
}

TEST(Decompress, GzipHeadersAreChecked) {
  std::string whole = gzip(sample(2000), "name");
  const std::vector<std::tuple<size_t, int, std::string>> cases = {
      {2, 1, "method"}, {3, 0x80, "invalid header"}, {4, 1, "checksum of the header"}};
  for (const auto& [at, bits, reason] : cases) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ bits);
    auto got = run(damaged, 3);
    ASSERT_FALSE(got) << at;
    EXPECT_NE(got.error().text.find(reason), std::string::npos) << got.error().text;
  }
}

TEST(Decompress, DamageIsNoticed) {
  std::string whole = gzip(sample(2000));
  whole[whole.size() - 6] ^= 1;  // the checksum
  auto got = run(whole, 64);
  ASSERT_FALSE(got);
  EXPECT_NE(got.error().text.find("checksum"), std::string::npos) << got.error().text;
}

TEST(Decompress, BombsAreBounded) {
  std::string bomb = gzip(std::string(1 << 20, '\0'));
  EXPECT_TRUE(run(bomb, 4096, {1 << 20, UINT64_MAX, 0}));
  EXPECT_EQ(run(bomb, 4096, {(1 << 20) - 1, UINT64_MAX, 0}).error().code, Errc::kExhausted);
  EXPECT_EQ(run(bomb, 4096, {UINT64_MAX, 100, 1000}).error().code, Errc::kExhausted);
  EXPECT_TRUE(run(bomb, 4096, {UINT64_MAX, 100, 1 << 20}));
}

TEST(Decompress, OtherFormatsAreRefused) {
  EXPECT_EQ(run(std::string("\xfd\x37zXZ\0rest", 10), 100).error().code, Errc::kUnsupported);
}

}  // namespace
}  // namespace berth::image
