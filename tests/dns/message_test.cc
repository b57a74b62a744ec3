#include "dns/message.h"

#include "dns/names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::dns {
namespace {

using ::testing::HasSubstr;

// One question for `type` of a name that is given as in a message.
std::string query_bytes(const std::string& wire_name, Type type) {
  std::string bytes("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00", kHeaderSize);
  bytes += wire_name;
  bytes += {'\0', static_cast<char>(type), '\0', '\1'};
  return bytes;
}

std::string error_of(const std::string& bytes) {
  auto message = parse_message(bytes);
  return message ? "" : message.error().text;
}

Message example() {
  Message message;
  message.header.id = 0xbeef;
  message.header.is_response = true;
  message.header.recursion_available = true;
  message.header.rcode = kNxDomain;
  message.questions = {{name("web.berth.internal"), kA, kIn}};
  message.answers = {
      {name("web.berth.internal"), kA, kIn, 5, std::string("\xac\x1d\0\5", 4)},
      {name("WEB.berth.internal"), kA, kIn, 5, std::string("\xac\x1d\0\6", 4)},
      {name("x.internal"), kSrv, kIn, 7, std::string("\0\1\0\1\0\x50", 6) + name("a.b").wire()}};
  message.authorities = {{name("berth.internal"), kNs, kIn, 9, name("ns.berth.internal").wire()}};
  message.additionals = {{name("t"), 65280, 3, 0xffffffff, std::string("\xc0\x0c")}};
  message.edns = Edns{4096, 1, 0, 0x8000, std::string("\0\x0a\0\2xy", 6)};
  return message;
}

TEST(DnsMessage, IsWhatItWasRenderedFrom) {
  Message message = example();
  std::string bytes = render_message(message, kMessageMax);
  EXPECT_EQ(parse_message(bytes).value(), message);
  EXPECT_EQ(parse_header(bytes).value(), message.header);
  EXPECT_EQ(parse_beginning(bytes).value().questions, message.questions);
}

TEST(DnsMessage, PointsToNamesThatStandInItAlready) {
  Message message;
  message.questions = {{name("web.berth.internal"), kA, kIn}};
  size_t alone = render_message(message, kMessageMax).size();
  message.answers = {{name("web.berth.internal"), kA, kIn, 5, "addr"}};
  std::string bytes = render_message(message, kMessageMax);
  EXPECT_EQ(bytes.size(), alone + 2 + 10 + 4);
  EXPECT_EQ(bytes.substr(alone, 2), "\xc0\x0c");
}

TEST(DnsMessage, ThatIsTooLongSaysSoAndHasNoRecords) {
  Message message = example();
  std::string whole = render_message(message, kMessageMax);
  EXPECT_EQ(render_message(message, whole.size()), whole);
  Message cut = parse_message(render_message(message, whole.size() - 1)).value();
  EXPECT_TRUE(cut.header.truncated);
  EXPECT_EQ(cut.questions, message.questions);
  EXPECT_EQ(cut.edns, message.edns);
  EXPECT_TRUE(cut.answers.empty() && cut.authorities.empty() && cut.additionals.empty());
}

TEST(DnsMessage, NamesInDataAreWrittenOut) {
  std::string bytes = query_bytes(std::string("\3web\5berth\0", 11), kPtr);
  bytes[7] = 1;                                                           // one answer
  bytes += std::string("\xc0\x0c\0\x0c\0\1\0\0\0\5\0\4\1a\xc0\x10", 16);  // PTR a.berth
  Message message = parse_message(bytes).value();
  ASSERT_EQ(message.answers.size(), 1u);
  EXPECT_EQ(message.answers[0].name, name("web.berth"));
  EXPECT_EQ(message.answers[0].data, name("a.berth").wire());
}

TEST(DnsMessage, PointersLeadBackwards) {
  EXPECT_THAT(error_of(query_bytes("\xc0\x0c", kA)), HasSubstr("not backwards"));     // itself
  EXPECT_THAT(error_of(query_bytes("\1a\xc0\x0c", kA)), HasSubstr("not backwards"));  // its start
  EXPECT_THAT(error_of(query_bytes("\xc0\x10", kA)), HasSubstr("not backwards"));     // forwards
  // Two answers whose names point at each other.
  std::string bytes = query_bytes(std::string("\1a\0", 3), kA);
  bytes[7] = 2;
  bytes += std::string("\xc0\x1f\0\1\0\1\0\0\0\5\0\0", 12);
  bytes += std::string("\xc0\x13\0\1\0\1\0\0\0\5\0\0", 12);
  EXPECT_THAT(error_of(bytes), HasSubstr("not backwards"));
}

TEST(DnsMessage, ThatIsWrongIsToldSo) {
  EXPECT_THAT(error_of(""), HasSubstr("ends at 0"));
  EXPECT_THAT(error_of(std::string(11, '\0')), HasSubstr("ends at 11"));
  std::string cut = query_bytes(std::string("\3web\0", 5), kA);
  EXPECT_THAT(error_of(cut.substr(0, cut.size() - 1)), HasSubstr("1 octets more should be"));
  EXPECT_THAT(error_of(query_bytes("@a", kA)), HasSubstr("no label"));  // 64
  EXPECT_THAT(error_of(query_bytes("\3web", kA).substr(0, 16)), HasSubstr("without an end"));
  EXPECT_THAT(error_of(query_bytes("\77web", kA)), HasSubstr("beyond the end"));
  std::string labels;
  for (int i = 0; i < 5; ++i) labels += "\76" + std::string(62, 'a');
  EXPECT_THAT(error_of(query_bytes(labels + '\0', kA)), HasSubstr("more than 255"));
  std::string two = query_bytes(std::string("\1a\0", 3), kA);
  two[5] = 2;
  EXPECT_THAT(error_of(two), HasSubstr("2 questions"));
  std::string many = query_bytes(std::string("\1a\0", 3), kA);
  many[6] = '\x7f';
  EXPECT_THAT(error_of(many), HasSubstr("more than 4096 records"));
}

TEST(DnsMessage, EdnsIsThereOnce) {
  Message message;
  message.questions = {{name("a"), kA, kIn}};
  message.additionals = {{Name(), kOpt, 512, 0, ""}, {Name(), kOpt, 512, 0, ""}};
  EXPECT_THAT(error_of(render_message(message, kMessageMax)), HasSubstr("twice"));
  message.additionals = {{name("a"), kOpt, 512, 0, ""}};
  EXPECT_THAT(error_of(render_message(message, kMessageMax)), HasSubstr("with a name"));
}

TEST(DnsMessage, AnAskerTakes512OctetsOrWhatItSays) {
  Message query;
  EXPECT_EQ(udp_size_of(query), 512u);
  query.edns = Edns{4096};
  EXPECT_EQ(udp_size_of(query), 4096u);
  query.edns = Edns{0};
  EXPECT_EQ(udp_size_of(query), 512u);
}

TEST(DnsMessage, AReplyIsToItsQuery) {
  Message query;
  query.header.id = 7;
  query.header.recursion_desired = true;
  query.questions = {{name("Web.a"), kAaaa, kIn}};
  query.edns = Edns{4096, 0, 0, 0x8000, "options"};
  Message reply = reply_to(query, kServFail);
  EXPECT_EQ(reply.header.id, 7);
  EXPECT_TRUE(reply.header.is_response && reply.header.recursion_desired);
  EXPECT_TRUE(reply.header.recursion_available);
  EXPECT_EQ(reply.header.rcode, kServFail);
  EXPECT_EQ(reply.questions, query.questions);
  EXPECT_EQ(reply.edns, Edns{});
}

TEST(DnsMessage, IsAnAnswerUnderItsIdToItsQuestionOnly) {
  Message answer;
  answer.header.id = 7;
  answer.header.is_response = true;
  answer.questions = {{name("web.A"), kA, kIn}};
  Question question{name("Web.a"), kA, kIn};
  auto is_answer = [&](uint16_t id, const Question& to) {
    return is_answer_to(render_message(answer, kMessageMax), id, to);
  };
  EXPECT_TRUE(is_answer(7, question));
  EXPECT_FALSE(is_answer(8, question));
  EXPECT_FALSE(is_answer(7, {name("web.b"), kA, kIn}));
  EXPECT_FALSE(is_answer(7, {name("web.a"), kAaaa, kIn}));
  EXPECT_FALSE(is_answer(7, {name("web.a"), kA, 3}));
  answer.questions.clear();
  EXPECT_FALSE(is_answer(7, question));
  answer.header.rcode = kRefused;
  EXPECT_TRUE(is_answer(7, question));
  answer.header.is_response = false;
  EXPECT_FALSE(is_answer(7, question));
  EXPECT_FALSE(is_answer_to("", 0, question));
}

TEST(DnsMessage, OfOthersIsCutDownToo) {
  std::string whole = render_message(example(), kMessageMax);
  Message query;
  query.questions = example().questions;
  EXPECT_EQ(fit_into(whole, whole.size(), query), whole);
  Message cut = parse_message(fit_into(whole, whole.size() - 1, query)).value();
  EXPECT_TRUE(cut.header.truncated);
  EXPECT_EQ(cut.header.id, example().header.id);
  EXPECT_EQ(cut.questions, example().questions);
  EXPECT_TRUE(cut.answers.empty() && !cut.edns);
  query.edns = Edns{};
  EXPECT_TRUE(parse_message(fit_into(whole, 100, query))->edns);
}

TEST(DnsMessage, IdIsChangedInPlace) {
  std::string bytes = query_bytes(std::string("\1a\0", 3), kA);
  EXPECT_EQ(id_of(bytes), 0x1234);
  set_id(bytes, 0xfedc);
  EXPECT_EQ(id_of(bytes), 0xfedc);
  EXPECT_EQ(parse_message(bytes).value().header.id, 0xfedc);
}

}  // namespace
}  // namespace berth::dns
