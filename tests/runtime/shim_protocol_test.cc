#include "runtime/shim_protocol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::runtime {
namespace {

using testing::HasSubstr;
using Kind = ShimEvent::Kind;

TEST(ShimProtocol, RequestsRoundTrip) {
  for (ShimRequest request : {ShimRequest::kStart, ShimRequest::kStop, ShimRequest::kKill,
                              ShimRequest::kHold, ShimRequest::kResume}) {
    EXPECT_EQ(parse_order(render_request(request)).value(), ShimOrder{.request = request});
  }
  for (ShimRequest request : {ShimRequest::kAttach, ShimRequest::kResize}) {
    ShimOrder order{.request = request, .container = "web", .window = {65535, 24}};
    EXPECT_EQ(parse_order(render_order(order)).value(), order);
  }
  ShimOrder signal{.request = ShimRequest::kSignal, .container = "web", .signal = 15};
  EXPECT_EQ(parse_order(render_order(signal)).value(), signal);
  ShimOrder held{.request = ShimRequest::kAttach, .container = "web", .in_the_foreground = true};
  EXPECT_EQ(parse_order(render_order(held)).value(), held);
  for (const char* bad :
       {R"({"request":"resize","rows":65536})", R"({"request":"signal","signal":65})",
        R"({"request":"resize","rows":-1})", R"({"request":"sit"})", "{}"}) {
    EXPECT_FALSE(parse_order(bad)) << bad;
  }
  EXPECT_EQ(render_request(ShimRequest::kStop), R"({"request":"stop"})");
}

TEST(ShimProtocol, ExitRecordsRoundTrip) {
  ExitRecord ran{.container = "web",
                 .exit_code = 0,
                 .oom_killed = true,
                 .reason = "OutOfMemoryError: \"quoted\"\n",
                 .started_at = "2026-11-22T20:56:41.1Z",
                 .finished_at = "2026-11-22T20:56:42.1Z"};
  ExitRecord never{.container = "web", .exit_code = std::nullopt, .reason = "CannotStart"};
  ExitRecord killed{.container = "web", .exit_code = 137, .killed = "its stopTimeout was over"};
  ExitRecord by_others{.container = "web", .exit_code = 137, .killed = ""};
  for (const ExitRecord& record : {ran, never, killed, by_others}) {
    auto parsed = parse_exit_record(render_exit_record(record));
    ASSERT_TRUE(parsed) << parsed.error().text;
    EXPECT_EQ(*parsed, record);
  }
}

TEST(ShimProtocol, EventsRoundTrip) {
  ShimEvent namespaces{.kind = Kind::kNamespaces, .namespaces = {"task", "web"}, .at = "t"};
  namespaces.steps = {{"namespaces and cgroup", Duration(1234567)}, {"x", Duration(0)}};
  ShimEvent started{.kind = Kind::kContainerStarted, .container = "web", .pid = 4711, .at = "t"};
  ShimEvent exited{.kind = Kind::kContainerExited, .container = "web", .at = "t"};
  exited.exit = ExitRecord{.container = "web", .exit_code = 137, .finished_at = "t"};
  ShimEvent sick{.kind = Kind::kContainerHealth, .container = "web", .at = "t"};
  sick.health =
      HealthReport{.status = HealthStatus::kUnhealthy, .exit_code = 1, .output = "refused\n"};
  ShimEvent late = sick;
  late.health->exit_code.reset();
  ShimEvent restarted{
      .kind = Kind::kContainerRestarted, .container = "web", .pid = 4712, .at = "t"};
  restarted.exit = ExitRecord{.container = "web", .exit_code = 3, .restarts = 17};
  ShimEvent drained{.kind = Kind::kPreStopEnded, .container = "web", .at = "t", .text = "said"};
  drained.exit = ExitRecord{.container = "web", .exit_code = 0};
  ShimEvent stopped{.kind = Kind::kTaskStopped, .at = "t"};
  ShimEvent failed{.kind = Kind::kFailed, .at = "t", .text = "mount: no space"};
  ShimEvent created{.kind = Kind::kContainerCreated, .container = "web", .at = "t"};
  ShimEvent stopping{.kind = Kind::kTaskStopping, .at = "t"};
  ShimEvent up_to_date{.kind = Kind::kUpToDate, .at = "t"};
  for (const ShimEvent& event : {namespaces, created, started, exited, sick, late, restarted,
                                 drained, stopping, stopped, failed, up_to_date}) {
    auto parsed = parse_event(render_event(event));
    ASSERT_TRUE(parsed) << parsed.error().text;
    EXPECT_EQ(*parsed, event);
  }
}

TEST(ShimProtocol, TextThatIsNotUtf8StillTravels) {
  ShimEvent failed{.kind = Kind::kFailed, .at = "t", .text = "exec \xff"};
  EXPECT_EQ(parse_event(render_event(failed))->text, "exec \xef\xbf\xbd");
}

TEST(ShimProtocol, BadMessagesAreNamed) {
  const std::pair<const char*, const char*> kEvents[] = {
      {"", "event"},
      {"[]", "must be an object"},
      {R"({"at":"t"})", "event: is required"},
      {R"({"event":"container_paused","at":"t"})", "event"},
      {R"({"event":"task_stopped"})", "at: is required"},
      {R"({"event":"task_stopped","at":"t","pid":4294967297})", "pid: 4294967297 is out of range"},
      {R"({"event":"\u001b[2J","at":"t"})", "\\x1b[2J"},
      {R"({"event":"container_exited","at":"t","exit":{}})", "exit.container: is required"},
      {R"({"event":"container_health","at":"t","health":{"status":"ILL"}})", "health.status"},
      {R"({"event":"task_stopped","at":"t","steps":[{"name":"x"}]})", "steps[0].ns: is required"},
      {R"({"event":"container_started","at":"t","pid":"1"})", "pid: must be"},
  };
  for (auto [text, path] : kEvents) {
    auto parsed = parse_event(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_THAT(parsed.error().text, HasSubstr(path)) << text;
  }
  for (const char* text : {"", "{}", R"({"request":"dance"})", R"({"request":1})", "stop"}) {
    EXPECT_FALSE(parse_order(text)) << text;
  }
  for (const char* text : {"", "{}", R"({"container":"web","exitCode":"0"})"}) {
    EXPECT_FALSE(parse_exit_record(text)) << text;
  }
}

}  // namespace
}  // namespace berth::runtime
