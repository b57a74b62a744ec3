// The rules of scheduler/managed_volume.cc, each broken once.
#include "scheduler/managed_volume.h"

#include "scheduler/definition_source.h"
#include "support/definition_rules.h"

namespace berth::scheduler {
namespace {

const std::string kVolumeRole = R"("roleArn":"arn:aws:iam::123456789012:role/ebs")";

std::string configuration(const std::string& managed) {
  return R"([{"name":"v","managedEBSVolume":{)" + kVolumeRole + "," + managed + "}}]";
}

std::vector<std::string> volume_findings(const std::string& text, VolumeAsk ask) {
  auto document = json::Document::parse(text, {.name = "test"});
  EXPECT_TRUE(document) << text;
  std::vector<std::string> lines;
  for (const Finding& each :
       parse_managed_volumes(document->root().as_array().value(), ask).findings) {
    lines.push_back(each.message);
  }
  return lines;
}

struct VolumeRule {
  std::string managed;
  std::string message;
};

TEST(ManagedVolume, EachRuleIsTold) {
  const std::vector<VolumeRule> rules = {
      {R"("volumeType":"gp3")", "You must specify either a volume size or a snapshot ID"},
      {R"("snapshotId":"snap-1")",
       "not supported: berth has no EBS snapshots: leave it out and give sizeInGiB"},
      {R"("sizeInGiB":1,"volumeType":"gp9")",
       "'gp9' is not one of [gp2, gp3, io1, io2, sc1, st1, standard]"},
      {R"("sizeInGiB":1,"volumeType":"standard")",
       "The magnetic volume type 'standard' is not supported on Fargate"},
      {R"("sizeInGiB":1,"volumeType":"gp2","iops":3000)",
       "is not supported for volumes of type gp2"},
      {R"("sizeInGiB":10,"volumeType":"gp3","iops":6000)",
       "Iops to volume size ratio of 600.0 is too high; maximum is 500"},
      {R"("sizeInGiB":10,"volumeType":"io1")", "is required for volumes of type io1"},
      {R"("sizeInGiB":10,"volumeType":"gp2","throughput":125)",
       "is not supported for volumes of type gp2"},
      {R"("sizeInGiB":10,"throughput":1000)",
       "Throughput (MiBps) to iops ratio is too high; maximum is 0.25 MiBps per iops"},
      {R"("sizeInGiB":1,"filesystemType":"ntfs")",
       "'ntfs' is not one of [ext3, ext4, xfs], those of Linux"},
      {R"("sizeInGiB":1,"kmsKeyId":"k")",
       "The parameter kmsKeyId requires the parameter encrypted to be set"},
      {R"("sizeInGiB":1,"tagSpecifications":[{"resourceType":"volume","propagateTags":"SERVICE"}])",
       "SERVICE is for volumes of a service's tasks"},
      {R"("sizeInGiB":1,"tagSpecifications":[{"resourceType":"snapshot"}])",
       "'snapshot' is not one of [volume]"},
      {R"("sizeInGiB":1,"tagSpecifications":[{"resourceType":"volume",)"
       R"("tags":[{"key":"AmazonECSManaged","value":"x"}]}])",
       "'AmazonECSManaged' is reserved"},
  };
  for (const VolumeRule& rule : rules) {
    EXPECT_EQ(volume_findings(configuration(rule.managed), {.fargate = true}),
              std::vector<std::string>{rule.message})
        << rule.managed;
  }
  EXPECT_EQ(
      volume_findings(R"([{"name":"v","managedEBSVolume":{"sizeInGiB":1,"roleArn":"x"}}])", {}),
      std::vector<std::string>{"'x' is not the ARN of a role of IAM"});
  EXPECT_EQ(volume_findings(R"([{"name":"v"}])", {}), std::vector<std::string>{"is required"});
  for (const char* outside :
       {R"("sizeInGiB":0)", R"("sizeInGiB":16385)", R"("sizeInGiB":124,"volumeType":"st1")"}) {
    EXPECT_EQ(volume_findings(configuration(outside), {}).size(), 1u) << outside;
  }
  const std::string kept = R"("sizeInGiB":1,"terminationPolicy":{"deleteOnTermination":false})";
  EXPECT_EQ(volume_findings(configuration(kept), {}), std::vector<std::string>{});
  EXPECT_EQ(volume_findings(configuration(kept), {.for_service = true}),
            std::vector<std::string>{"volumes of a service's tasks end with their task"});
}

TEST(ManagedVolume, IsLaidOverItsVolumeOfTheDefinition) {
  const std::string definition =
      definition_with(kEc2 + R"("volumes":[{"name":"v","configuredAtLaunch":true}],)",
                      R"("mountPoints":[{"sourceVolume":"v","containerPath":"/v"}],)");
  const std::string volumes = configuration(
      R"("sizeInGiB":7,"filesystemType":"ext3","terminationPolicy":{"deleteOnTermination":false},)"
      R"("tagSpecifications":[{"resourceType":"volume","tags":[{"key":"a","value":"b"}]}])");
  auto made = make_definition({definition, "", "EC2", volumes}, CpuArchitecture::kX86_64);
  ASSERT_TRUE(made) << made.error().text;
  const Volume* volume = find_managed_volume(*made);
  ASSERT_NE(volume, nullptr);
  EXPECT_EQ(volume->managed, (ManagedVolume{.name = "v",
                                            .size_gib = 7,
                                            .file_system = "ext3",
                                            .role_arn = "arn:aws:iam::123456789012:role/ebs",
                                            .delete_on_termination = false,
                                            .tags = {{"a", "b"}}}));
  EXPECT_TRUE(check_managed_volumes(*made, {*volume->managed}));
  EXPECT_EQ(check_managed_volumes(*made, {}).error().text,
            "The volume 'v' in your Task Definition is configured at launch, and your request has "
            "no volume configuration for it");
  EXPECT_EQ(check_managed_volumes(*made, {{.name = "w"}}).error().text,
            "The volume name 'w' in your request does not have a matching volume in your Task "
            "Definition that is configurable at launch.");
}

TEST(ManagedVolume, HasNoOtherConfiguration) {
  EXPECT_EQ(
      findings(definition_with(kEc2 + R"("volumes":[{"name":"v","configuredAtLaunch":true,)"
                                      R"("host":{"sourcePath":"/x"}}],)",
                               R"("mountPoints":[{"sourceVolume":"v","containerPath":"/v"}],)")),
      std::vector<std::string>{
          "volumes[0].configuredAtLaunch: a volume that is configured at launch has no host, "
          "dockerVolumeConfiguration, efsVolumeConfiguration or s3filesVolumeConfiguration"});
}

}  // namespace
}  // namespace berth::scheduler
