// Against the examples of RFC 8949, appendix A.
#include "api/cbor.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace berth::api {
namespace {

constexpr size_t kCborDepth = 8;

std::string bytes_of_hex(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

std::string read_hex(const std::string& hex) {
  auto text = json_of_cbor(bytes_of_hex(hex), kCborDepth);
  return text ? *text : text.error().text;
}

std::string written_hex(const std::string& text, std::string_view times) {
  std::string hex;
  for (char c : cbor_of_json(nlohmann::ordered_json::parse(text), times)) {
    constexpr char kDigits[] = "0123456789abcdef";
    hex += kDigits[static_cast<unsigned char>(c) >> 4];
    hex += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return hex;
}

TEST(Cbor, IsReadAsTheRfcHasIt) {
  const std::pair<const char*, const char*> kExamples[] = {
      {"", "{}"},
      {"00", "0"},
      {"1818", "24"},
      {"1903e8", "1000"},
      {"1a000f4240", "1000000"},
      {"1bffffffffffffffff", "18446744073709551615"},
      {"20", "-1"},
      {"3903e7", "-1000"},
      {"3b7fffffffffffffff", "-9223372036854775808"},
      {"f93e00", "1.5"},
      {"f90001", "5.960464477539063e-08"},
      {"f9c400", "-4.0"},
      {"fa47c35000", "100000.0"},
      {"fb3ff199999999999a", "1.1"},
      {"f4", "false"},
      {"f5", "true"},
      {"f6", "null"},
      {"f7", "null"},
      {"c11a514b67b0", "1363896240"},
      {"c1fb41d452d9ec200000", "1363896240.5"},
      {"c074323031332d30332d32315432303a30343a30305a", R"("2013-03-21T20:04:00Z")"},
      {"4401020304", R"("AQIDBA==")"},
      {"6449455446", R"("IETF")"},
      {"5f42010243030405ff", R"("AQIDBAU=")"},
      {"7f657374726561646d696e67ff", R"("streaming")"},
      {"8301820203820405", "[1,[2,3],[4,5]]"},
      {"9f018202039f0405ffff", "[1,[2,3],[4,5]]"},
      {"a26161016162820203", R"({"a":1,"b":[2,3]})"},
      {"bf61610161629f0203ffff", R"({"a":1,"b":[2,3]})"},
  };
  for (auto [hex, text] : kExamples) EXPECT_EQ(read_hex(hex), text) << hex;
}

TEST(Cbor, WhatIsNoneIsToldInWords) {
  const std::pair<const char*, const char*> kBad[] = {
      {"f97c00", "a number is infinite, or none"},
      {"fb7ff8000000000000", "a number is infinite, or none"},
      {"1c", "malformed"},
      {"1f", "malformed"},
      {"3f", "malformed"},
      {"ff", "malformed"},
      {"f818", "malformed"},
      {"5f6161ff", "malformed"},
      {"df00", "malformed"},
      {"1903", "cut off"},
      {"62", "cut off"},
      {"9f01", "cut off"},
      {"9bffffffffffffffff00", "cut off"},
      {"0000", "more than one item"},
      {"a10102", "a name is no text"},
      {"a2616101616102", "a is there twice"},
      {"61ff", "a text is not UTF-8"},
      {"81818181818181", "cut off"},
      {"818181818181818100", "nested deeper than 8"},
      {"c1c1c1c1c1c1c1c100", "nested deeper than 8"},
  };
  for (auto [hex, why] : kBad) EXPECT_EQ(read_hex(hex), why) << hex;
}

TEST(Cbor, IsWrittenInItsShortestFormAndTimesAreTagged) {
  EXPECT_EQ(written_hex(R"([0,23,24,255,256,65536,4294967296,-1,-1000])", ""),
            "89001718"
            "1818ff1901001a000100001b0000000100000000203903e7");
  EXPECT_EQ(written_hex(R"({"a":1.1,"b":[true,null,"IETF"]})", ""),
            "a26161fb3ff199999999999a616283f5f66449455446");
  EXPECT_EQ(written_hex(R"({"At":1363896240,"Ats":[1,2],"AtX":1})", " At Ats "),
            "a3624174c11a514b67b06341747382c101c102"
            "6341745801");
}

}  // namespace
}  // namespace berth::api
