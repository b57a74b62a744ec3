// The rules of scheduler/volume_check.cc, each broken once.
#include "support/definition_rules.h"

namespace berth::scheduler {
namespace {

const std::string kOne =
    "When the volume parameter is specified, only one volume configuration type should be used.";

// A definition with one volume that has dockerVolumeConfiguration.
std::string with_docker_volume(const std::string& task, const std::string& docker) {
  return definition_with(
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
      {definition_with(kEc2 + R"("volumes":[{"name":"v","host":{"sourcePath":"/x"},)"
                              R"("dockerVolumeConfiguration":{"scope":"task"}}],)",
                       ""),
       kDocker + ": " + kOne},
  });
  for (const char* good : {"", R"("scope":"shared","autoprovision":true,"driver":"local")",
                           R"("driverOpts":{"type":"none","o":"bind","device":"/x"})"}) {
    EXPECT_EQ(findings(with_docker_volume(kEc2, good)), std::vector<std::string>{}) << good;
  }
}

std::string with_efs_volume(const std::string& efs) {
  return definition_with(
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
              "enabled."},
      {with_efs_volume(kFileSystem + R"(,"authorizationConfig":{"iam":"ENABLED"})"),
       kEfs + "authorizationConfig.iam: EFS IAM authorization requires TransitEncryption to be "
              "enabled."},
      {with_efs_volume(kFileSystem +
                       R"(,"rootDirectory":"/x","authorizationConfig":{"accessPointId":"a"})"),
       kEfs + "rootDirectory: When using an EFS access point, the root directory must either be "
              "set to \"/\" or be omitted."},
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
      {definition_with(kEc2 + R"("volumes":[{"name":"a/b"}],)", ""),
       "volumes[0].name: must be 1 to 255 letters, digits, '_' and '-'"},
      {definition_with(kEc2 + R"("volumes":[{"name":"v"},{"name":"v"}],)", ""),
       "volumes[1].name: Volume names must be unique"},
      {definition_with(kEc2 + R"("volumes":[{"name":"v","host":{"sourcePath":"x"}}],)", ""),
       "volumes[0].host.sourcePath: must be an absolute path"},
      {definition_with(kFargate + R"("volumes":[{"name":"v","host":{"sourcePath":"/x"}}],)", ""),
       "volumes[0].host.sourcePath: Fargate compatible task definitions do not support "
       "sourcePath"},
      {definition_with(kEc2, R"("mountPoints":[{"sourceVolume":"w","containerPath":"/x"}],)"),
       "containerDefinitions[0].mountPoints[0].sourceVolume: Unknown volume 'w'."},
      {definition_with(kEc2 + R"("volumes":[{"name":"v"}],)",
                       R"("mountPoints":[{"sourceVolume":"v","containerPath":"x"}],)"),
       "containerDefinitions[0].mountPoints[0].containerPath: must be an absolute path"},
      {definition_with(kEc2 + R"("volumes":[{"name":"v"}],)",
                       R"("mountPoints":[{"sourceVolume":"v","containerPath":"/x"},)"
                       R"({"sourceVolume":"v","containerPath":"/x"}],)"),
       "containerDefinitions[0].mountPoints[1].containerPath: is mounted twice"},
      {definition_with(kEc2, R"("volumesFrom":[{"sourceContainer":"b"}],)"),
       "containerDefinitions[0].volumesFrom[0].sourceContainer: Invalid 'volumesFrom' setting. "
       "Unknown container: 'b'."},
      {definition_with(kEc2, R"("volumesFrom":[{"sourceContainer":"a"}],)"),
       "containerDefinitions: dependsOn, volumesFrom and links form a cycle"},
  });
}

const std::string kS3FilesArn = "arn:aws:s3files:eu-west-1:123456789012:file-system/fs-12345678";

std::string with_s3files(const std::string& members, const std::string& more = "",
                         const std::string& task = R"("taskRoleArn":"r",)") {
  return definition_with(kFargate + task + R"("volumes":[{"name":"v",)" + more +
                             R"("s3filesVolumeConfiguration":{)" + members + "}}],",
                         "");
}

TEST(VolumeRules, OfS3Files) {
  const std::string kHere = "volumes[0].s3filesVolumeConfiguration";
  const std::string kArn = R"("fileSystemArn":")" + kS3FilesArn + "\"";
  auto point = [&](const std::string& arn) { return kArn + R"(,"accessPointArn":")" + arn + "\""; };
  expect_each({
      {with_s3files(R"("rootDirectory":"/")"),
       kHere + ".fileSystemArn: is required and must not be empty"},
      {with_s3files(R"("fileSystemArn":"fs-12345678")"),
       kHere + ".fileSystemArn: 'fs-12345678' is not arn:PARTITION:s3files:REGION:ACCOUNT:"
               "file-system/fs-..."},
      {with_s3files(point(kS3FilesArn)),
       kHere + ".accessPointArn: '" + kS3FilesArn +
           "' is no access point of the file system: its ARN with /access-point/fsap-... behind"},
      {with_s3files(point(kS3FilesArn + "/access-point/fsap-1") + R"(,"rootDirectory":"/a")"),
       kHere + ".rootDirectory: When using an S3 Files access point, the root directory must "
               "either be set to \"/\" or be omitted"},
      {with_s3files(kArn, R"("efsVolumeConfiguration":{"fileSystemId":"fs-12345678"},)"),
       kHere + ": " + kOne},
      {with_s3files(kArn, "", ""),
       kHere + ": a task with an S3 Files volume must have a taskRoleArn"},
  });
  auto document = json::Document::parse(with_s3files(point(kS3FilesArn + "/access-point/fsap-1") +
                                                     R"(,"transitEncryptionPort":2999)"),
                                        {.name = "test"});
  auto parsed = parse_task_definition(document->root(), CpuArchitecture::kX86_64);
  EXPECT_TRUE(parsed.findings.empty());
  EfsVolume efs;
  efs.file_system_id = "fs-12345678";
  efs.access_point_id = "fsap-1";
  efs.transit_encryption = true;
  efs.transit_encryption_port = 2999;
  EXPECT_EQ(parsed.definition.volumes[0].efs, efs);
}

}  // namespace
}  // namespace berth::scheduler
