// The reader against nlohmann::json: both must take the same texts for JSON, and read the same out
// of them.
#include "base/json_tree.h"
#include "base/json.h"

#include <nlohmann/json.hpp>

#include <gtest/gtest.h>
#include <random>
#include <string>
#include <vector>

namespace berth::json {
namespace {

const std::vector<std::string>& texts() {
  static const std::vector<std::string> kTexts{
      R"({"a": [1, -2, 0.5, 1e3, -0, 18446744073709551615, -9223372036854775808], "b": {"c": null}})",
      R"(["", "\"\\\/\b\f\n\r\t", "\u0041\u00e9\u20ac\ud834\udd1e", "é€𝄞", true, false, null, [], {}])",
      R"({"x": 18446744073709551616, "y": -9223372036854775809, "z": 1e-999, "w": 123456789012345678901})",
      R"(  [ 1 , [ 2 , [ 3 ] ] , { "k" : { "l" : [ { } ] } } ]  )",
      "\xef\xbb\xbf{\"mark\": 1}",
      "1.25e+2",
      "\"text\"",
  };
  return kTexts;
}

// What may stand in the place of any byte.
constexpr std::string_view kBytes =
    "{}[]\",:\\/u0189aeE+-. \n\t\x00\x1f\x7f\x80\xc2\xe2\xed\xf4\xff";

void expect_agreement(const std::string& text) {
  bool theirs = nlohmann::json::accept(text);
  Reading ours = read_tree(text, kDepthMax);
  // nlohmann takes an object with one name twice for JSON, and the last value for it.
  if (ours.problem == Problem::kDuplicateName) {
    EXPECT_TRUE(theirs) << testing::PrintToString(text);
    return;
  }
  // It accepts numbers beyond all bounds when it needs not keep them.
  if (theirs && ours.problem == Problem::kMalformed) {
    EXPECT_THROW({ auto value = nlohmann::json::parse(text); }, nlohmann::json::out_of_range)
        << testing::PrintToString(text);
    return;
  }
  ASSERT_EQ(ours.problem == Problem::kNone, theirs) << testing::PrintToString(text);
  if (!theirs) return;
  auto document = Document::parse(text, {});
  ASSERT_TRUE(document) << document.error().text;
  EXPECT_EQ(document->root().dump(), nlohmann::json::parse(text).dump());
}

TEST(JsonTree, ReadsWhatAnotherReaderReads) {
  for (const std::string& text : texts()) expect_agreement(text);
}

TEST(JsonTree, AgreesOnEveryBeginning) {
  for (const std::string& text : texts()) {
    for (size_t length = 0; length < text.size(); ++length) {
      expect_agreement(text.substr(0, length));
    }
  }
}

TEST(JsonTree, AgreesOnDamagedTexts) {
  constexpr int kRounds = 20000;
  std::mt19937 random(1);  // the same each time
  auto below = [&](size_t end) { return static_cast<size_t>(random() % end); };
  for (int round = 0; round < kRounds; ++round) {
    std::string text = texts()[below(texts().size())];
    for (size_t change = 0; change <= below(3); ++change) {
      size_t where = below(text.size());
      char byte = kBytes[below(kBytes.size())];
      switch (below(3)) {
        case 0:
          text[where] = byte;
          break;
        case 1:
          text.insert(where, 1, byte);
          break;
        default:
          text.erase(where, 1 + below(3));
          if (text.empty()) text = "0";
      }
    }
    expect_agreement(text);
    if (HasFatalFailure() || HasNonfatalFailure()) return;
  }
}

TEST(JsonTree, FindsANameTwiceInLargeObjectsToo) {
  std::string members;
  for (int number = 0; number < 100; ++number)
    members += "\"k" + std::to_string(number) + "\": {}, ";
  EXPECT_EQ(read_tree("{" + members + "\"last\": 1}", kDepthMax).problem, Problem::kNone);
  Reading twice = read_tree("{" + members + "\"k\\u00357\": 1}", kDepthMax);
  EXPECT_EQ(twice.problem, Problem::kDuplicateName);
  EXPECT_EQ(twice.duplicate, "k57");
}

TEST(JsonTree, EscapesAreUndoneInPlace) {
  Reading reading = read_tree(R"(["\u00e9\ud834\udd1e|\n", "next"])", kDepthMax);
  ASSERT_EQ(reading.problem, Problem::kNone);
  EXPECT_EQ(reading.tree->values[1].text(), "é𝄞|\n");
  EXPECT_EQ(reading.tree->values[2].text(), "next");
}

TEST(Utf8, IsWhatRfc3629Allows) {
  for (const char* good :
       {"", "a", "\xc3\xb6", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xed\x9f\xbf"}) {
    EXPECT_TRUE(is_utf8(good)) << good;
  }
  for (const char* bad :
       {"\xf6", "\xc3", "a\xe2\x82", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80"}) {
    EXPECT_FALSE(is_utf8(bad)) << bad;
  }
  EXPECT_TRUE(is_utf8(std::string_view("a\0b", 3)));
}

}  // namespace
}  // namespace berth::json
