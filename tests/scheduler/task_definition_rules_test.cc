// Every rule of scheduler/task_definition_check.cc, broken once by a definition that is good
// otherwise: exactly this finding comes of it.
#include "scheduler/secret_rules.h"
#include "support/definition_rules.h"

#include <fmt/core.h>

namespace berth::scheduler {
namespace {

TEST(Rules, OfTheGoodDefinitionsNoneIsBroken) {
  EXPECT_EQ(findings(definition_with(kEc2, "")), std::vector<std::string>{});
  EXPECT_EQ(findings(definition_with(kAwsvpc + R"("enableFaultInjection":true,)", "")),
            std::vector<std::string>{});
  EXPECT_EQ(findings(definition_with(kFargate, "")), std::vector<std::string>{});
  EXPECT_EQ(findings(definition_with(kFargate + R"("pidMode":"task",)", "")),
            std::vector<std::string>{});
  EXPECT_EQ(findings(definition_with(R"("family":"f","cpu":"256","memory":"512",)"
                                     R"("requiresCompatibilities":["EC2","FARGATE"],)"
                                     R"("ephemeralStorage":{"sizeInGiB":21},)",
                                     "")),
            std::vector<std::string>{});
}

TEST(Rules, OfTheTask) {
  expect_each({
      {definition_with(kEc2 + R"("networkMode":"none","enableFaultInjection":true,)", ""),
       "enableFaultInjection: none mode is not supported. Please use either host or awsvpc mode."},
      {definition_with(R"("family":"a.b","memory":"512",)", ""),
       "family: Family contains invalid characters."},
      {definition_with(R"("family":")" + kLong + R"(","memory":"512",)", ""),
       "family: must have at most 255 characters"},
      {definition_with(kEc2 + R"("requiresCompatibilities":["EC2","MOON"],)", ""),
       "requiresCompatibilities[1]: is not one of [EC2, FARGATE, EXTERNAL, MANAGED_INSTANCES]"},
      {definition_with(kEc2 + R"("pidMode":"none",)", ""),
       "pidMode: 'none' is not one of [host, task]"},
      {definition_with(kEc2 + R"("ipcMode":"shareable",)", ""),
       "ipcMode: 'shareable' is not one of [host, task, none]"},
      {definition_with(kEc2 + R"("ipcMode":"host",)",
                       R"("systemControls":[{"namespace":"kernel.shmmax","value":"1"}],)"),
       "containerDefinitions[0].systemControls[0].namespace: IPC namespace-related systemControls "
       "are not supported when ipcMode=host"},
      {definition_with(kEc2 + R"("cpu":"256",)", R"("cpu":257,)"),
       "cpu: The sum of all container 'cpu' values cannot be greater than the value of the task "
       "'cpu'."},
  });
}

TEST(Rules, OfTags) {
  std::string many = R"("tags":[)";
  for (int i = 0; i < 51; ++i)
    many += (i ? "," : "") + std::string(R"({"key":"k)") + std::to_string(i) + R"("})";
  const std::string kKey = "tags[0].key: ";
  const std::string kBadKey = kKey + "must be 1 to 128 letters, digits, spaces and _.:/=+-@";
  expect_each({
      {definition_with(kEc2 + many + "],", ""), "tags: at most 50 tags"},
      {definition_with(kEc2 + R"("tags":[{"key":"a#"}],)", ""), kBadKey},
      {definition_with(kEc2 + R"("tags":[{"key":")" + kLong + R"("}],)", ""), kBadKey},
      {definition_with(kEc2 + R"("tags":[{"key":"AWS:x"}],)", ""),
       kKey + "the prefix aws: is reserved"},
      {definition_with(kEc2 + R"("tags":[{"key":"k","value":"#"}],)", ""),
       "tags[0].value: must be at most 256 letters, digits, spaces and _.:/=+-@"},
      {definition_with(kEc2 + R"("tags":[{"key":"k"},{"key":"k"}],)", ""),
       "tags[1].key: stands twice"},
  });
}

TEST(Rules, OfTheListOfContainers) {
  const std::string kSecond = R"(,{"name":"b","image":"i"})";
  std::string many;
  for (int i = 0; i < 10; ++i) many += R"(,{"image":"i","name":"b)" + std::to_string(i) + R"("})";
  expect_each({
      {definition_with(kEc2, "", many), "containerDefinitions: Too many containers."},
      {definition_with(kEc2, "", R"(,{"name":"a","image":"i"})"),
       "containerDefinitions[1].name: Container names must be unique within a task definition"},
      {definition_with(kEc2, R"("dependsOn":[{"containerName":"b","condition":"SUCCESS"}],)",
                       kSecond),
       "containerDefinitions[0].dependsOn[0].condition: A dependency container with SUCCESS or "
       "COMPLETE condition cannot be an essential container"},
      {definition_with(kEc2, R"("dependsOn":[{"containerName":"b","condition":"START"}],)",
                       R"(,{"name":"b","image":"i","dependsOn":[{"containerName":"a",)"
                       R"("condition":"START"}]})"),
       "containerDefinitions: dependsOn, volumesFrom and links form a cycle"},
      {R"({"family":"f","memory":"512","containerDefinitions":[{"image":"i"}]})",
       "containerDefinitions[0].name: Container.name should not be null or empty."},
      {R"({"family":"f","memory":"512","containerDefinitions":[{"name":"a b","image":"i"}]})",
       "containerDefinitions[0].name: Container.name contains invalid characters."},
      {R"({"family":"f","memory":"512","containerDefinitions":[{"name":"a"}]})",
       "containerDefinitions[0].image: Container.image should not be null or empty."},
      {R"({"family":"f","memory":"512","containerDefinitions":[{"name":"a","image":")" + kLong +
           R"("}]})",
       "containerDefinitions[0].image: must have at most 255 characters"},
      {definition_with(kEc2, R"("workingDirectory":"x",)"),
       "containerDefinitions[0].workingDirectory: must be an absolute path"},
  });
}

TEST(Rules, OfMemory) {
  expect_each({
      {definition_with(R"("family":"f",)", ""),
       "containerDefinitions[0].memory: Invalid setting for container 'a'. At least one of "
       "'memory' or 'memoryReservation' must be specified."},
      {definition_with(kEc2, R"("memory":5,)"),
       "containerDefinitions[0].memory: must be at least 6 MiB"},
      {definition_with(kEc2, R"("memoryReservation":5,)"),
       "containerDefinitions[0].memoryReservation: must be at least 6 MiB"},
      {definition_with(kEc2, R"("memory":513,)"),
       "containerDefinitions[0].memory: The 'memory' setting for container 'a' is greater than for "
       "the task."},
  });
}

TEST(Rules, OfNetworkModes) {
  const std::string kHere = "containerDefinitions[0].";
  const std::string kText = " not supported on container when networkMode=awsvpc.";
  expect_each({
      {definition_with(kAwsvpc, R"("hostname":"h",)"), kHere + "hostname: hostname is" + kText},
      {definition_with(kAwsvpc, R"("disableNetworking":true,)"),
       kHere + "disableNetworking: Disable Networking is" + kText},
      {definition_with(kEc2, R"("disableNetworking":true,"portMappings":[{"containerPort":80}],)"),
       kHere + "portMappings: port mappings need a network, and disableNetworking takes it away"},
      {definition_with(kAwsvpc, R"("dnsServers":["10.0.0.1"],)"),
       kHere + "dnsServers: DNS servers are" + kText},
      {definition_with(kAwsvpc, R"("dnsSearchDomains":["x"],)"),
       kHere + "dnsSearchDomains: DNS search domains are" + kText},
      {definition_with(kAwsvpc, R"("extraHosts":[{"hostname":"h","ipAddress":"10.0.0.1"}],)"),
       kHere + "extraHosts: Extra hosts are" + kText},
      {definition_with(kEc2 + R"("networkMode":"none",)",
                       R"("portMappings":[{"containerPort":80}],)"),
       kHere + "portMappings: port mappings are not allowed when networkMode=none"},
      {definition_with(kEc2 + R"("networkMode":"host",)",
                       R"("systemControls":[{"namespace":"net.core.somaxconn","value":"1"}],)"),
       kHere + "systemControls[0].namespace: net.* would change the host when networkMode=host"},
  });
}

TEST(Rules, OfPorts) {
  const std::string kSecond = "containerDefinitions[0].portMappings[1].";
  auto ports = [](const std::string& list) { return R"("portMappings":[)" + list + "],"; };
  expect_each({
      {definition_with(kAwsvpc, ports(R"({"containerPort":80},{"containerPort":80})")),
       kSecond + "containerPort: TCP container port '80' is used multiple times in task when "
                 "networkMode=awsvpc."},
      {definition_with(kEc2, ports(R"({"containerPort":80,"hostPort":2375})")),
       "containerDefinitions[0].portMappings[0].hostPort: host port 2375 is reserved"},
      {definition_with(kEc2, ports(R"({"containerPort":80,"hostPort":8080},)"
                                   R"({"containerPort":81,"hostPort":8080})")),
       kSecond + "hostPort: TCP host port '8080' is mapped multiple times in task."},
      {definition_with(kEc2, ports(R"({"containerPort":80,"name":"Web"})")),
       "containerDefinitions[0].portMappings[0].name: must be at most 64 of [a-z0-9_-], not "
       "starting with '-'"},
      {definition_with(kEc2,
                       ports(R"({"containerPort":80,"name":"w"},{"containerPort":81,"name":"w"})")),
       kSecond + "name: When networkMode=bridge, port mapping name is already used"},
  });
  EXPECT_EQ(findings(definition_with(kEc2, ports(R"({"containerPort":53,"hostPort":53},)"
                                                 R"({"containerPort":53,"hostPort":53,)"
                                                 R"("protocol":"udp"})"))),
            std::vector<std::string>{})
      << "tcp and udp have ports of their own";
}

TEST(Rules, OfLinuxParametersAndLimits) {
  const std::string kHere = "containerDefinitions[0].";
  const std::string kLinux = kHere + "linuxParameters.";
  auto parameters = [](const std::string& members) {
    return R"("linuxParameters":{)" + members + "},";
  };
  expect_each({
      {definition_with(kEc2, parameters(R"("capabilities":{"add":["CAP_CHOWN"]})")),
       kLinux + "capabilities.add[0]: is no capability (names have no CAP_ in front)"},
      {definition_with(kEc2, parameters(R"("capabilities":{"drop":["CHOWN","FLY"]})")),
       kLinux + "capabilities.drop[1]: is no capability (names have no CAP_ in front)"},
      {definition_with(kEc2,
                       parameters(R"("devices":[{"hostPath":"dev/x","containerPath":"/x"}])")),
       kLinux + "devices[0].hostPath: must be an absolute path"},
      {definition_with(kEc2,
                       parameters(R"("devices":[{"hostPath":"/dev/x","containerPath":"x"}])")),
       kLinux + "devices[0].containerPath: must be an absolute path"},
      {definition_with(kEc2, parameters(R"("tmpfs":[{"containerPath":"t","size":1}])")),
       kLinux + "tmpfs[0].containerPath: must be an absolute path"},
      {definition_with(kEc2, parameters(R"("tmpfs":[{"containerPath":"/t","size":1,)"
                                        R"("mountOptions":["uid=1","fast"]}])")),
       kLinux + "tmpfs[0].mountOptions[1]: is no option of a tmpfs"},
      {definition_with(kEc2, R"("ulimits":[{"name":"files","softLimit":1,"hardLimit":1}],)"),
       kHere + "ulimits[0].name: is no ulimit"},
      {definition_with(kEc2, R"("ulimits":[{"name":"core","softLimit":-1,"hardLimit":1}],)"),
       kHere + "ulimits[0].softLimit: Soft limit exceeds hard limit for ulimit core"},
      {definition_with(kEc2, R"("systemControls":[{"namespace":"vm.swappiness","value":"1"}],)"),
       kHere + "systemControls[0].namespace: is not one of kernel.{msgmax,msgmnb,msgmni,sem,shmall,"
               "shmmax,shmmni,shm_rmid_forced}, fs.mqueue.* and net.*"},
  });
}

TEST(Rules, OfImages) {
  auto with_image = [](const std::string& image) {
    return R"({"family":"f","memory":"512","containerDefinitions":[{"name":"a","image":")" + image +
           R"("}]})";
  };
  for (const char* image : {"app@sha256:a#1", "[::1]:5000/x:y", "oci:/srv/my images/a+b:latest",
                            "oci-archive:~/x=1.tar", "docker-archive:/srv/\u00fc.tar:1"}) {
    EXPECT_EQ(findings(with_image(image)), std::vector<std::string>{}) << image;
  }
  for (const char* image : {"app 1", "app+1", "oci-layout:/a b", "\u00fc"}) {
    EXPECT_EQ(findings(with_image(image)),
              std::vector<std::string>{"containerDefinitions[0].image: Container.image contains "
                                       "invalid characters."})
        << image;
  }
}

TEST(Rules, OfSecretsAmongManyNames) {
  constexpr size_t kMany = 60000;  // one by one that would be minutes
  ContainerDefinition container;
  for (size_t i = 0; i < kMany; ++i) {
    container.environment.push_back({fmt::format("E{}", i), ""});
    container.secrets.push_back({fmt::format("S{}", i), "v"});
  }
  EXPECT_TRUE(secret_faults_of(container).empty());
  container.secrets.push_back({"S1", "v"});
  container.secrets.push_back({"E2", "v"});
  std::vector<SecretFault> faults = secret_faults_of(container);
  ASSERT_EQ(faults.size(), 2U);
  EXPECT_EQ(faults[0].place, kMany);
  EXPECT_EQ(faults[0].message,
            "Duplicate secret names found: S1. Each secret name must be unique.");
  EXPECT_EQ(faults[1].place, kMany + 1);
  EXPECT_EQ(faults[1].message,
            "The secret name must be unique and not shared with any new or existing environment "
            "variables set on the container, such as 'E2'.");
}

TEST(Rules, OfRepositoryCredentials) {
  const std::string kHere = "containerDefinitions[0].repositoryCredentials";
  const std::string kRole = kEc2 + R"("executionRoleArn":"r",)";
  const std::string kArn = "arn:aws:secretsmanager:r:1:secret:";
  auto credentials = [](const std::string& id) {
    return R"("repositoryCredentials":{"credentialsParameter":")" + id + R"("},)";
  };
  const std::string kInvalid =
      ".credentialsParameter: The repository credentials parameter specified for container 'a' is "
      "invalid. Parameter names can include up to 255 (uppercase and lowercase), numbers, hyphens, "
      "and underscores are allowed. Spaces are not allowed.";
  expect_each({
      {definition_with(kEc2, credentials("registry")),
       kHere + ": Private repository authentication requires that the task definition specify a "
               "value for executionRoleArn."},
      {definition_with(kRole, credentials("a secret")), kHere + kInvalid},
      {definition_with(kRole, credentials(kArn + "a:key::")), kHere + kInvalid},
      {definition_with(kRole, credentials("arn:aws:ssm:r:1:parameter/a")), kHere + kInvalid},
      {definition_with(kRole, R"("repositoryCredentials":{},)"),
       kHere + ".credentialsParameter: is required and must not be empty"},
  });
  for (const std::string& id : {std::string("team/registry"), kArn + "a-AbC123"}) {
    EXPECT_EQ(findings(definition_with(kRole, credentials(id))), std::vector<std::string>{}) << id;
  }
}

TEST(Rules, OfHealthChecks) {
  auto most = [](const char* what, const char* value) {
    return fmt::format(
        "Health check {} must be less than or equal to the maximum allowed value {} for container "
        "'a'",
        what, value);
  };
  const std::string kHere = "containerDefinitions[0].healthCheck";
  auto check = [](const std::string& members) { return R"("healthCheck":{)" + members + "},"; };
  const std::string kCommand = R"("command":["CMD","true"])";
  expect_each({
      {definition_with(kEc2, check("")), kHere + ".command: is required and must not be empty"},
      {definition_with(kEc2, check(R"("command":["CMD"])")),
       kHere + ".command: needs a command behind CMD"},
      {definition_with(kEc2, check(R"("command":["CMD-SHELL"])")),
       kHere + ".command: needs a command behind CMD-SHELL"},
      {definition_with(kEc2, check(kCommand + R"(,"interval":4)")),
       kHere + ".interval: must be between 5 and 300, not 4"},
      {definition_with(kEc2, check(kCommand + R"(,"interval":301)")),
       kHere + ".interval: " + most("interval", "300")},
      {definition_with(kEc2, check(kCommand + R"(,"timeout":1)")),
       kHere + ".timeout: must be between 2 and 60, not 1"},
      {definition_with(kEc2, check(kCommand + R"(,"timeout":61)")),
       kHere + ".timeout: " + most("timeout", "60")},
      {definition_with(kEc2, check(kCommand + R"(,"retries":0)")),
       kHere + ".retries: must be between 1 and 10, not 0"},
      {definition_with(kEc2, check(kCommand + R"(,"retries":11)")),
       kHere + ".retries: " + most("retries", "10")},
      {definition_with(kEc2, check(kCommand + R"(,"startPeriod":301)")),
       kHere + ".startPeriod: " + most("startPeriod", "300")},
      {definition_with(kEc2, check(kCommand + R"(,"startInterval":5)")),
       kHere + ".startInterval: unknown field of HealthCheck"},
      {definition_with(kEc2, R"("dependsOn":[{"containerName":"b","condition":"HEALTHY"}],)",
                       R"(,{"name":"b","image":"i","healthCheck":{"command":["NONE"]}})"),
       "containerDefinitions[0].dependsOn[0].condition: A dependency container with HEALTHY "
       "condition must have health check configured"},
  });
  EXPECT_EQ(findings(definition_with(
                kFargate, R"("dependsOn":[{"containerName":"b","condition":"HEALTHY"}],)",
                R"(,{"name":"b","image":"i",)" + check(kCommand) + R"("essential":true})")),
            std::vector<std::string>{})
      << "an essential container may be waited for";
}

TEST(Rules, OfRestartPolicies) {
  const std::string kHere = "containerDefinitions[0].restartPolicy.";
  auto policy = [](const std::string& members) { return R"("restartPolicy":{)" + members + "},"; };
  const std::string kPeriod =
      kHere +
      "restartAttemptPeriod: The 'restartAttemptPeriod' setting for container 'a' must be "
      "between 60 and 1800.";
  std::string many = "1";
  for (int i = 0; i < 50; ++i) many += ",1";
  expect_each({
      {definition_with(kEc2, policy("")), kHere + "enabled: is required"},
      {definition_with(kEc2, policy(R"("enabled":true,"restartAttemptPeriod":59)")), kPeriod},
      {definition_with(kEc2, policy(R"("enabled":true,"restartAttemptPeriod":1801)")), kPeriod},
      {definition_with(kEc2, policy(R"("enabled":true,"ignoredExitCodes":[)" + many + "]")),
       kHere + "ignoredExitCodes: at most 50 exit codes"},
      {definition_with(kEc2, policy(R"("enabled":true,"ignoredExitCodes":[1.5])")),
       kHere + "ignoredExitCodes[0]: Invalid type: number, valid types: integer"},
      {definition_with(kEc2, policy(R"("enabled":true,"maximumRetryCount":3)")),
       kHere + "maximumRetryCount: unknown field of ContainerRestartPolicy"},
  });
  for (const char* period : {"60", "1800"}) {
    std::string text = policy(std::string(R"("enabled":true,"restartAttemptPeriod":)") + period);
    EXPECT_EQ(findings(definition_with(kFargate, text)), std::vector<std::string>{});
  }
}

TEST(Rules, OfLinks) {
  const std::string kHere = "containerDefinitions[0].links";
  const std::string kOther = R"(,{"name":"b","image":"i"})";
  auto links = [](const std::string& list) { return R"("links":[)" + list + "],"; };
  EXPECT_EQ(findings(definition_with(kEc2, links(R"("b:database","b")"), kOther)),
            std::vector<std::string>{});
  const std::string kHost = R"("family":"f","memory":"512","networkMode":"host",)";
  expect_each({
      {definition_with(kAwsvpc, links(R"("b")"), kOther),
       kHere + ": Links are not supported when networkMode=awsvpc."},
      {definition_with(kHost, links(R"("b")"), kOther),
       kHere + ": Links are not supported when networkMode=host."},
      {definition_with(kEc2, links(R"("c:b")"), kOther),
       kHere + "[0]: Cannot link to container c because it does not exist"},
      {definition_with(kEc2, links(R"("b:")"), kOther),
       kHere + "[0]: an alias must be letters, digits, '_' and '-'"},
      {definition_with(kEc2, links(R"("b:x","b:x")"), kOther), kHere + "[1]: alias x is taken"},
      {definition_with(kEc2, links(R"("b")"),
                       R"(,{"name":"b","image":"i","disableNetworking":true})"),
       kHere + "[0]: container b has no address: its networking is disabled"},
      {definition_with(kEc2, R"("disableNetworking":true,)" + links(R"("b")"), kOther),
       kHere + ": links need a network, and disableNetworking takes it away"},
      {definition_with(kEc2, links(R"("b")"), R"(,{"name":"b","image":"i","links":["a"]})"),
       "containerDefinitions: dependsOn, volumesFrom and links form a cycle"},
  });
}

TEST(Rules, OfPortRanges) {
  const std::string kHere = "containerDefinitions[0].portMappings[0].";
  const std::string kBad =
      kHere +
      "containerPortRange: Invalid 'containerPortRange' setting for container 'a'. It must be "
      "FIRST-LAST, two ports from 1 to 65535, the first below the last.";
  auto ports = [](const std::string& members) { return R"("portMappings":[{)" + members + "}],"; };
  auto range = [&](const std::string& text) {
    return ports(R"("containerPortRange":")" + text + "\"");
  };
  EXPECT_EQ(findings(definition_with(kEc2, range("1-65535"))), std::vector<std::string>{});
  EXPECT_EQ(findings(definition_with(kFargate, range("80-81"))), std::vector<std::string>{});
  const std::string kHost = R"("family":"f","memory":"512","networkMode":"host",)";
  auto twice = [](const char* port) {
    return fmt::format(
        "TCP container port '{}' is used multiple times in task when networkMode=bridge.", port);
  };
  const std::string kBoth =
      "Invalid port mapping for container 'a', cannot specify both single port and port range.";
  std::vector<Rule> rules;
  for (const char* text : {"80", "0-80", "80-65536", "81-80", "80-80", "80-81-82", "a-b", "-80"}) {
    rules.push_back({definition_with(kEc2, range(text)), kBad});
  }
  rules.push_back(
      {definition_with(kEc2, ports(R"("containerPortRange":"80-81","containerPort":80)")),
       kHere + "containerPort: " + kBoth});
  rules.push_back({definition_with(kEc2, ports(R"("containerPortRange":"80-81","hostPort":80)")),
                   kHere + "hostPort: " + kBoth});
  rules.push_back({definition_with(kHost, range("80-81")),
                   kHere + "containerPortRange: a range needs networkMode bridge or awsvpc"});
  rules.push_back(
      {definition_with(kEc2, ports(R"("containerPort":90},{"containerPortRange":"80-90")")),
       "containerDefinitions[0].portMappings[1].containerPortRange: " + twice("90")});
  rules.push_back(
      {definition_with(kEc2, ports(R"("containerPortRange":"80-90"},{"containerPort":80)")),
       "containerDefinitions[0].portMappings[1].containerPort: " + twice("80")});
  std::string many = R"("containerPortRange":"1-2")";
  for (int i = 1; i <= 100; ++i) {
    many += R"(},{"containerPortRange":")" + std::to_string(2 * i + 1) + "-" +
            std::to_string(2 * i + 2) + "\"";
  }
  rules.push_back({definition_with(kEc2, ports(many)),
                   "containerDefinitions[0].portMappings: at most 100 port ranges in a container"});
  expect_each(rules);
}

// berth refuses these fields, and says what AWS would have said as well.
TEST(Rules, OfAwsAboutRefusedFields) {
  const std::string kHere = "containerDefinitions[0].";
  std::string files = R"({"value":"arn:aws:s3:::b/f.env","type":"s3"})";
  std::string many = files;
  for (int i = 0; i < 10; ++i) many += "," + files;
  const Rule kRules[] = {
      {definition_with(kEc2 + R"("volumes":[{"name":"v","configuredAtLaunch":true}],)", ""),
       "volumes[0].configuredAtLaunch: Volumes [v] are not referenced by any of the containers"},
      {definition_with(kEc2 + R"("volumes":[{"name":"v","configuredAtLaunch":true},)"
                              R"({"name":"w","configuredAtLaunch":true}],)",
                       ""),
       "volumes[1].configuredAtLaunch: one volume at most can be configured at launch"},
      {definition_with(kEc2, R"("credentialSpecs":["x","y"],)"),
       kHere + "credentialSpecs: one credential spec at most is allowed"},
      {definition_with(kFargate + R"("ephemeralStorage":{"sizeInGiB":20},)", ""),
       "ephemeralStorage.sizeInGiB: EphemeralStorage size should be at least 21"},
      {definition_with(
           kEc2 + R"("requiresCompatibilities":["EC2"],"ephemeralStorage":{"sizeInGiB":21},)", ""),
       "ephemeralStorage: Tasks using the EC2 launch type do not support EphemeralStorage."},
      {definition_with(
           kFargate + R"("placementConstraints":[{"type":"memberOf","expression":"x"}],)", ""),
       "placementConstraints: Fargate compatible task definitions do not support constraints"},
      {definition_with(kEc2, R"("secrets":[{"name":"A","valueFrom":"b"}],)"),
       kHere + "secrets: When you are specifying container secrets, you must also specify a value "
               "for 'executionRoleArn'."},
      {definition_with(kEc2, R"("environmentFiles":[)" + many + "],"),
       kHere + "environmentFiles: The maximum number of environment files was exceeded. Specify "
               "ten or less and try again."},
      {definition_with(kEc2, R"("environmentFiles":[{"value":"f.env","type":"s3"}],)"),
       kHere + "environmentFiles[0].value: Invalid arn syntax."},
      {definition_with(kEc2,
                       R"("environmentFiles":[{"value":"arn:aws:s3:::b/f.txt","type":"s3"}],)"),
       kHere + "environmentFiles[0].value: environment files must have the suffix .env"},
      {definition_with(kEc2, R"("logConfiguration":{"logDriver":"awslogs"},)"),
       kHere + "logConfiguration.options: Log driver awslogs requires options: awslogs-region, "
               "awslogs-group"},
      {definition_with(kFargate, R"("logConfiguration":{"logDriver":"awslogs"},)"),
       "executionRoleArn: Fargate requires task definition to have execution role ARN to support "
       "log driver awslogs."},
      {definition_with(kFargate, R"("logConfiguration":{"logDriver":"awslogs"},)"),
       kHere + "logConfiguration.options: Fargate requires log configuration options to include "
               "awslogs-stream-prefix to support log driver awslogs."},
      {definition_with(kFargate, R"("resourceRequirements":[{"type":"GPU","value":"1"}],)"),
       kHere +
           "resourceRequirements[0].type: Tasks using the Fargate launch type do not support GPU "
           "resource requirements."},
  };
  for (const Rule& rule : kRules) {
    std::vector<std::string> found = findings(rule.text);
    EXPECT_EQ(std::count(found.begin(), found.end(), rule.finding), 1) << rule.finding;
  }
}

TEST(Rules, OfFargate) {
  const std::string kHere = "containerDefinitions[0].";
  const std::string kUnsupported = "Fargate compatible task definitions do not support ";
  auto parameters = [](const std::string& members) {
    return R"("linuxParameters":{)" + members + "},";
  };
  const std::string kOnly = R"("family":"f","requiresCompatibilities":["FARGATE"],)";
  expect_each({
      {definition_with(kFargate + R"("networkMode":"bridge",)", ""),
       "networkMode: Fargate only supports network mode ‘awsvpc’."},
      {definition_with(kOnly + R"("memory":"512",)", ""),
       "cpu: Fargate requires that 'cpu' be defined at the task level."},
      {definition_with(kOnly + R"("cpu":"256",)", R"("memory":64,)"),
       "memory: Fargate requires that 'memory' be defined at the task level."},
      {definition_with(kOnly + R"("cpu":"256","memory":"8192",)", ""),
       "cpu: No Fargate configuration exists for given values: 256 CPU, 8192 memory."},
      {definition_with(kFargate + R"("pidMode":"host",)", ""),
       "pidMode: Tasks using the Fargate launch type do not support pidMode 'host'. The supported "
       "value for pidMode is 'task'."},
      {definition_with(kFargate + R"("ipcMode":"task",)", ""),
       "ipcMode: Fargate compatible task definitions do not support ipcMode"},
      {definition_with(kFargate, R"("startTimeout":121,)"),
       kHere + "startTimeout: must be between 2 and 120 seconds on Fargate"},
      {definition_with(kFargate, R"("stopTimeout":1,)"),
       kHere + "stopTimeout: must be between 2 and 120 seconds on Fargate"},
      {definition_with(kFargate, R"("privileged":true,)"),
       kHere + "privileged: Fargate requires that the ‘privileged’ setting be ‘false’ at the "
               "container level."},
      {definition_with(kFargate, R"("dockerSecurityOptions":["no-new-privileges"],)"),
       kHere + "dockerSecurityOptions: " + kUnsupported + "dockerSecurityOptions"},
      {definition_with(kFargate, parameters(R"("devices":[{"hostPath":"/dev/null"}])")),
       kHere + "linuxParameters.devices: " + kUnsupported + "devices"},
      {definition_with(kFargate, parameters(R"("sharedMemorySize":1)")),
       kHere + "linuxParameters.sharedMemorySize: " + kUnsupported + "sharedMemorySize"},
      {definition_with(kFargate, parameters(R"("maxSwap":1)")),
       kHere + "linuxParameters.maxSwap: " + kUnsupported + "maxSwap"},
      {definition_with(kFargate, parameters(R"("swappiness":1)")),
       kHere + "linuxParameters.swappiness: " + kUnsupported + "swappiness"},
      {definition_with(kFargate,
                       parameters(R"("capabilities":{"add":["SYS_PTRACE","NET_ADMIN"]})")),
       kHere + "linuxParameters.capabilities.add[1]: NET_ADMIN is not allowed on Fargate."},
  });
}

}  // namespace
}  // namespace berth::scheduler
