// What the drivers that send lines elsewhere put on the wire.
#include "runtime/log_fluentd.h"
#include "runtime/log_gelf.h"
#include "runtime/log_journald.h"
#include "runtime/log_syslog.h"

#include "base/text.h"

#include <gtest/gtest.h>

namespace berth::runtime {
namespace {

const WallTime kSentAt{std::chrono::nanoseconds(1795381001123456789)};

TEST(Syslog, Formats) {
  SyslogHeader header{.facility = 16, .hostname = "host", .tag = "web", .pid = 7};
  LogEntry out{LogStream::kStdout, "text\n", kSentAt};
  LogEntry err{LogStream::kStderr, "text", kSentAt};
  header.format = SyslogFormat::kRfc5424;
  EXPECT_EQ(render_syslog(header, out), "<134>1 2026-11-22T20:56:41Z host web 7 web - text");
  EXPECT_EQ(render_syslog(header, err), "<131>1 2026-11-22T20:56:41Z host web 7 web - text");
  header.format = SyslogFormat::kRfc5424Micro;
  EXPECT_EQ(render_syslog(header, out), "<134>1 2026-11-22T20:56:41.123456Z host web 7 web - text");
  header.format = SyslogFormat::kRfc3164;
  std::string text = render_syslog(header, out);
  EXPECT_TRUE(text.starts_with("<134>Nov 2")) << text;
  EXPECT_TRUE(text.ends_with(" host web[7]: text")) << text;
  header.format = SyslogFormat::kUnix;
  EXPECT_TRUE(render_syslog(header, out).ends_with(":41 web[7]: text"));
}

TEST(Journald, FieldsWithNewlinesHaveTheirSize) {
  EXPECT_EQ(render_journal_field("A", "b=c"), "A=b=c\n");
  EXPECT_EQ(render_journal_field("A", "b\nc"),
            "A\n" + std::string("\x03\0\0\0\0\0\0\0", 8) + "b\nc\n");
}

TEST(Fluentd, IsTheForwardProtocol) {
  LogPlan plan;
  plan.settings = {{"tag", "t"}, {"container_id", "i"}, {"container_name", "n"}};
  std::string message = render_forward(plan, {LogStream::kStdout, "x\n", kSentAt}, "");
  EXPECT_EQ(to_hex(message),
            "94a174ce6b035709"  // [ "t", seconds,
            "84ac636f6e7461696e65725f6964a169ae636f6e7461696e65725f6e616d65a16e"
            "a6736f75726365a67374646f7574a36c6f67a178"
            "80");
  EXPECT_EQ(to_hex(forward_ack_of("c")), "81a361636ba163");
}

TEST(Gelf, AMessageIsWhatTheSpecificationSays) {
  LogPlan plan;
  plan.settings = {
      {"hostname", "host"}, {"_tag", "t"}, {"_command", "a b"}, {"compression", "none"}};
  plan.attributes = {{"team", "x"}, {"_tag", "of a label"}};
  EXPECT_EQ(render_gelf(plan, {LogStream::kStdout, "text\n", kSentAt}),
            R"({"version":"1.1","host":"host","short_message":"text","timestamp":1795381001.123,)"
            R"("level":6,"_command":"a b","_tag":"of a label","_team":"x"})");
  std::string of_error = render_gelf(plan, {LogStream::kStderr, "\xff", kSentAt});
  EXPECT_NE(of_error.find("\"short_message\":\"\xef\xbf\xbd\",\"timestamp\""), std::string::npos);
  EXPECT_NE(of_error.find("\"level\":3,"), std::string::npos);
}

TEST(Gelf, ALongMessageGoesInChunks) {
  std::string message(kGelfChunkMax, 'x');
  EXPECT_EQ(gelf_datagrams(message, 7).value(), std::vector<std::string>{message});
  message += "yz";
  auto chunks = gelf_datagrams(message, 0x0102030405060708).value();
  ASSERT_EQ(chunks.size(), 2U);
  EXPECT_EQ(to_hex(chunks[0].substr(0, 12)),
            "1e0f"
            "0102030405060708"
            "00"
            "02");
  EXPECT_EQ(to_hex(chunks[1].substr(0, 12)),
            "1e0f"
            "0102030405060708"
            "01"
            "02");
  EXPECT_EQ(chunks[0].size(), kGelfChunkMax);
  EXPECT_EQ(chunks[0].substr(12) + chunks[1].substr(12), message);
  size_t most = kGelfChunksMax * (kGelfChunkMax - 12);
  EXPECT_EQ(gelf_datagrams(std::string(most, 'x'), 7)->size(), kGelfChunksMax);
  EXPECT_EQ(gelf_datagrams(std::string(most + 1, 'x'), 7).error().text,
            "a message of GELF over UDP has at most 128 chunks; this would have 129");
}

}  // namespace
}  // namespace berth::runtime
