// Every rule of scheduler/task_definition_check.cc, broken once by a definition that is good
// otherwise: exactly this finding comes of it.
#include "scheduler/log_receiver.h"
#include "scheduler/sizes.h"
#include "scheduler/task_definition_parse.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace berth::scheduler {
namespace {

const std::string kLong(256, 'x');

// `task` are members of the definition, `container` members of its one container, each with a comma
// behind.
std::string definition(const std::string& task, const std::string& container,
                       const std::string& more = "") {
  return "{" + task + R"("containerDefinitions":[{)" + container + R"("name":"a","image":"i"})" +
         more + "]}";
}

std::vector<std::string> findings(const std::string& text) {
  auto document = json::Document::parse(text, {.name = "test"});
  EXPECT_TRUE(document) << text;
  std::vector<std::string> lines;
  for (const Finding& each :
       parse_task_definition(document->root(), CpuArchitecture::kX86_64).findings) {
    lines.push_back(render(each));
  }
  return lines;
}

struct Rule {
  std::string text;
  std::string finding;
};

void expect_each(const std::vector<Rule>& rules) {
  for (const Rule& rule : rules) {
    EXPECT_EQ(findings(rule.text), std::vector<std::string>{rule.finding}) << rule.text;
  }
}

const std::string kEc2 = R"("family":"f","memory":"512",)";
const std::string kAwsvpc = R"("family":"f","memory":"512","networkMode":"awsvpc",)";
const std::string kFargate =
    R"("family":"f","cpu":"256","memory":"512","requiresCompatibilities":["FARGATE"],)";

TEST(Rules, OfTheGoodDefinitionsNoneIsBroken) {
  EXPECT_EQ(findings(definition(kEc2, "")), std::vector<std::string>{});
  EXPECT_EQ(findings(definition(kAwsvpc + R"("enableFaultInjection":true,)", "")),
            std::vector<std::string>{});
  EXPECT_EQ(findings(definition(kFargate, "")), std::vector<std::string>{});
  EXPECT_EQ(findings(definition(kFargate + R"("pidMode":"task",)", "")),
            std::vector<std::string>{});
}

TEST(Rules, OfTheTask) {
  expect_each({
      {definition(kEc2 + R"("networkMode":"none","enableFaultInjection":true,)", ""),
       "enableFaultInjection: none mode is not supported. Please use either host or awsvpc mode."},
      {definition(R"("family":"a.b","memory":"512",)", ""),
       "family: must be 1 to 255 letters, digits, '_' and '-'"},
      {definition(R"("family":")" + kLong + R"(","memory":"512",)", ""),
       "family: must be 1 to 255 letters, digits, '_' and '-'"},
      {definition(kEc2 + R"("requiresCompatibilities":["EC2","MOON"],)", ""),
       "requiresCompatibilities[1]: is not one of [EC2, FARGATE, EXTERNAL, MANAGED_INSTANCES]"},
      {definition(kEc2 + R"("pidMode":"none",)", ""), "pidMode: 'none' is not one of [host, task]"},
      {definition(kEc2 + R"("ipcMode":"shareable",)", ""),
       "ipcMode: 'shareable' is not one of [host, task, none]"},
      {definition(kEc2 + R"("ipcMode":"host",)",
                  R"("systemControls":[{"namespace":"kernel.shmmax","value":"1"}],)"),
       "containerDefinitions[0].systemControls[0].namespace: IPC namespace-related systemControls "
       "are not supported when ipcMode=host"},
      {definition(kEc2 + R"("cpu":"256",)", R"("cpu":257,)"),
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
      {definition(kEc2 + many + "],", ""), "tags: at most 50 tags"},
      {definition(kEc2 + R"("tags":[{"key":"a#"}],)", ""), kBadKey},
      {definition(kEc2 + R"("tags":[{"key":")" + kLong + R"("}],)", ""), kBadKey},
      {definition(kEc2 + R"("tags":[{"key":"AWS:x"}],)", ""), kKey + "the prefix aws: is reserved"},
      {definition(kEc2 + R"("tags":[{"key":"k","value":"#"}],)", ""),
       "tags[0].value: must be at most 256 letters, digits, spaces and _.:/=+-@"},
      {definition(kEc2 + R"("tags":[{"key":"k"},{"key":"k"}],)", ""), "tags[1].key: stands twice"},
  });
}

// A definition with one volume that has dockerVolumeConfiguration.
std::string with_docker_volume(const std::string& task, const std::string& docker) {
  return definition(
      task + R"("volumes":[{"name":"v","dockerVolumeConfiguration":{)" + docker + "}}],", "");
}

TEST(Rules, OfDockerVolumes) {
  const std::string kDocker = "volumes[0].dockerVolumeConfiguration";
  expect_each({
      {with_docker_volume(kFargate, R"("scope":"task")"),
       kDocker + ": Fargate compatible task definitions do not support dockerVolumeConfiguration"},
      {with_docker_volume(kEc2, R"("scope":"host")"),
       kDocker + ".scope: 'host' is not one of [task, shared]"},
      {with_docker_volume(kEc2, R"("autoprovision":false)"),
       kDocker + ".autoprovision: When 'scope' parameter is 'task', 'autoprovision' must either "
                 "not be specified or set to 'True'."},
      {with_docker_volume(kEc2, R"("scope":"task","autoprovision":true)"),
       kDocker + ".autoprovision: task scoped volume could not be autoprovisioned: leave it out, "
                 "or set scope to shared"},
      {with_docker_volume(kEc2, R"("driver":"rexray/ebs")"),
       kDocker + ".driver: not supported: 'rexray/ebs'; berth knows the driver local"},
      {with_docker_volume(kEc2, R"("driverOpts":{"type":"nfs","device":":/x","size":"1G"})"),
       kDocker + ".driverOpts.size: not supported: berth sets no quota on a volume"},
      {with_docker_volume(kEc2, R"("driverOpts":{"type":"nfs","device":":/x","a.b":"1"})"),
       kDocker + ".driverOpts: invalid option: \"a.b\"; the driver local has type, o and device"},
      {with_docker_volume(kEc2, R"("driverOpts":{"type":"tmpfs","o":"size=1m"})"),
       kDocker + ".driverOpts.device: missing required option: \"device\""},
      {definition(kEc2 + R"("volumes":[{"name":"v","host":{"sourcePath":"/x"},)"
                         R"("dockerVolumeConfiguration":{"scope":"task"}}],)",
                  ""),
       kDocker + ": a volume has one configuration: host, dockerVolumeConfiguration or "
                 "efsVolumeConfiguration"},
  });
  for (const char* good : {"", R"("scope":"shared","autoprovision":true,"driver":"local")",
                           R"("driverOpts":{"type":"none","o":"bind","device":"/x"})"}) {
    EXPECT_EQ(findings(with_docker_volume(kEc2, good)), std::vector<std::string>{}) << good;
  }
}

std::string with_efs_volume(const std::string& efs) {
  return definition(
      kFargate + R"("volumes":[{"name":"v","efsVolumeConfiguration":{)" + efs + "}}],", "");
}

TEST(Rules, OfEfsVolumes) {
  const std::string kEfs = "volumes[0].efsVolumeConfiguration.";
  const std::string kFileSystem = R"("fileSystemId":"fs-12345678")";
  expect_each({
      {with_efs_volume(R"("rootDirectory":"/")"),
       kEfs + "fileSystemId: is required and must not be empty"},
      {with_efs_volume(R"("fileSystemId":"fs-1234567")"),
       kEfs + "fileSystemId: 'fs-1234567' is not fs- and 8 to 40 hexadecimal digits"},
      {with_efs_volume(kFileSystem + R"(,"transitEncryption":"ON")"),
       kEfs + "transitEncryption: 'ON' is not one of [ENABLED, DISABLED]"},
      {with_efs_volume(kFileSystem + R"(,"transitEncryptionPort":2999)"),
       kEfs + "transitEncryptionPort: TransitEncryptionPort requires that TransitEncryption is "
              "enabled"},
      {with_efs_volume(kFileSystem + R"(,"authorizationConfig":{"iam":"ENABLED"})"),
       kEfs + "authorizationConfig.iam: EFS IAM authorization requires TransitEncryption to be "
              "enabled"},
      {with_efs_volume(kFileSystem +
                       R"(,"rootDirectory":"/x","authorizationConfig":{"accessPointId":"a"})"),
       kEfs + "rootDirectory: When using an EFS access point, the root directory must either be "
              "set to \"/\" or be omitted"},
  });
  EXPECT_EQ(
      findings(with_efs_volume(
          kFileSystem + R"(,"rootDirectory":"/","transitEncryption":"ENABLED",)"
                        R"("transitEncryptionPort":2999,)"
                        R"("authorizationConfig":{"accessPointId":"fsap-1","iam":"ENABLED"})")),
      std::vector<std::string>{});
}

TEST(Rules, OfVolumes) {
  expect_each({
      {definition(kEc2 + R"("volumes":[{"name":"a/b"}],)", ""),
       "volumes[0].name: must be 1 to 255 letters, digits, '_' and '-'"},
      {definition(kEc2 + R"("volumes":[{"name":"v"},{"name":"v"}],)", ""),
       "volumes[1].name: Volume names must be unique"},
      {definition(kEc2 + R"("volumes":[{"name":"v","host":{"sourcePath":"x"}}],)", ""),
       "volumes[0].host.sourcePath: must be an absolute path"},
      {definition(kFargate + R"("volumes":[{"name":"v","host":{"sourcePath":"/x"}}],)", ""),
       "volumes[0].host.sourcePath: Fargate compatible task definitions do not support "
       "sourcePath"},
      {definition(kEc2, R"("mountPoints":[{"sourceVolume":"w","containerPath":"/x"}],)"),
       "containerDefinitions[0].mountPoints[0].sourceVolume: Unknown volume 'w'"},
      {definition(kEc2 + R"("volumes":[{"name":"v"}],)",
                  R"("mountPoints":[{"sourceVolume":"v","containerPath":"x"}],)"),
       "containerDefinitions[0].mountPoints[0].containerPath: must be an absolute path"},
      {definition(kEc2 + R"("volumes":[{"name":"v"}],)",
                  R"("mountPoints":[{"sourceVolume":"v","containerPath":"/x"},)"
                  R"({"sourceVolume":"v","containerPath":"/x"}],)"),
       "containerDefinitions[0].mountPoints[1].containerPath: is mounted twice"},
      {definition(kEc2, R"("volumesFrom":[{"sourceContainer":"b"}],)"),
       "containerDefinitions[0].volumesFrom[0].sourceContainer: Invalid 'volumesFrom' setting. "
       "Unknown container: 'b'."},
      {definition(kEc2, R"("volumesFrom":[{"sourceContainer":"a"}],)"),
       "containerDefinitions: dependsOn, volumesFrom and links form a cycle"},
  });
}

TEST(Rules, OfTheListOfContainers) {
  const std::string kSecond = R"(,{"name":"b","image":"i"})";
  std::string many;
  for (int i = 0; i < 10; ++i) many += R"(,{"image":"i","name":"b)" + std::to_string(i) + R"("})";
  expect_each({
      {definition(kEc2, "", many), "containerDefinitions: Too many containers."},
      {definition(kEc2, "", R"(,{"name":"a","image":"i"})"),
       "containerDefinitions[1].name: Container names must be unique within a task definition"},
      {definition(kEc2, R"("dependsOn":[{"containerName":"b","condition":"SUCCESS"}],)", kSecond),
       "containerDefinitions[0].dependsOn[0].condition: A dependency container with SUCCESS or "
       "COMPLETE condition cannot be an essential container"},
      {definition(kEc2, R"("dependsOn":[{"containerName":"b","condition":"START"}],)",
                  R"(,{"name":"b","image":"i","dependsOn":[{"containerName":"a",)"
                  R"("condition":"START"}]})"),
       "containerDefinitions: dependsOn, volumesFrom and links form a cycle"},
      {R"({"family":"f","memory":"512","containerDefinitions":[{"image":"i"}]})",
       "containerDefinitions[0].name: Container.name should not be null or empty."},
      {R"({"family":"f","memory":"512","containerDefinitions":[{"name":"a b","image":"i"}]})",
       "containerDefinitions[0].name: must be 1 to 255 letters, digits, '_' and '-'"},
      {R"({"family":"f","memory":"512","containerDefinitions":[{"name":"a"}]})",
       "containerDefinitions[0].image: Container.image should not be null or empty."},
      {R"({"family":"f","memory":"512","containerDefinitions":[{"name":"a","image":")" + kLong +
           R"("}]})",
       "containerDefinitions[0].image: must have at most 255 characters"},
      {definition(kEc2, R"("workingDirectory":"x",)"),
       "containerDefinitions[0].workingDirectory: must be an absolute path"},
  });
}

TEST(Rules, OfMemory) {
  expect_each({
      {definition(R"("family":"f",)", ""),
       "containerDefinitions[0].memory: Invalid setting for container 'a'. At least one of "
       "'memory' or 'memoryReservation' must be specified."},
      {definition(kEc2, R"("memory":5,)"),
       "containerDefinitions[0].memory: must be at least 6 MiB"},
      {definition(kEc2, R"("memoryReservation":5,)"),
       "containerDefinitions[0].memoryReservation: must be at least 6 MiB"},
      {definition(kEc2, R"("memory":513,)"),
       "containerDefinitions[0].memory: The 'memory' setting for container 'a' is greater than for "
       "the task."},
  });
}

TEST(Rules, OfNetworkModes) {
  const std::string kHere = "containerDefinitions[0].";
  const std::string kText = " not supported on container when networkMode=awsvpc";
  expect_each({
      {definition(kAwsvpc, R"("hostname":"h",)"), kHere + "hostname: hostname is" + kText},
      {definition(kAwsvpc, R"("disableNetworking":true,)"),
       kHere + "disableNetworking: Disable Networking is" + kText},
      {definition(kEc2, R"("disableNetworking":true,"portMappings":[{"containerPort":80}],)"),
       kHere + "portMappings: port mappings need a network, and disableNetworking takes it away"},
      {definition(kAwsvpc, R"("dnsServers":["10.0.0.1"],)"),
       kHere + "dnsServers: DNS servers are" + kText},
      {definition(kAwsvpc, R"("dnsSearchDomains":["x"],)"),
       kHere + "dnsSearchDomains: DNS search domains are" + kText},
      {definition(kAwsvpc, R"("extraHosts":[{"hostname":"h","ipAddress":"10.0.0.1"}],)"),
       kHere + "extraHosts: Extra hosts are" + kText},
      {definition(kEc2 + R"("networkMode":"none",)", R"("portMappings":[{"containerPort":80}],)"),
       kHere + "portMappings: port mappings are not allowed when networkMode=none"},
      {definition(kEc2 + R"("networkMode":"host",)",
                  R"("systemControls":[{"namespace":"net.core.somaxconn","value":"1"}],)"),
       kHere + "systemControls[0].namespace: net.* would change the host when networkMode=host"},
  });
}

TEST(Rules, OfPorts) {
  const std::string kSecond = "containerDefinitions[0].portMappings[1].";
  auto ports = [](const std::string& list) { return R"("portMappings":[)" + list + "],"; };
  expect_each({
      {definition(kAwsvpc, ports(R"({"containerPort":80},{"containerPort":80})")),
       kSecond + "containerPort: container port is used multiple times in task"},
      {definition(kEc2, ports(R"({"containerPort":80,"hostPort":2375})")),
       "containerDefinitions[0].portMappings[0].hostPort: host port 2375 is reserved"},
      {definition(kEc2, ports(R"({"containerPort":80,"hostPort":8080},)"
                              R"({"containerPort":81,"hostPort":8080})")),
       kSecond + "hostPort: host port is used multiple times in task"},
      {definition(kEc2, ports(R"({"containerPort":80,"name":"Web"})")),
       "containerDefinitions[0].portMappings[0].name: must be at most 64 of [a-z0-9_-], not "
       "starting with '-'"},
      {definition(kEc2,
                  ports(R"({"containerPort":80,"name":"w"},{"containerPort":81,"name":"w"})")),
       kSecond + "name: port mapping name is already used"},
  });
  EXPECT_EQ(findings(definition(kEc2, ports(R"({"containerPort":53,"hostPort":53},)"
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
      {definition(kEc2, parameters(R"("capabilities":{"add":["CAP_CHOWN"]})")),
       kLinux + "capabilities.add[0]: is no capability (names have no CAP_ in front)"},
      {definition(kEc2, parameters(R"("capabilities":{"drop":["CHOWN","FLY"]})")),
       kLinux + "capabilities.drop[1]: is no capability (names have no CAP_ in front)"},
      {definition(kEc2, parameters(R"("devices":[{"hostPath":"dev/x","containerPath":"/x"}])")),
       kLinux + "devices[0].hostPath: must be an absolute path"},
      {definition(kEc2, parameters(R"("devices":[{"hostPath":"/dev/x","containerPath":"x"}])")),
       kLinux + "devices[0].containerPath: must be an absolute path"},
      {definition(kEc2, parameters(R"("tmpfs":[{"containerPath":"t","size":1}])")),
       kLinux + "tmpfs[0].containerPath: must be an absolute path"},
      {definition(kEc2, parameters(R"("tmpfs":[{"containerPath":"/t","size":1,)"
                                   R"("mountOptions":["uid=1","fast"]}])")),
       kLinux + "tmpfs[0].mountOptions[1]: is no option of a tmpfs"},
      {definition(kEc2, R"("ulimits":[{"name":"files","softLimit":1,"hardLimit":1}],)"),
       kHere + "ulimits[0].name: is no ulimit"},
      {definition(kEc2, R"("ulimits":[{"name":"core","softLimit":-1,"hardLimit":1}],)"),
       kHere + "ulimits[0].softLimit: Soft limit exceeds hard limit for ulimit core"},
      {definition(kEc2, R"("systemControls":[{"namespace":"vm.swappiness","value":"1"}],)"),
       kHere + "systemControls[0].namespace: is not one of kernel.{msgmax,msgmnb,msgmni,sem,shmall,"
               "shmmax,shmmni,shm_rmid_forced}, fs.mqueue.* and net.*"},
  });
}

TEST(Rules, OfLogs) {
  const std::string kHere = "containerDefinitions[0].logConfiguration.";
  auto log = [](const std::string& driver, const std::string& options) {
    return R"("logConfiguration":{"logDriver":")" + driver + R"(","options":{)" + options + "}},";
  };
  auto awslogs = [&](const std::string& more) {
    return log("awslogs", R"("awslogs-group":"g","awslogs-region":"r")" + more);
  };
  auto json_file = [&](const std::string& options) { return log("json-file", options); };
  expect_each({
      {definition(kEc2, json_file(R"("max-sizes":"1","x":"2")")),
       kHere + "options: Log driver json-file disallows options: max-sizes, x"},
      {definition(kEc2, json_file(R"("max-size":"ten")")),
       kHere + "options.max-size: invalid size: 'ten'; it is a number of bytes, or one with k, m "
               "or g, as in 10m"},
      {definition(kEc2, json_file(R"("max-size":"0")")),
       kHere + "options.max-size: max-size must be a positive number"},
      {definition(kEc2, json_file(R"("max-file":"0")")),
       kHere + "options.max-file: max-file cannot be less than 1"},
      {definition(kEc2, json_file(R"("max-file":"two")")),
       kHere + "options.max-file: must be a number, not 'two'"},
      {definition(kEc2, json_file(R"("compress":"yes")")),
       kHere + "options.compress: must be true or false, not 'yes'"},
      {definition(kEc2, json_file(R"("compress":"true","max-file":"2")")),
       kHere + "options.compress: compress cannot be true when max-file is less than 2 or "
               "max-size is not set"},
      {definition(kEc2, json_file(R"("mode":"fast")")),
       kHere + "options.mode: logging mode not supported: fast; it is blocking or non-blocking"},
      {definition(kEc2, json_file(R"("mode":"blocking","max-buffer-size":"1m")")),
       kHere + "options.max-buffer-size: max-buffer-size option is only supported with "
               "'mode=non-blocking'"},
      {definition(kEc2, json_file(R"("labels-regex":"(")")),
       kHere + "options.labels-regex: pattern '(': Unmatched ( or \\("},
      {definition(kEc2, json_file(R"("tag":"{{.Nope}}")")),
       kHere + "options.tag: '.Nope' is not one of [.ID, .FullID, .Name, .ImageID, .ImageFullID, "
               ".ImageName, .DaemonName]"},
      {definition(kEc2, json_file(R"("tag":"{{.ID")")), kHere + "options.tag: '{{' without '}}'"},
      {definition(kEc2, awslogs(R"(,"awslogs-create-group":"false")")),
       kHere + "options.awslogs-create-group: Log driver awslogs option 'awslogs-create-group' "
               "should only be set to 'true', else omit option."},
      {definition(kEc2, awslogs(R"(,"log_key":"x")")),
       kHere + "options: Log driver awslogs disallows options: log_key"},
      {definition(kEc2, awslogs(R"(,"awslogs-datetime-format":"%Q")")),
       kHere + "options.awslogs-datetime-format: '%Q' is not one of [%a, %A, %b, %B, %d, %f, %H, "
               "%I, %j, %L, %m, %M, %p, %S, %w, %y, %Y, %z, %Z]"},
      {definition(kEc2,
                  awslogs(R"(,"awslogs-datetime-format":"%Y","awslogs-multiline-pattern":"^x")")),
       kHere + "options.awslogs-multiline-pattern: you cannot configure log opt "
               "'awslogs-datetime-format' and 'awslogs-multiline-pattern' at the same time"},
      {definition(kEc2, awslogs(R"(,"awslogs-multiline-pattern":"[")")),
       kHere + "options.awslogs-multiline-pattern: pattern '[': a bracket is not closed"},
      {definition(kEc2, awslogs(R"(,"awslogs-stream-prefix":"a:b")")),
       kHere + "options.awslogs-stream-prefix: must be at most 200 characters without ':' and '*'"},
      {definition(kEc2, log("awslogs", R"("awslogs-group":"a b","awslogs-region":"r")")),
       kHere + "options.awslogs-group: 'a b' is no name of a log group: 1 to 512 letters, digits, "
               "'.', '-', '_', '/' and '#'"},
      {definition(kEc2, log("syslog", R"("syslog-address":"host:514")")),
       kHere + "options.syslog-address: 'host:514': must be as in udp://HOST:PORT, tcp://HOST:PORT "
               "or unix:///PATH"},
      {definition(kEc2, log("syslog", R"("syslog-address":"tcp+tls://host")")),
       kHere + "options.syslog-address: not supported: 'tcp+tls://host'; berth sends logs over no "
               "TLS yet: use a relay on this host"},
      {definition(kEc2, log("syslog", R"("syslog-facility":"local9")")),
       kHere +
           "options.syslog-facility: invalid syslog facility 'local9'; it is one of kern, user, "
           "mail, daemon, auth, syslog, lpr, news, uucp, cron, authpriv, ftp, local0 to local7, "
           "or 0 to 23"},
      {definition(kEc2, log("syslog", R"("syslog-format":"rfc1")")),
       kHere + "options.syslog-format: 'rfc1' is not one of [rfc3164, rfc5424, rfc5424micro]"},
      {definition(kEc2, log("syslog", R"("syslog-tls-cert":"/c")")),
       kHere + "options.syslog-tls-cert: not supported: berth sends logs over no TLS yet"},
      {definition(kEc2, log("journald", R"("max-size":"1m")")),
       kHere + "options: Log driver journald disallows options: max-size"},
      {definition(kEc2, log("fluentd", R"("fluentd-address":"tcp://h:1/x")")),
       kHere + "options.fluentd-address: 'tcp://h:1/x': should not have a path element"},
      {definition(kEc2, log("fluentd", R"("fluentd-retry-wait":"soon")")),
       kHere + "options.fluentd-retry-wait: invalid duration 'soon'; it is as in 500ms or 1m30s"},
      {definition(kEc2, log("fluentd", R"("fluentd-max-retries":"-1")")),
       kHere + "options.fluentd-max-retries: must be a number, not '-1'"},
      {definition(kEc2, log("splunk", "")),
       kHere + "logDriver: not supported: log driver 'splunk'; berth delivers logs to json-file, "
               "awslogs, syslog, journald, fluentd and awsfirelens"},
      {definition(kFargate, log("syslog", "")),
       kHere + "logDriver: syslog is not a valid log driver. Must be one of [awslogs, splunk, "
               "awsfirelens]"},
      {definition(kEc2, log("file", "")),
       kHere + "logDriver: file is not a valid log driver. Must be one of [json-file, syslog, "
               "journald, gelf, fluentd, awslogs, splunk, awsfirelens]"},
  });
  EXPECT_EQ(findings(definition(
                kEc2, json_file(R"("max-size":"10m","max-file":"3","compress":"true","labels":"a",)"
                                R"("env":"b","env-regex":"^c","tag":"{{.Name}}",)"
                                R"("mode":"non-blocking","max-buffer-size":"4m")"))),
            std::vector<std::string>{});
  EXPECT_EQ(findings(definition(
                kFargate + R"("executionRoleArn":"r",)",
                awslogs(R"(,"awslogs-stream-prefix":"p","awslogs-create-group":"true")"
                        R"(,"awslogs-datetime-format":"[%b %d, %Y %H:%M:%S]","mode":"blocking")"))),
            std::vector<std::string>{});
}

TEST(Rules, OfSecretOptions) {
  const std::string kHere = "containerDefinitions[0].logConfiguration.";
  const std::string kRole = kEc2 + R"("executionRoleArn":"r",)";
  auto log = [](const std::string& driver, const std::string& options, const std::string& name) {
    return R"("logConfiguration":{"logDriver":")" + driver + R"(","options":{)" + options +
           R"(},"secretOptions":[{"name":")" + name + R"(","valueFrom":"p"}]},)";
  };
  const std::string kAwslogs = R"("awslogs-group":"g","awslogs-region":"r")";
  expect_each({
      {definition(kEc2, log("fluentd", "", "tag")),
       kHere + "secretOptions: When you are specifying container secrets, you must also specify a "
               "value for 'executionRoleArn'."},
      {definition(kRole, log("fluentd", "", "splunk-token")),
       kHere + "secretOptions[0].name: Log driver fluentd disallows options: splunk-token"},
      {definition(kRole, log("awslogs", kAwslogs, "awslogs-group")),
       kHere + "secretOptions[0].name: not supported: awslogs-group as a secret; berth keeps the "
               "stream on this host, under that name"},
  });
  EXPECT_EQ(findings(definition(kRole, log("fluentd", "", "tag"))), std::vector<std::string>{});
  // Whether a combination is good is told when the secret is known.
  EXPECT_EQ(findings(definition(
                kRole, log("json-file", R"("max-size":"1m","compress":"true")", "max-file"))),
            std::vector<std::string>{});
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
      {definition(kEc2, credentials("registry")),
       kHere + ": Private repository authentication requires that the task definition specify a "
               "value for executionRoleArn."},
      {definition(kRole, credentials("a secret")), kHere + kInvalid},
      {definition(kRole, credentials(kArn + "a:key::")), kHere + kInvalid},
      {definition(kRole, credentials("arn:aws:ssm:r:1:parameter/a")), kHere + kInvalid},
      {definition(kRole, R"("repositoryCredentials":{},)"),
       kHere + ".credentialsParameter: is required and must not be empty"},
  });
  for (const std::string& id : {std::string("team/registry"), kArn + "a-AbC123"}) {
    EXPECT_EQ(findings(definition(kRole, credentials(id))), std::vector<std::string>{}) << id;
  }
}

TEST(Rules, OfFirelens) {
  const std::string kTask = kEc2 + R"("executionRoleArn":"r",)";
  // A router "r" before the container at hand, which is the second then.
  auto with_router = [&](const std::string& task, const std::string& router,
                         const std::string& container) {
    return "{" + task + R"("containerDefinitions":[{"name":"r","image":"i",)" +
           R"("firelensConfiguration":{)" + router + "}},{" + container +
           R"("name":"a","image":"i"}]})";
  };
  auto log = [](const std::string& options) {
    return R"("logConfiguration":{"logDriver":"awsfirelens","options":{)" + options + "}},";
  };
  const std::string kBit = R"("type":"fluentbit")";
  const std::string kRouter = "containerDefinitions[0].firelensConfiguration";
  const std::string kLog = "containerDefinitions[1].logConfiguration.";
  auto options = [&](const std::string& text) { return kBit + R"(,"options":{)" + text + "}"; };
  expect_each({
      {definition(kTask, log("")),
       "containerDefinitions[0].logConfiguration.logDriver: When awsfirelens log driver is "
       "specified in log configuration, a firelens configuration object must be configured in one "
       "of the containers."},
      {with_router(kTask, kBit, ""),
       kRouter + ": When a firelensConfiguration object is specified, at least one container has "
                 "to be configured with the awsfirelens log driver."},
      {with_router(kTask, kBit, log("") + R"("firelensConfiguration":{"type":"fluentd"},)"),
       "containerDefinitions[1].firelensConfiguration: at most one container of a task can be its "
       "log router"},
      {with_router(kTask, R"("type":"vector")", log("")),
       kRouter + ".type: 'vector' is not one of [fluentd, fluentbit]"},
      {with_router(kTask, options(R"("config-file-type":"http","config-file-value":"x")"), log("")),
       kRouter + ".options.config-file-type: invalid value http is specified for option "
                 "config-file-type"},
      {with_router(kTask, options(R"("config-file-type":"file")"), log("")),
       kRouter + ".options.config-file-type: option config-file-type is specified but "
                 "config-file-value is not specified"},
      {with_router(kTask, options(R"("config-file-type":"s3","config-file-value":"x")"), log("")),
       kRouter + ".options.config-file-value: Invalid arn syntax"},
      {with_router(kTask, options(R"("metadata":"true")"), log("")),
       kRouter + ".options.metadata: not supported: berth knows enable-ecs-log-metadata, "
                 "config-file-type and config-file-value"},
      {with_router(kTask, kBit, log(R"("region":"r")")),
       kLog + "options: unable to apply log options of container a to firelens config: missing "
              "output key Name which is required for firelens configuration of type fluentbit"},
      {with_router(kTask, R"("type":"fluentd")", log(R"("Name":"http")")),
       kLog + "options: unable to apply log options of container a to firelens config: missing "
              "output key @type which is required for firelens configuration of type fluentd"},
      {with_router(kTask, kBit, log(R"("log-driver-buffer-limit":"536870912")")),
       kLog + "options.log-driver-buffer-limit: must be a number of lines, at least 0 and less "
              "than 536870912, not '536870912'"},
  });
  // Options are the output's, whatever other drivers mean by them.
  EXPECT_EQ(findings(with_router(kTask, kBit,
                                 log(R"("Name":"loki","labels":"a=b","compress":"gzip",)"
                                     R"("mode":"x","log-driver-buffer-limit":"536870911",)"
                                     R"("include-pattern":"a","exclude-pattern":"b")"))),
            std::vector<std::string>{});
}

TEST(Firelens, TheRouterStartsFirstUnlessItWaitsItself) {
  auto order = [](const std::string& router) {
    std::string text = R"({"family":"f","memory":"512","containerDefinitions":[
        {"name":"a","image":"i","logConfiguration":{"logDriver":"awsfirelens"}},
        {"name":"b","image":"i"},
        {"name":"r","image":"i",)" +
                       router + R"("firelensConfiguration":{"type":"fluentbit"}}]})";
    auto document = json::Document::parse(text, {.name = "test"});
    auto parsed = parse_task_definition(document->root(), CpuArchitecture::kX86_64);
    EXPECT_EQ(parsed.findings.size(), 0U);
    return start_order(parsed.definition);
  };
  EXPECT_EQ(order(""), (std::vector<size_t>{1, 2, 0}));
  EXPECT_EQ(order(R"("dependsOn":[{"containerName":"a","condition":"START"}],)"),
            (std::vector<size_t>{0, 1, 2}));
}

TEST(LogReceiver, AddressesAndDurations) {
  EXPECT_EQ(*parse_syslog_address("udp://1.2.3.4"), (LogAddress{"udp", "1.2.3.4", 514}));
  EXPECT_EQ(*parse_syslog_address("tcp://[::1]:99"), (LogAddress{"tcp", "::1", 99}));
  EXPECT_EQ(*parse_syslog_address("unixgram:///dev/log"), (LogAddress{"unixgram", "/dev/log", 0}));
  EXPECT_EQ(*parse_fluentd_address("host"), (LogAddress{"tcp", "host", 24224}));
  EXPECT_EQ(*parse_fluentd_address("unix:///f.sock"), (LogAddress{"unix", "/f.sock", 0}));
  for (const char* text :
       {"", "udp://", "http://h", "tcp://h:0", "tcp://h:x", "tcp://[::1", "unix://x"}) {
    EXPECT_FALSE(parse_syslog_address(text)) << text;
  }
  EXPECT_EQ(parse_go_duration_ms("1m30s"), 90000U);
  EXPECT_EQ(parse_go_duration_ms("1.5s"), 1500U);
  EXPECT_EQ(parse_go_duration_ms("0"), 0U);
  for (const char* text : {"", "1", "s", "-1s", "1x"}) {
    EXPECT_EQ(parse_go_duration_ms(text), std::nullopt) << text;
  }
}

TEST(Sizes, OfDocker) {
  EXPECT_EQ(parse_docker_size("10m", 1000), 10000000U);
  EXPECT_EQ(parse_docker_size("1.5 GiB", 1024), 3ULL << 29);
  EXPECT_EQ(parse_docker_size("512", 1000), 512U);
  EXPECT_EQ(parse_docker_size("1kb", 1024), 1024U);
  EXPECT_EQ(parse_docker_size("2B", 1000), 2U);
  for (const char* text : {"", "m", "-1", "1  ", "1x", "1mm", "1.2.3", "1e3", "99999999p", " 1"}) {
    EXPECT_EQ(parse_docker_size(text, 1000), std::nullopt) << text;
  }
}

TEST(Rules, OfHealthChecks) {
  const std::string kHere = "containerDefinitions[0].healthCheck";
  auto check = [](const std::string& members) { return R"("healthCheck":{)" + members + "},"; };
  const std::string kCommand = R"("command":["CMD","true"])";
  expect_each({
      {definition(kEc2, check("")), kHere + ".command: is required and must not be empty"},
      {definition(kEc2, check(R"("command":["CMD"])")),
       kHere + ".command: needs a command behind CMD"},
      {definition(kEc2, check(R"("command":["CMD-SHELL"])")),
       kHere + ".command: needs a command behind CMD-SHELL"},
      {definition(kEc2, check(kCommand + R"(,"interval":4)")),
       kHere + ".interval: must be between 5 and 300, not 4"},
      {definition(kEc2, check(kCommand + R"(,"interval":301)")),
       kHere + ".interval: must be between 5 and 300, not 301"},
      {definition(kEc2, check(kCommand + R"(,"timeout":1)")),
       kHere + ".timeout: must be between 2 and 60, not 1"},
      {definition(kEc2, check(kCommand + R"(,"timeout":61)")),
       kHere + ".timeout: must be between 2 and 60, not 61"},
      {definition(kEc2, check(kCommand + R"(,"retries":0)")),
       kHere + ".retries: must be between 1 and 10, not 0"},
      {definition(kEc2, check(kCommand + R"(,"retries":11)")),
       kHere + ".retries: must be between 1 and 10, not 11"},
      {definition(kEc2, check(kCommand + R"(,"startPeriod":301)")),
       kHere + ".startPeriod: must be between 0 and 300, not 301"},
      {definition(kEc2, check(kCommand + R"(,"startInterval":5)")),
       kHere + ".startInterval: unknown field of HealthCheck"},
      {definition(kEc2, R"("dependsOn":[{"containerName":"b","condition":"HEALTHY"}],)",
                  R"(,{"name":"b","image":"i","healthCheck":{"command":["NONE"]}})"),
       "containerDefinitions[0].dependsOn[0].condition: A dependency container with HEALTHY "
       "condition must have health check configured"},
  });
  EXPECT_EQ(findings(definition(
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
      "restartAttemptPeriod: the 'restartAttemptPeriod' setting for container 'a' must be "
      "between 60 and 1800 seconds, not ";
  std::string many = "1";
  for (int i = 0; i < 50; ++i) many += ",1";
  expect_each({
      {definition(kEc2, policy("")), kHere + "enabled: is required"},
      {definition(kEc2, policy(R"("enabled":true,"restartAttemptPeriod":59)")), kPeriod + "59"},
      {definition(kEc2, policy(R"("enabled":true,"restartAttemptPeriod":1801)")), kPeriod + "1801"},
      {definition(kEc2, policy(R"("enabled":true,"ignoredExitCodes":[)" + many + "]")),
       kHere + "ignoredExitCodes: at most 50 exit codes"},
      {definition(kEc2, policy(R"("enabled":true,"ignoredExitCodes":[1.5])")),
       kHere + "ignoredExitCodes[0]: Invalid type: number, valid types: integer"},
      {definition(kEc2, policy(R"("enabled":true,"maximumRetryCount":3)")),
       kHere + "maximumRetryCount: unknown field of ContainerRestartPolicy"},
  });
  for (const char* period : {"60", "1800"}) {
    std::string text = policy(std::string(R"("enabled":true,"restartAttemptPeriod":)") + period);
    EXPECT_EQ(findings(definition(kFargate, text)), std::vector<std::string>{});
  }
}

TEST(Rules, OfLinks) {
  const std::string kHere = "containerDefinitions[0].links";
  const std::string kOther = R"(,{"name":"b","image":"i"})";
  auto links = [](const std::string& list) { return R"("links":[)" + list + "],"; };
  EXPECT_EQ(findings(definition(kEc2, links(R"("b:database","b")"), kOther)),
            std::vector<std::string>{});
  const std::string kHost = R"("family":"f","memory":"512","networkMode":"host",)";
  expect_each({
      {definition(kAwsvpc, links(R"("b")"), kOther),
       kHere + ": Links are not supported when networkMode=awsvpc"},
      {definition(kHost, links(R"("b")"), kOther),
       kHere + ": Links are not supported when networkMode=host"},
      {definition(kEc2, links(R"("c:b")"), kOther),
       kHere + "[0]: Cannot link to container c because it does not exist"},
      {definition(kEc2, links(R"("b:")"), kOther),
       kHere + "[0]: an alias must be letters, digits, '_' and '-'"},
      {definition(kEc2, links(R"("b:x","b:x")"), kOther), kHere + "[1]: alias x is taken"},
      {definition(kEc2, links(R"("b")"), R"(,{"name":"b","image":"i","disableNetworking":true})"),
       kHere + "[0]: container b has no address: its networking is disabled"},
      {definition(kEc2, R"("disableNetworking":true,)" + links(R"("b")"), kOther),
       kHere + ": links need a network, and disableNetworking takes it away"},
      {definition(kEc2, links(R"("b")"), R"(,{"name":"b","image":"i","links":["a"]})"),
       "containerDefinitions: dependsOn, volumesFrom and links form a cycle"},
  });
}

TEST(Rules, OfPortRanges) {
  const std::string kHere = "containerDefinitions[0].portMappings[0].";
  const std::string kBad =
      kHere +
      "containerPortRange: Invalid 'containerPortRange' setting: must be FIRST-LAST, two "
      "ports from 1 to 65535, the first below the last";
  auto ports = [](const std::string& members) { return R"("portMappings":[{)" + members + "}],"; };
  auto range = [&](const std::string& text) {
    return ports(R"("containerPortRange":")" + text + "\"");
  };
  EXPECT_EQ(findings(definition(kEc2, range("1-65535"))), std::vector<std::string>{});
  EXPECT_EQ(findings(definition(kFargate, range("80-81"))), std::vector<std::string>{});
  const std::string kHost = R"("family":"f","memory":"512","networkMode":"host",)";
  const std::string kTwice = "container port is used multiple times in task";
  std::vector<Rule> rules;
  for (const char* text : {"80", "0-80", "80-65536", "81-80", "80-80", "80-81-82", "a-b", "-80"}) {
    rules.push_back({definition(kEc2, range(text)), kBad});
  }
  rules.push_back({definition(kEc2, ports(R"("containerPortRange":"80-81","containerPort":80)")),
                   kHere + "containerPort: cannot specify both single port and port range"});
  rules.push_back({definition(kEc2, ports(R"("containerPortRange":"80-81","hostPort":80)")),
                   kHere + "hostPort: cannot specify both single port and port range"});
  rules.push_back({definition(kHost, range("80-81")),
                   kHere + "containerPortRange: a range needs networkMode bridge or awsvpc"});
  rules.push_back({definition(kEc2, ports(R"("containerPort":90},{"containerPortRange":"80-90")")),
                   "containerDefinitions[0].portMappings[1].containerPortRange: " + kTwice});
  rules.push_back({definition(kEc2, ports(R"("containerPortRange":"80-90"},{"containerPort":80)")),
                   "containerDefinitions[0].portMappings[1].containerPort: " + kTwice});
  std::string many = R"("containerPortRange":"1-2")";
  for (int i = 1; i <= 100; ++i) {
    many += R"(},{"containerPortRange":")" + std::to_string(2 * i + 1) + "-" +
            std::to_string(2 * i + 2) + "\"";
  }
  rules.push_back({definition(kEc2, ports(many)),
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
      {definition(kEc2 + R"("proxyConfiguration":{"containerName":"a"},)", ""),
       "proxyConfiguration: APPMESH proxy configuration is only supported in networkMode=awsvpc"},
      {definition(kAwsvpc + R"("proxyConfiguration":{"containerName":"p"},)", ""),
       "proxyConfiguration.containerName: Proxy container [p] does not exist"},
      {definition(kFargate + R"("ephemeralStorage":{"sizeInGiB":20},)", ""),
       "ephemeralStorage.sizeInGiB: must be between 21 and 200, not 20"},
      {definition(kFargate + R"("placementConstraints":[{"type":"memberOf"}],)", ""),
       "placementConstraints: Fargate compatible task definitions do not support constraints"},
      {definition(kEc2, R"("secrets":[{"name":"A","valueFrom":"b"}],)"),
       kHere + "secrets: When you are specifying container secrets, you must also specify a value "
               "for 'executionRoleArn'."},
      {definition(kEc2, R"("environmentFiles":[)" + many + "],"),
       kHere + "environmentFiles: The maximum number of environment files was exceeded. Specify "
               "ten or less and try again"},
      {definition(kEc2, R"("environmentFiles":[{"value":"f.env","type":"s3"}],)"),
       kHere + "environmentFiles[0].value: Invalid arn syntax"},
      {definition(kEc2, R"("environmentFiles":[{"value":"arn:aws:s3:::b/f.txt","type":"s3"}],)"),
       kHere + "environmentFiles[0].value: environment files must have the suffix .env"},
      {definition(kEc2, R"("logConfiguration":{"logDriver":"awslogs"},)"),
       kHere + "logConfiguration.options: Log driver awslogs requires options: awslogs-region, "
               "awslogs-group"},
      {definition(kFargate, R"("logConfiguration":{"logDriver":"awslogs"},)"),
       "executionRoleArn: Fargate requires task definition to have execution role ARN to support "
       "log driver awslogs."},
      {definition(kFargate, R"("logConfiguration":{"logDriver":"awslogs"},)"),
       kHere + "logConfiguration.options: Fargate requires log configuration options to include "
               "awslogs-stream-prefix to support log driver awslogs."},
      {definition(kFargate, R"("resourceRequirements":[{"type":"GPU","value":"1"}],)"),
       kHere + "resourceRequirements[0].type: Fargate compatible task definitions do not support "
               "GPU"},
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
      {definition(kFargate + R"("networkMode":"bridge",)", ""),
       "networkMode: Fargate only supports network mode ‘awsvpc’."},
      {definition(kOnly + R"("memory":"512",)", ""),
       "cpu: Fargate requires that 'cpu' be defined at the task level."},
      {definition(kOnly + R"("cpu":"256",)", R"("memory":64,)"),
       "memory: Fargate requires that 'memory' be defined at the task level."},
      {definition(kOnly + R"("cpu":"256","memory":"8192",)", ""),
       "cpu: No Fargate configuration exists for given values: 256 CPU, 8192 memory."},
      {definition(kFargate + R"("pidMode":"host",)", ""),
       "pidMode: Tasks using the Fargate launch type do not support pidMode 'host'. The supported "
       "value for pidMode is 'task'."},
      {definition(kFargate + R"("ipcMode":"task",)", ""),
       "ipcMode: Fargate compatible task definitions do not support ipcMode"},
      {definition(kFargate, R"("startTimeout":121,)"),
       kHere + "startTimeout: must be between 2 and 120 seconds on Fargate"},
      {definition(kFargate, R"("stopTimeout":1,)"),
       kHere + "stopTimeout: must be between 2 and 120 seconds on Fargate"},
      {definition(kFargate, R"("privileged":true,)"),
       kHere + "privileged: Fargate requires that the 'privileged' setting be 'false'"},
      {definition(kFargate, R"("dockerSecurityOptions":["no-new-privileges"],)"),
       kHere + "dockerSecurityOptions: " + kUnsupported + "dockerSecurityOptions"},
      {definition(kFargate, parameters(R"("devices":[{"hostPath":"/dev/null"}])")),
       kHere + "linuxParameters.devices: " + kUnsupported + "devices"},
      {definition(kFargate, parameters(R"("sharedMemorySize":1)")),
       kHere + "linuxParameters.sharedMemorySize: " + kUnsupported + "sharedMemorySize"},
      {definition(kFargate, parameters(R"("maxSwap":1)")),
       kHere + "linuxParameters.maxSwap: " + kUnsupported + "maxSwap"},
      {definition(kFargate, parameters(R"("swappiness":1)")),
       kHere + "linuxParameters.swappiness: " + kUnsupported + "swappiness"},
      {definition(kFargate, parameters(R"("capabilities":{"add":["SYS_PTRACE","NET_ADMIN"]})")),
       kHere + "linuxParameters.capabilities.add[1]: NET_ADMIN is not allowed on Fargate."},
  });
}

}  // namespace
}  // namespace berth::scheduler
