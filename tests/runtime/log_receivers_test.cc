// What the drivers that send lines elsewhere put on the wire.
#include "runtime/log_fluentd.h"
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

}  // namespace
}  // namespace berth::runtime
