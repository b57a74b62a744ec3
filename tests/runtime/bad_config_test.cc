// Bad config.json: malformed, huge, deeply nested, contradictory. Whatever it is, parse_spec (or
// the plan) answers with one line that names the file or the JSON path.
#include "runtime/spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <string>

namespace berth::runtime {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr size_t kLineMax = 1024;

// A config that is right, with one member (a JSON pointer) set to something else.
std::string with(const std::string& pointer, const std::string& value) {
  json config = json::parse(R"({
    "ociVersion": "1.2.0", "root": {"path": "rootfs"},
    "process": {"args": ["true"], "cwd": "/", "user": {"uid": 0, "gid": 0},
                "capabilities": {"bounding": []}, "rlimits": []},
    "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
    "linux": {"namespaces": [{"type": "mount"}], "devices": [],
              "resources": {"memory": {}, "cpu": {}, "pids": {"limit": 1}},
              "seccomp": {"defaultAction": "SCMP_ACT_ALLOW"}}})");
  config[json::json_pointer(pointer)] = json::parse(value);
  return config.dump();
}

void expect_one_line(const Result<Spec>& spec, const std::string& wanted) {
  ASSERT_FALSE(spec) << wanted;
  const std::string& text = spec.error().text;
  EXPECT_THAT(text, HasSubstr(wanted));
  EXPECT_LE(text.size(), kLineMax);
  for (char c : text) ASSERT_GE(static_cast<unsigned char>(c), 0x20) << text;
}

TEST(BadConfig, TextThatIsNoConfig) {
  const std::pair<std::string, const char*> kCases[] = {
      {"", "config.json: not valid JSON at line 1, column 1"},
      {"\xff\xfe{", "config.json: not valid JSON"},
      {"{\"ociVersion\": \"1.2.0\",\n \"root\": }", "config.json: not valid JSON at line 2"},
      {R"({"a": "\ud800"})", "config.json: not valid JSON"},
      {"{\"a\": \"\xc3\x28\"}", "config.json: not valid JSON"},
      {R"({"root": {}, "root": {}})", "config.json: key \"root\" stands twice"},
      {std::string(kConfigMax + 1, ' '), "config.json: 1048577 bytes of JSON"},
      {std::string(500000, '['), "config.json: nested deeper than 64 levels"},
      {R"({"a":)" + std::string(500000, '9') + "e999}", "config.json: not valid JSON"},
      {"null", "must be an object"},
      {"[]", "(root): must be an object"},
      {"{}", "ociVersion: is required"},
  };
  for (const auto& [text, wanted] : kCases) expect_one_line(parse_spec(text), wanted);
}

TEST(BadConfig, AMemberOfTheWrongType) {
  const char* kCases[][3] = {
      {"/ociVersion", "1", "ociVersion: must be a string, not 1"},
      {"/ociVersion", R"("2.0.0")", "ociVersion: must be 1.x"},
      {"/root", "[]", "root: must be an object"},
      {"/root/path", R"("")", "root.path: must not be empty"},
      {"/root/path", R"("a\u0000b")", "root.path: must not hold a NUL byte"},
      {"/root/readonly", "1", "root.readonly: must be true or false"},
      {"/process", "7", "process: must be an object, not 7"},
      {"/process/user", "5", "process.user: must be an object, not 5"},
      {"/process/user/uid", "1.5", "process.user.uid: must be a whole number"},
      {"/process/args", "[]", "process.args: must not be empty"},
      {"/process/args/0", "null", "process.args[0]: must be a string"},
      {"/process/cwd", R"("x")", "process.cwd: must be an absolute path"},
      {"/process/env", R"(["A=\u0000"])", "process.env[0]: must not hold a NUL byte"},
      {"/process/capabilities", "true", "process.capabilities: must be an object"},
      {"/process/rlimits", R"([3])", "process.rlimits[0]: must be an object"},
      {"/process/rlimits", R"([{"type":"RLIMIT_CORE","soft":-1,"hard":1}])",
       "process.rlimits[0].soft: must be a whole number of at least 0"},
      {"/mounts", "{}", "mounts: must be an array"},
      {"/mounts/0", "4", "mounts[0]: must be an object"},
      {"/mounts/0/destination", R"("")", "mounts[0].destination: must not be empty"},
      {"/mounts/0/options", R"([[]])", "mounts[0].options[0]: must be a string"},
      {"/linux", R"("x")", "linux: must be an object, not \"x\""},
      {"/linux/namespaces/0", R"("mount")", "linux.namespaces[0]: must be an object"},
      {"/linux/namespaces/0/type", R"("\u001b[2J")",
       "linux.namespaces[0].type: unknown namespace \\x1b[2J"},
      {"/linux/devices", R"([{"path":"/dev/x","type":"c","major":4294967297,"minor":0}])",
       "linux.devices[0].major: must be from 0 to 4095"},
      {"/linux/devices", R"([{"path":"/dev/x","type":"c","major":1,"minor":-1}])",
       "linux.devices[0].minor: must be from 0 to 1048575"},
      {"/linux/resources", "[]", "linux.resources: must be an object"},
      {"/linux/resources/memory", "5", "linux.resources.memory: must be an object, not 5"},
      {"/linux/resources/memory/limit", "18446744073709551615",
       "linux.resources.memory.limit: 18446744073709551615 is too large"},
      {"/linux/resources/cpu", R"("all")", "linux.resources.cpu: must be an object"},
      {"/linux/resources/pids/limit", R"("1")", "linux.resources.pids.limit: must be a whole"},
      {"/linux/sysctl", R"({"net.x": 1})", "linux.sysctl.net.x: must be a string"},
      {"/linux/seccomp", "[]", "linux.seccomp: must be an object"},
      {"/annotations", R"({"a": 1})", "annotations.a: must be a string"},
      {"/annotations", "[]", "annotations: must be an object"},
  };
  for (const auto& [pointer, value, wanted] : kCases) {
    SCOPED_TRACE(pointer);
    expect_one_line(parse_spec(with(pointer, value)), wanted);
  }
}

TEST(BadConfig, MembersThatContradictEachOther) {
  const char* kCases[][3] = {
      {"/hostname", R"("h")", "hostname: needs a uts namespace"},
      {"/linux/uidMappings", R"([{"containerID":0,"hostID":0,"size":1}])",
       "linux.uidMappings: needs a user namespace"},
      {"/linux/namespaces", R"([{"type":"mount"},{"type":"user"}])",
       "linux.uidMappings: is required"},
      {"/linux/namespaces", R"([{"type":"mount"},{"type":"mount"}])",
       "linux.namespaces[1].type: mount is given twice"},
      {"/linux/namespaces", R"([{"type":"pid"}])", "mounts: needs a mount namespace"},
      {"/linux/timeOffsets", R"({"monotonic":{"secs":1}})",
       "linux.timeOffsets: needs a new time namespace"},
      {"/process/rlimits", R"([{"type":"RLIMIT_CORE","soft":2,"hard":1}])",
       "process.rlimits[0].soft: is above hard"},
      {"/process/rlimits",
       R"([{"type":"RLIMIT_CORE","soft":0,"hard":1},{"type":"RLIMIT_CORE","soft":0,"hard":1}])",
       "process.rlimits[1].type: is given twice"},
      {"/mounts/0/uidMappings", R"([{"containerID":0,"hostID":0,"size":1}])",
       "mounts[0]: uidMappings and gidMappings must be given together"},
  };
  for (const auto& [pointer, value, wanted] : kCases) {
    SCOPED_TRACE(pointer);
    expect_one_line(parse_spec(with(pointer, value)), wanted);
  }
}

}  // namespace
}  // namespace berth::runtime
