// docs/oci-runtime.md says of every field whether it is honoured: so it is.
#include "runtime/spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <map>
#include <string>

namespace berth::runtime {
namespace {

using nlohmann::json;

// "linux.resources.pids.limit" -> "honoured".
std::map<std::string, std::string> rows_of_document() {
  std::map<std::string, std::string> rows;
  std::ifstream file(BERTH_SOURCE_DIR "/docs/oci-runtime.md");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("| `")) continue;
    size_t end = line.find('`', 3);
    size_t bar = line.find("| ", end);
    rows[line.substr(3, end - 3)] = line.substr(bar + 2, line.find(' ', bar + 2) - bar - 2);
  }
  return rows;
}

// An example of every field.
const std::map<std::string, const char*>& examples() {
  static const std::map<std::string, const char*> kExamples{
      {"ociVersion", R"("1.2.0")"},
      {"root.path", R"("rootfs")"},
      {"root.readonly", "true"},
      {"hostname", R"("a")"},
      {"domainname", R"("a")"},
      {"annotations", R"({"a":"b"})"},
      {"mounts.destination", R"("/x")"},
      {"mounts.source", R"("/x")"},
      {"mounts.type", R"("tmpfs")"},
      {"mounts.options", R"(["rro","nosuid"])"},
      {"mounts.uidMappings", R"([{"containerID":0,"hostID":1,"size":1}])"},
      {"process.terminal", "true"},
      {"process.consoleSize", R"({"height":1,"width":1})"},
      {"process.user", R"({"uid":1,"gid":1,"umask":1,"additionalGids":[1]})"},
      {"process.args", R"(["x"])"},
      {"process.env", R"(["A=b"])"},
      {"process.cwd", R"("/x")"},
      {"process.capabilities", R"({"ambient":["CAP_KILL"]})"},
      {"process.rlimits", R"([{"type":"RLIMIT_CORE","soft":0,"hard":0}])"},
      {"process.noNewPrivileges", "true"},
      {"process.oomScoreAdj", "5"},
      {"process.scheduler", R"({"policy":"SCHED_BATCH"})"},
      {"process.ioPriority", R"({"class":"IOPRIO_CLASS_BE","priority":1})"},
      {"process.execCPUAffinity", R"({"initial":"0-1","final":"0"})"},
      {"process.apparmorProfile", R"("x")"},
      {"process.selinuxLabel", R"("x")"},
      {"hooks.prestart", R"([{"path":"/x"}])"},
      {"hooks.createRuntime", R"([{"path":"/x"}])"},
      {"hooks.createContainer", R"([{"path":"/x"}])"},
      {"hooks.startContainer", R"([{"path":"/x"}])"},
      {"hooks.poststart", R"([{"path":"/x"}])"},
      {"hooks.poststop", R"([{"path":"/x"}])"},
      {"linux.namespaces",
       R"([{"type":"mount"},{"type":"cgroup"},{"type":"uts"},{"type":"time"}])"},
      {"linux.uidMappings", R"([{"containerID":0,"hostID":1,"size":1}])"},
      {"linux.timeOffsets", R"({"boottime":{"secs":1}})"},
      {"linux.devices", R"([{"path":"/dev/x","type":"c","major":1,"minor":1}])"},
      {"linux.cgroupsPath", R"("/x")"},
      {"linux.sysctl", R"({"net.core.somaxconn":"1"})"},
      {"linux.seccomp", R"({"defaultAction":"SCMP_ACT_ALLOW"})"},
      {"linux.rootfsPropagation", R"("shared")"},
      {"linux.maskedPaths", R"(["/x"])"},
      {"linux.readonlyPaths", R"(["/x"])"},
      {"linux.personality", R"({"domain":"LINUX32"})"},
      {"linux.resources.memory.limit", "1"},
      {"linux.resources.memory.reservation", "1"},
      {"linux.resources.memory.swap", "1"},
      {"linux.resources.memory.kernel", "1"},
      {"linux.resources.memory.kernelTCP", "1"},
      {"linux.resources.memory.swappiness", "1"},
      {"linux.resources.memory.disableOOMKiller", "true"},
      {"linux.resources.memory.useHierarchy", "true"},
      {"linux.resources.memory.checkBeforeUpdate", "true"},
      {"linux.resources.cpu.shares", "2"},
      {"linux.resources.cpu.quota", "1000"},
      {"linux.resources.cpu.period", "1000"},
      {"linux.resources.cpu.burst", "1000"},
      {"linux.resources.cpu.realtimeRuntime", "1"},
      {"linux.resources.cpu.realtimePeriod", "1"},
      {"linux.resources.cpu.idle", "1"},
      {"linux.resources.cpu.cpus", R"("0")"},
      {"linux.resources.cpu.mems", R"("0")"},
      {"linux.resources.pids.limit", "0"},
      {"linux.resources.blockIO", R"({"weight":10})"},
      {"linux.resources.hugepageLimits", R"([{"pageSize":"2MB","limit":1}])"},
      {"linux.resources.network", R"({"classID":1})"},
      {"linux.resources.rdma", R"({"a":{"hcaHandles":1}})"},
      {"linux.resources.devices", R"([{"allow":false}])"},
      {"linux.resources.unified", R"({"a.b":"1"})"},
      {"linux.mountLabel", R"("x")"},
      {"linux.intelRdt", R"({"closID":"x"})"},
      {"linux.netDevices", R"({"eth0":{}})"},
      {"linux.memoryPolicy", R"({"mode":"MPOL_DEFAULT"})"},
  };
  return kExamples;
}

std::string config_with(std::string field, const std::string& value) {
  json config = json::parse(R"({"ociVersion":"1.2.0","root":{"path":"rootfs"},
    "process":{"args":["true"],"cwd":"/"},"mounts":[{"destination":"/x","type":"tmpfs"}],
    "linux":{"namespaces":[{"type":"mount"},{"type":"uts"},{"type":"time"},{"type":"network"}]}})");
  if (field.starts_with("mounts.")) field.insert(6, ".0");
  std::replace(field.begin(), field.end(), '.', '/');
  config[json::json_pointer("/" + field)] = json::parse(value);
  // What goes only together.
  if (field.ends_with("uidMappings")) {
    std::string gids = field;
    gids.replace(gids.find("uid"), 3, "gid");
    config[json::json_pointer("/" + gids)] = json::parse(value);
    if (field.starts_with("linux")) config["linux"]["namespaces"].push_back({{"type", "user"}});
  }
  return config.dump();
}

TEST(OciFields, AreAsTheDocumentSays) {
  std::map<std::string, std::string> rows = rows_of_document();
  for (const auto& [field, example] : examples()) {
    SCOPED_TRACE(field);
    ASSERT_TRUE(rows.contains(field));
    auto spec = parse_spec(config_with(field, example));
    if (rows[field] == "honoured") {
      EXPECT_TRUE(spec) << (spec ? "" : spec.error().text);
    } else {
      EXPECT_EQ(rows[field], "refused");
      ASSERT_FALSE(spec);
      EXPECT_THAT(spec.error().text, testing::HasSubstr(field + ": "));
    }
  }
  EXPECT_EQ(rows.size(), examples().size()) << "every row has its example";
}

}  // namespace
}  // namespace berth::runtime
