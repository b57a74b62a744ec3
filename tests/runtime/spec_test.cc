#include "runtime/spec.h"

#include "runtime/default_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace berth::runtime {
namespace {

// A minimal config with `process` and `linux` members spliced in.
std::string config(const std::string& process, const std::string& linux_members) {
  return R"({"ociVersion":"1.2.0","root":{"path":"rootfs"},"process":{"args":["true"],"cwd":"/")" +
         process + R"(},"linux":{"namespaces":[{"type":"mount"}])" + linux_members + "}}";
}

TEST(Spec, ReadsWhatTheDefaultSpecWrites) {
  auto spec = parse_spec(render_default_spec(std::nullopt));
  ASSERT_TRUE(spec) << spec.error().text;
  EXPECT_EQ(spec->process->args, std::vector<std::string>{"sh"});
  EXPECT_EQ(spec->process->capabilities.bounding, 0xa80425fbu);
  EXPECT_EQ(spec->mounts.size(), 7u);
  EXPECT_TRUE(spec->seccomp);
  EXPECT_TRUE(spec->has_new("network"));
}

struct Bad {
  const char* process;
  const char* linux_members;
  const char* text;
};

TEST(Spec, NamesThePathOfWhatIsWrong) {
  const Bad kBad[] = {
      {R"(,"consoleSize":{"width":70000,"height":1})", "",
       "process.consoleSize.width: is above 65535"},
      {R"(,"user":{"uid":-1})", "", "process.user.uid"},
      {R"(,"user":{"uid":4294967296})", "", "process.user.uid: is above 4294967295"},
      {R"(,"rlimits":[{"type":"RLIMIT_X","soft":1,"hard":1}])", "",
       "process.rlimits[0].type: unknown limit RLIMIT_X"},
      {R"(,"rlimits":[{"type":"RLIMIT_CORE","soft":2,"hard":1}])", "",
       "process.rlimits[0].soft: is above hard"},
      {R"(,"oomScoreAdj":1001)", "", "process.oomScoreAdj: must be from -1000 to 1000"},
      {"", R"(,"uidMappings":[{"containerID":0,"hostID":1,"size":0}])",
       "linux.uidMappings[0].size: must be at least 1"},
      {"", R"(,"devices":[{"path":"x","type":"c","major":1,"minor":1}])",
       "linux.devices[0].path: must be an absolute path"},
      {"", R"(,"devices":[{"path":"/x","type":"z"}])",
       "linux.devices[0].type: must be c, b, u or p"},
      {"", R"(,"resources":{"memory":{"swappiness":101}})",
       "linux.resources.memory.swappiness: must be from 0 to 100"},
      {"", R"(,"resources":{"devices":[{"allow":true,"access":"x"}]})",
       "linux.resources.devices[0].access: must be made of r, w and m"},
      {"", R"(,"seccomp":{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"action":"x"}]})",
       "linux.seccomp.syscalls[0].names: is required"},
      {"", R"(,"maskedPaths":["x"])", "x is not absolute"},
  };
  for (const Bad& bad : kBad) {
    auto spec = parse_spec(config(bad.process, bad.linux_members));
    ASSERT_FALSE(spec) << bad.text;
    EXPECT_THAT(spec.error().text, testing::HasSubstr(bad.text));
  }
}

TEST(Spec, AKnownSeccompProfileIsNotReadAgain) {
  const std::string profile = R"({ "defaultAction" : 7, "syscalls":[{"action":"x"}]})";
  std::vector<std::string> asked;
  auto knows = [&](std::string_view text) {
    asked.emplace_back(text);
    return true;
  };
  auto spec = parse_spec(config("", ",\"seccomp\":" + profile), knows);
  ASSERT_TRUE(spec) << spec.error().text;
  EXPECT_TRUE(spec->seccomp);
  EXPECT_EQ(asked, std::vector<std::string>{profile});
}

TEST(Spec, ASeccompProfileWithAListenerIsAlwaysRead) {
  auto knows = [](std::string_view) { return true; };
  auto spec = parse_spec(
      config("", R"(,"seccomp":{"defaultAction":"SCMP_ACT_ALLOW","listenerPath":"/run/agent"})"),
      knows);
  ASSERT_TRUE(spec) << spec.error().text;
  EXPECT_EQ(spec->seccomp->listener_path, "/run/agent");
  EXPECT_EQ(spec->seccomp->default_action, "SCMP_ACT_ALLOW");
  EXPECT_FALSE(parse_spec(config("", R"(,"seccomp":"x")"), knows));
}

TEST(Spec, WantsMapsForANewUserNamespace) {
  std::string text = config("", "");
  text.replace(text.find(R"({"type":"mount"})"), 16, R"({"type":"mount"},{"type":"user"})");
  auto spec = parse_spec(text);
  ASSERT_FALSE(spec);
  EXPECT_THAT(spec.error().text, testing::HasSubstr("linux.uidMappings: is required"));
}

}  // namespace
}  // namespace berth::runtime
