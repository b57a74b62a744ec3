#include "scheduler/sizes.h"
#include "scheduler/task_definition_fields.h"
#include "scheduler/task_definition_parse.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace berth::scheduler {
namespace {

ParsedTaskDefinition parse(const std::string& text) {
  auto document = json::Document::parse(text, {.name = "test"});
  EXPECT_TRUE(document.has_value());
  return parse_task_definition(document->root(), CpuArchitecture::kX86_64);
}

std::string headline(const std::string& text) {
  ParsedTaskDefinition parsed = parse(text);
  return parsed.findings.empty() ? "" : render(parsed.findings[0]);
}

// A definition with one container that has these members besides name, image and memory.
std::string with_container(const std::string& members, const std::string& task = "") {
  return R"({"family":"f",)" + task +
         R"("containerDefinitions":[{"name":"a","image":"i","memory":64)" +
         (members.empty() ? "" : "," + members) + "}]}";
}

TEST(TaskDefinition, ReadsTheOutputOfDescribe) {
  ParsedTaskDefinition parsed = parse(R"({"taskDefinition":{"taskDefinitionArn":"arn","revision":3,
    "status":"ACTIVE","family":"web","networkMode":"awsvpc","requiresCompatibilities":["FARGATE"],
    "cpu":"256","memory":"512","executionRoleArn":"role","volumes":[],"placementConstraints":[],
    "containerDefinitions":[{"name":"web","image":"nginx","cpu":0,"links":[],"healthCheck":null,
      "portMappings":[{"containerPort":80,"protocol":"tcp"}],"essential":true,
      "environment":[{"name":"A","value":"1"},{"name":"A","value":"2"}]}]},
    "tags":[{"key":"k","value":"v"}]})");
  ASSERT_EQ(parsed.findings, Findings{});
  EXPECT_EQ(parsed.definition.cpu, 256u);
  EXPECT_EQ(parsed.definition.tags.size(), 1u);
  const ContainerDefinition& web = parsed.definition.container_definitions[0];
  EXPECT_EQ(web.port_mappings[0].host_port, 80);
  EXPECT_EQ(web.environment, (std::vector<KeyValue>{{"A", "2"}}));
}

TEST(TaskDefinition, HealthChecksHaveTheDefaultsOfTheApi) {
  auto check_of = [](const std::string& members) {
    auto parsed = parse(with_container(R"("healthCheck":{)" + members + "}"));
    EXPECT_EQ(parsed.findings, Findings{});
    return parsed.definition.container_definitions[0].health_check;
  };
  using Words = std::vector<std::string>;
  auto check = check_of(R"("command":["CMD","curl","x"])");
  EXPECT_EQ(*check, (HealthCheck{{"CMD", "curl", "x"}, 30, 5, 3, 0}));
  EXPECT_EQ(args_of(*check), (Words{"curl", "x"}));
  check = check_of(
      R"("command":["CMD-SHELL","curl x || exit 1"],"interval":5,"timeout":60,"retries":10,)"
      R"("startPeriod":300)");
  EXPECT_EQ(*check, (HealthCheck{{"CMD-SHELL", "curl x || exit 1"}, 5, 60, 10, 300}));
  EXPECT_EQ(args_of(*check), (Words{"/bin/sh", "-c", "curl x || exit 1"}));
  EXPECT_EQ(args_of(*check_of(R"("command":["curl","x"])")), (Words{"curl", "x"}));
  EXPECT_EQ(check_of(R"("command":["NONE"])"), std::nullopt);
}

TEST(TaskDefinition, RestartPolicyHasTheDefaultsOfTheApi) {
  auto policy_of = [](const std::string& members) {
    auto parsed = parse(with_container(R"("restartPolicy":{)" + members + "}"));
    EXPECT_EQ(parsed.findings, Findings{});
    return parsed.definition.container_definitions[0].restart_policy;
  };
  EXPECT_EQ(policy_of(R"("enabled":true)"), (RestartPolicy{{}, 300}));
  EXPECT_EQ(policy_of(R"("enabled":true,"ignoredExitCodes":[0,143],"restartAttemptPeriod":60)"),
            (RestartPolicy{{0, 143}, 60}));
  EXPECT_EQ(policy_of(R"("enabled":false)"), std::nullopt);
}

struct BadCase {
  std::string text;
  std::string headline;
};

TEST(TaskDefinition, RefusesWithPathAndText) {
  const BadCase cases[] = {
      {R"({"family":"f","containerDefinitions":[]})",
       "containerDefinitions: Container list cannot be empty."},
      {with_container("", R"("cpu":256,)"), "cpu: Invalid type: number, valid types: string"},
      {with_container("", R"("cpu":"two",)"), "cpu: Invalid 'cpu' setting for task."},
      {with_container(R"("cpu":"1")"),
       "containerDefinitions[0].cpu: Invalid type: string, valid types: integer"},
      {with_container(R"("colour":1)"),
       "containerDefinitions[0].colour: unknown field of ContainerDefinition"},
      {with_container(R"("secrets":[{"name":"A","valueFrom":"b"}])"),
       "containerDefinitions[0].secrets: When you are specifying container secrets, you must also "
       "specify a value for 'executionRoleArn'."},
      {with_container(R"("essential":false)"),
       "containerDefinitions: Task definition doesn't have any essential container"},
      {with_container(R"("mountPoints":[{"sourceVolume":"X","containerPath":"/x"}])"),
       "containerDefinitions[0].mountPoints[0].sourceVolume: Unknown volume 'X'."},
      {with_container(R"("dependsOn":[{"containerName":"b","condition":"START"}])"),
       "containerDefinitions[0].dependsOn[0].containerName: Cannot depend on container + 'b' "
       "because "
       "it does not exist"},
      {with_container(R"("dependsOn":[{"containerName":"a","condition":"START"}])"),
       "containerDefinitions: dependsOn, volumesFrom and links form a cycle"},
      {with_container(R"("memoryReservation":65)"),
       "containerDefinitions[0].memoryReservation: 'memory' must be greater than or equal to "
       "'memoryReservation'"},
      {with_container(R"("portMappings":[{"containerPort":80,"hostPort":81}])",
                      R"("networkMode":"awsvpc",)"),
       "containerDefinitions[0].portMappings[0].hostPort: When networkMode=awsvpc, the host ports "
       "and container ports in port mappings must match."},
      {with_container(R"("ulimits":[{"name":"nofile","softLimit":2,"hardLimit":1}])"),
       "containerDefinitions[0].ulimits[0].softLimit: Soft limit exceeds hard limit for ulimit "
       "nofile"},
      {with_container("", R"("requiresCompatibilities":["FARGATE"],"memory":"512",)"),
       "cpu: Fargate requires that 'cpu' be defined at the task level."},
      {with_container("", R"("runtimePlatform":{"cpuArchitecture":"ARM64"},)"),
       "runtimePlatform.cpuArchitecture: this host runs X86_64, not ARM64"},
  };
  for (const BadCase& each : cases) EXPECT_EQ(headline(each.text), each.headline) << each.text;
}

TEST(TaskDefinition, ShowsAllFindingsAtOnce) {
  ParsedTaskDefinition parsed = parse(with_container(
      R"("credentialSpecs":["x"],"logConfiguration":{"logDriver":"splunk"},"workingDirectory":"x")"));
  ASSERT_EQ(parsed.findings.size(), 3u);
  EXPECT_EQ(parsed.findings[0].refused_by, Refuser::kBerth);
  EXPECT_EQ(parsed.findings[2].pointer, "/containerDefinitions/0/workingDirectory");
  EXPECT_EQ(parsed.findings[2].refused_by, Refuser::kAws);
}

TEST(Sizes, FargateHas74Pairs) {
  int pairs = 0;
  for (uint32_t cpu = 128; cpu <= 32768; cpu *= 2) {
    for (uint32_t memory = 512; memory <= 262144; memory += 512)
      pairs += is_fargate_size(cpu, memory);
  }
  EXPECT_EQ(pairs, 74);
}

TEST(Sizes, ReadsUnits) {
  EXPECT_EQ(parse_task_cpu("1 vCPU"), 1024u);
  EXPECT_EQ(parse_task_cpu(".5 vcpu"), 512u);
  EXPECT_EQ(parse_task_cpu("127"), std::nullopt);
  EXPECT_EQ(parse_task_memory("0.5 GB"), 512u);
  EXPECT_EQ(parse_task_memory("1e3"), std::nullopt);
}

TEST(TaskDefinition, EveryFieldStandsInTheDocs) {
  std::ifstream file(BERTH_SOURCE_DIR "/docs/task-definition.md");
  std::stringstream text;
  text << file.rdbuf();
  std::string section;
  for (const Field& field : all_fields()) {
    size_t start = text.str().find("## " + std::string(field.object) + "\n");
    ASSERT_NE(start, std::string::npos) << field.object;
    section = text.str().substr(start, text.str().find("\n## ", start) - start);
    const char* word = field.treatment == Treatment::kHonoured   ? "honoured"
                       : field.treatment == Treatment::kNoEffect ? "accepted, no effect"
                                                                 : "refused";
    std::string row =
        "| `" + std::string(field.name) + "` | " + word + " | " + std::string(field.note) + " |";
    EXPECT_NE(section.find(row), std::string::npos) << row;
  }
}

}  // namespace
}  // namespace berth::scheduler
