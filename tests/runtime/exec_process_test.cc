#include "runtime/exec_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::runtime {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ProcessSpec container() {
  ProcessSpec process;
  process.args = {"init"};
  process.cwd = "/home";
  process.env = {"A=1"};
  process.user = {.uid = 3, .gid = 4, .additional_gids = {5}};
  process.terminal = true;
  return process;
}

TEST(ExecProcess, WhatIsNotSaidIsTheContainers) {
  ProcessSpec process = change_process(container(), {.args = {"ls"}}).value();
  EXPECT_THAT(process.args, ElementsAre("ls"));
  EXPECT_EQ(process.cwd, "/home");
  EXPECT_THAT(process.env, ElementsAre("A=1"));
  EXPECT_EQ(process.user.uid, 3u);
  EXPECT_FALSE(process.terminal) << "only --tty gives one";
}

TEST(ExecProcess, UserKeepsTheGroupThatIsNotGiven) {
  ProcessSpec process =
      change_process(container(), {.args = {"ls"}, .user = "7", .additional_gids = {"8"}}).value();
  EXPECT_EQ(process.user.uid, 7u);
  EXPECT_EQ(process.user.gid, 4u);
  EXPECT_THAT(process.user.additional_gids, ElementsAre(5, 8));
  EXPECT_EQ(change_process(container(), {.args = {"ls"}, .user = "7:9"})->user.gid, 9u);
}

TEST(ExecProcess, CapabilitiesAreAmbientOnlyWhereInheritable) {
  ProcessSpec process = container();
  process.capabilities.inheritable = 1u << 5;  // CAP_KILL
  sys::Capabilities sets =
      change_process(process, {.args = {"ls"}, .capabilities = {"CAP_KILL", "CAP_CHOWN"}})
          ->capabilities;
  EXPECT_EQ(sets.bounding, 0x21u);
  EXPECT_EQ(sets.effective, 0x21u);
  EXPECT_EQ(sets.permitted, 0x21u);
  EXPECT_EQ(sets.ambient, 0x20u);
}

TEST(ExecProcess, WhatIsWrongIsNamed) {
  auto error = [](const ProcessChanges& changes) {
    auto changed = change_process(container(), changes);
    return changed ? "" : changed.error().text;
  };
  EXPECT_THAT(error({}), HasSubstr("needs a program"));
  EXPECT_THAT(error({.args = {"ls"}, .cwd = "x"}), HasSubstr("--cwd"));
  EXPECT_THAT(error({.args = {"ls"}, .env = {"=x"}}), HasSubstr("--env"));
  EXPECT_THAT(error({.args = {"ls"}, .user = "root"}), HasSubstr("--user: root"));
  EXPECT_THAT(error({.args = {"ls"}, .user = "4294967295"}), HasSubstr("--user"));
  EXPECT_THAT(error({.args = {"ls"}, .capabilities = {"KILL"}}), HasSubstr("--cap"));
}

TEST(ExecProcess, SubCgroups) {
  auto all = parse_sub_cgroups({"below"}).value();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].controller, "");
  EXPECT_EQ(all[0].path, "below");
  auto each = parse_sub_cgroups({"cpu,cpuacct:a", "pids:b"}).value();
  ASSERT_EQ(each.size(), 3u);
  EXPECT_EQ(each[1].controller, "cpuacct");
  EXPECT_EQ(each[2].path, "b");
  for (const auto& texts :
       {std::vector<std::string>{"a", "b"}, {":a"}, {"cpu:a", "cpu:b"}, {"../x"}}) {
    EXPECT_FALSE(parse_sub_cgroups(texts)) << texts[0];
  }
}

}  // namespace
}  // namespace berth::runtime
