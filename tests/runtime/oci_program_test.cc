#include "runtime/oci_program.h"

#include "base/text.h"
#include "sys/file.h"
#include "sys/spawn.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>

namespace berth::runtime {
namespace {

using testing::HasSubstr;

// Stands for the runtime: writes down its arguments, finds its --log in $log, then does `script`.
class OciProgramTest : public testing::Test {
 protected:
  OciProgram runtime(const std::string& script) const {
    std::string program = directory_.path() + "/runtime";
    std::string text = "#!/bin/sh\necho \"$@\" >" + directory_.path() +
                       "/arguments\nlog=$4\ncommand=$7\n" + script + "\n";
    EXPECT_TRUE(sys::write_replace(program, text, 0755));
    return {program, directory_.path()};
  }
  std::string bundle() const { return directory_.path(); }
  std::string file(const std::string& name) const {
    return sys::read_file(directory_.path() + "/" + name, 4096).value_or("");
  }

  sys::TemporaryDirectory directory_ = sys::TemporaryDirectory::make("/tmp", "berth-oci-").value();
};

TEST_F(OciProgramTest, CreateGivesThePidOfThePidFile) {
  auto pid = runtime("echo 4711 >\"${11}\"").create("id", bundle(), {});
  // $7 is create: --bundle B --pid-file P id follow.
  ASSERT_TRUE(pid) << pid.error().text << file("arguments");
  EXPECT_EQ(*pid, 4711);
  EXPECT_EQ(file("arguments"),
            fmt::format("--root {0} --log {0}/runtime.log --log-format json create --bundle {0} "
                        "--pid-file {0}/init.pid id\n",
                        bundle()));
}

TEST_F(OciProgramTest, SupervisorIsNamedInTheEnvironment) {
  sys::Pipe alive = sys::make_pipe().value();
  std::string script =
      "readlink /proc/self/fd/$BERTH_SUPERVISOR_FD >" + bundle() + "/supervisor\necho 1 >\"${11}\"";
  ASSERT_TRUE(runtime(script).create(
      "id", bundle(), {.in = -1, .out = -1, .err = -1, .supervisor = alive.read.get()}));
  EXPECT_EQ(file("supervisor"), sys::read_link(sys::proc_path(alive.read.get())).value() + "\n");
}

TEST_F(OciProgramTest, OtherCommands) {
  ASSERT_TRUE(runtime("exit 0").start("id"));
  EXPECT_THAT(file("arguments"), HasSubstr("json start id\n"));
  ASSERT_TRUE(runtime("exit 0").remove("id"));
  EXPECT_THAT(file("arguments"), HasSubstr("json delete --force id\n"));
}

TEST_F(OciProgramTest, ErrorIsTheLastOfTheLog) {
  auto started = runtime(R"(
echo '{"level":"warning","msg":"old kernel"}' >>"$log"
echo '{"level":"error","msg":"first"}' >>"$log"
echo 'not JSON' >>"$log"
echo '{"level":"error","msg":"exec: \"nope\": not found","time":"x"}' >>"$log"
echo '{"level":"info","msg":"bye"}' >>"$log"
exit 1)")
                     .start("id");
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().text, "exec: \"nope\": not found");
  EXPECT_EQ(file("id.start.log"), "") << "the log is removed";
}

TEST_F(OciProgramTest, FailureWithoutALogNamesTheProgram) {
  auto started = runtime("exit 3").start("id");
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().text, bundle() + "/runtime start exited with 3");
  auto killed = runtime("kill -9 $$").start("id");
  ASSERT_FALSE(killed);
  EXPECT_EQ(killed.error().text, bundle() + "/runtime start exited with 137");
}

TEST_F(OciProgramTest, OneThatHangsIsKilled) {
  (void)runtime("echo $$ >" + bundle() + "/pid; exec sleep 1000");  // writes the program
  OciProgram hangs(bundle() + "/runtime", bundle(), std::chrono::milliseconds(2500));
  auto started = hangs.start("id");
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().text,
            bundle() + "/runtime start did not end within 2.5 s and was killed");
  auto pid = parse_u64(trim(file("pid")));
  ASSERT_TRUE(pid);
  EXPECT_FALSE(sys::start_time_of(static_cast<pid_t>(*pid))) << "it lives on";
}

TEST_F(OciProgramTest, SuccessIgnoresWhatTheLogSays) {
  EXPECT_TRUE(runtime(R"(echo '{"level":"error","msg":"x"}' >>"$log")").start("id"));
}

TEST_F(OciProgramTest, BadPidFileIsNamed) {
  for (const char* text : {"", "abc", "-1", "99999999999999999999", "4294967297", "0"}) {
    auto pid = runtime(fmt::format("echo '{}' >\"${{11}}\"", text)).create("id", bundle(), {});
    ASSERT_FALSE(pid) << text;
    EXPECT_THAT(pid.error().text, HasSubstr("init.pid: ")) << text;
  }
  ASSERT_TRUE(sys::remove_file(bundle() + "/init.pid"));
  EXPECT_FALSE(runtime("exit 0").create("id", bundle(), {})) << "no pid file at all";
}

TEST_F(OciProgramTest, MissingProgramIsNamed) {
  auto started = OciProgram("/nonexistent/runtime", bundle()).start("id");
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().text, HasSubstr("/nonexistent/runtime"));
}

TEST_F(OciProgramTest, StreamsAreTheContainersAndNoOthersLeak) {
  sys::Fd out = sys::create(bundle() + "/out", O_WRONLY, 0600).value();
  auto pid = runtime("echo 1 >\"${11}\"; echo hello; cat; ls /proc/self/fd | wc -l >" + bundle() +
                     "/count")
                 .create("id", bundle(), {.in = -1, .out = out.get(), .err = -1});
  ASSERT_TRUE(pid) << pid.error().text;
  EXPECT_EQ(file("out"), "hello\n");
  EXPECT_EQ(file("count"), "4\n") << "0, 1, 2 and the directory that ls reads";
}

}  // namespace
}  // namespace berth::runtime
