#include "runtime/state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::runtime {
namespace {

using testing::HasSubstr;

State full_state() {
  State state;
  state.oci_version = "1.2.0";
  state.id = "c1";
  state.pid = 4242;
  state.start_time = UINT64_MAX;
  state.bundle = "/b";
  state.rootfs = "/b/rootfs";
  state.cgroup = "/x";
  state.created = "2026-11-22T20:56:41.123456789Z";
  state.annotations = {{"a", "b"}};
  return state;
}

TEST(State, WhatIsRenderedParses) {
  std::string text = render_state(full_state());
  auto parsed = parse_state(text, "state.json");
  ASSERT_TRUE(parsed) << parsed.error().text;
  EXPECT_EQ(render_state(*parsed), text);
  EXPECT_EQ(parsed->start_time, UINT64_MAX);
}

// A pid that is cut to 32 bits would be another process, and `kill` would send it a signal.
TEST(State, RefusesWhatIsNoProcess) {
  for (const char* pid : {"4294967297", "-1", "2147483648"}) {
    std::string text = render_state(full_state());
    text.replace(text.find("4242"), 4, pid);
    auto parsed = parse_state(text, "state.json");
    ASSERT_FALSE(parsed) << pid;
    EXPECT_THAT(parsed.error().text, HasSubstr("state.json: pid"));
  }
  EXPECT_FALSE(parse_state("", "state.json"));
  EXPECT_FALSE(parse_state("[]", "state.json"));
  EXPECT_FALSE(parse_state(R"({"version":2})", "state.json"));
}

}  // namespace
}  // namespace berth::runtime
