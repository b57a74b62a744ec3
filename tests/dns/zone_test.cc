#include "dns/zone.h"

#include "dns/names.h"

#include <gtest/gtest.h>

namespace berth::dns {
namespace {

const Zone& zone() {
  static const Zone kZone{name("berth.internal"), 5, 2};
  return kZone;
}

Message query(const std::string& for_name, Type type) {
  Message query;
  query.header.id = 9;
  query.questions = {{name(for_name), type, kIn}};
  return query;
}

std::vector<RecordValue> addresses(size_t count) {
  std::vector<RecordValue> values;
  for (uint32_t i = 0; i < count; ++i) values.push_back(address_value(Ipv4{0xac1d0002 + i}));
  return values;
}

TEST(DnsZone, AnswersInTheCaseThatWasAsked) {
  Message reply =
      answer_from(zone(), query("Web.Berth.Internal", kA), Presence::kRecords, addresses(2));
  EXPECT_EQ(reply.header.rcode, kNoError);
  EXPECT_TRUE(reply.header.authoritative);
  ASSERT_EQ(reply.answers.size(), 2u);
  EXPECT_EQ(reply.answers[0].name, name("Web.Berth.Internal"));
  EXPECT_EQ(reply.answers[0].ttl, 5u);
  EXPECT_EQ(reply.answers[0].data, std::string("\xac\x1d\0\2", 4));
  EXPECT_TRUE(reply.authorities.empty());
}

TEST(DnsZone, GivesEightAtMostWhichFitWithoutEdns) {
  Message reply =
      answer_from(zone(), query("web.berth.internal", kA), Presence::kRecords, addresses(20));
  EXPECT_EQ(reply.answers.size(), 8u);
  EXPECT_FALSE(parse_header(render_message(reply, kPlainUdpMax)).value().truncated);
}

TEST(DnsZone, AnotherTypeOfANameIsNoData) {
  Message reply =
      answer_from(zone(), query("web.berth.internal", kAaaa), Presence::kRecords, addresses(1));
  EXPECT_EQ(reply.header.rcode, kNoError);
  EXPECT_TRUE(reply.answers.empty());
  ASSERT_EQ(reply.authorities.size(), 1u);
  EXPECT_EQ(reply.authorities[0].type, kSoa);
  EXPECT_EQ(reply.authorities[0].name, name("berth.internal"));
  EXPECT_EQ(reply.authorities[0].ttl, 2u);
}

TEST(DnsZone, NoSuchNameIsNxdomainAndANameAboveOthersIsNot) {
  Message none = answer_from(zone(), query("no.berth.internal", kA), Presence::kNone, {});
  EXPECT_EQ(none.header.rcode, kNxDomain);
  EXPECT_EQ(none.authorities.size(), 1u);
  Message empty = answer_from(zone(), query("up.berth.internal", kA), Presence::kEmpty, {});
  EXPECT_EQ(empty.header.rcode, kNoError);
  EXPECT_EQ(empty.authorities.size(), 1u);
}

TEST(DnsZone, ItsOriginHasAnSoaThatCanBeRead) {
  Message reply = answer_from(zone(), query("berth.internal", kSoa), Presence::kEmpty, {});
  ASSERT_EQ(reply.answers.size(), 1u);
  EXPECT_TRUE(reply.authorities.empty());
  EXPECT_EQ(parse_message(render_message(reply, kMessageMax)).value(), reply);
}

TEST(DnsZone, AnyGivesAll) {
  std::vector<RecordValue> values = addresses(1);
  values.push_back(pointer_value(name("a.b")));
  Message reply =
      answer_from(zone(), query("web.berth.internal", kAny), Presence::kRecords, values);
  EXPECT_EQ(reply.answers.size(), 2u);
}

TEST(DnsZone, RecordsAreKeptAsText) {
  for (const char* text : {"A 172.29.0.5", "AAAA fd00:be::5", "PTR web.berth.internal", "PTR ."}) {
    EXPECT_EQ(render_record_value(parse_record_value(text).value()), text);
  }
  for (const char* bad :
       {"", "A", "A ", "A 172.29.0", "AAAA 1.2.3.4", "AAAA ::g", "PTR a b", "a 172.29.0.5"}) {
    EXPECT_FALSE(parse_record_value(bad)) << bad;
  }
}

}  // namespace
}  // namespace berth::dns
