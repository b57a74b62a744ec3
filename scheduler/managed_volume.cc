#include "scheduler/managed_volume.h"

#include "base/text.h"
#include "scheduler/reader.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace berth::scheduler {
namespace {

constexpr const char* kDefaultVolumeType = "gp3";
constexpr const char* kDefaultFileSystem = "xfs";
constexpr int64_t kGp3FreeIops = 3000;  // whatever its size
constexpr int64_t kThroughputMin = 125;
constexpr int64_t kThroughputMax = 1000;
constexpr int64_t kIopsOfAMib = 4;  // gp3: a MiB/s of throughput needs so many
constexpr size_t kVolumeTagsMax = 50;
constexpr size_t kTagKeyMax = 128;
constexpr size_t kTagValueMax = 256;
constexpr size_t kManagedWordShown = 60;
constexpr size_t kManagedArnShown = 200;

// Amazon's ranges; no iops: they cannot be chosen.
struct VolumeType {
  std::string_view name;
  IntegerRange gib;
  IntegerRange iops{};
  int64_t iops_of_a_gib = 0;
};
constexpr auto kVolumeTypes = std::to_array<VolumeType>({
    {"gp2", {1, 16384}},
    {"gp3", {1, 16384}, {3000, 16000}, 500},
    {"io1", {4, 16384}, {100, 64000}, 50},
    {"io2", {4, 16384}, {100, 256000}, 1000},
    {"st1", {125, 16384}},
    {"sc1", {125, 16384}},
    {"standard", {1, 1024}},
});

const VolumeType* find_volume_type(std::string_view name) {
  auto found =
      std::ranges::find_if(kVolumeTypes, [&](const auto& each) { return each.name == name; });
  return found == kVolumeTypes.end() ? nullptr : &*found;
}

bool is_role_arn(std::string_view text) {
  return text.starts_with("arn:") && text.find(":iam::") != std::string_view::npos &&
         text.find(":role/") != std::string_view::npos;
}

class ManagedReader {
 public:
  ManagedReader(Reader& reader, const json::Node& node, VolumeAsk ask)
      : reader_(reader), node_(node), ask_(ask) {}

  void read(ManagedVolume& volume) {
    if (!reader_.check_members(node_, "TaskManagedEBSVolumeConfiguration")) return;
    volume.role_arn = read_role();
    volume.file_system = read_file_system();
    read_size(volume);
    read_encryption();
    read_tags(volume);
    read_termination(volume);
  }

 private:
  std::string read_role() {
    std::string arn = reader_.required_string(node_, "roleArn");
    if (!arn.empty() && !is_role_arn(arn)) {
      reader_.malformed_at(
          node_, "roleArn",
          fmt::format("'{}' is not the ARN of a role of IAM", printable(arn, kManagedArnShown)));
    }
    return arn;
  }

  std::string read_file_system() {
    std::string word = reader_.string(node_, "filesystemType");
    if (word.empty()) return kDefaultFileSystem;
    if (word == "xfs" || word == "ext4" || word == "ext3") return word;
    reader_.malformed_at(node_, "filesystemType",
                         fmt::format("'{}' is not one of [ext3, ext4, xfs], those of Linux",
                                     printable(word, kManagedWordShown)));
    return kDefaultFileSystem;
  }

  void read_size(ManagedVolume& volume) {
    std::string name = reader_.string(node_, "volumeType");
    const VolumeType* type = find_volume_type(name.empty() ? kDefaultVolumeType : name);
    if (type == nullptr) {
      reader_.malformed_at(
          node_, "volumeType",
          fmt::format("'{}' is not one of [gp2, gp3, io1, io2, sc1, st1, standard]",
                      printable(name, kManagedWordShown)));
      return;
    }
    if (ask_.fargate && type->name == "standard") {
      reader_.invalid_at(node_, "volumeType",
                         "The magnetic volume type 'standard' is not supported on Fargate");
    }
    if (!node_.find("sizeInGiB")) {
      if (node_.find("snapshotId")) return;  // refused already
      reader_.malformed_at(node_, "sizeInGiB",
                           "You must specify either a volume size or a snapshot ID");
      return;
    }
    auto gib = reader_.integer(node_, "sizeInGiB", type->gib);
    if (gib) volume.size_gib = static_cast<uint32_t>(*gib);
    read_speed(*type, gib);
  }

  void read_speed(const VolumeType& type, std::optional<int64_t> gib) {
    std::optional<int64_t> iops;
    if (node_.find("iops") && type.iops.max == 0) {
      reader_.invalid_at(node_, "iops",
                         fmt::format("is not supported for volumes of type {}", type.name));
    } else {
      iops = reader_.integer(node_, "iops", type.iops);
    }
    if (iops && gib && *iops > std::max(type.iops_of_a_gib * *gib, free_iops(type))) {
      reader_.invalid_at(
          node_, "iops",
          fmt::format("Iops to volume size ratio of {:.1f} is too high; maximum is "
                      "{}",
                      static_cast<double>(*iops) / static_cast<double>(*gib), type.iops_of_a_gib));
    }
    bool is_provisioned = type.name.starts_with("io");
    if (is_provisioned && !node_.find("iops")) {
      reader_.malformed_at(node_, "iops",
                           fmt::format("is required for volumes of type {}", type.name));
    }
    read_throughput(type, iops);
  }

  static int64_t free_iops(const VolumeType& type) { return type.name == "gp3" ? kGp3FreeIops : 0; }

  void read_throughput(const VolumeType& type, std::optional<int64_t> iops) {
    if (!node_.find("throughput")) return;
    if (type.name != "gp3") {
      reader_.invalid_at(node_, "throughput",
                         fmt::format("is not supported for volumes of type {}", type.name));
      return;
    }
    auto mib = reader_.integer(node_, "throughput", {kThroughputMin, kThroughputMax});
    if (!mib || *mib * kIopsOfAMib <= iops.value_or(kGp3FreeIops)) return;
    reader_.invalid_at(node_, "throughput",
                       "Throughput (MiBps) to iops ratio is too high; maximum is 0.25 MiBps per "
                       "iops");
  }

  void read_encryption() {
    bool is_encrypted = reader_.boolean(node_, "encrypted", false);
    std::string key = reader_.string(node_, "kmsKeyId");
    if (key.empty() || is_encrypted) return;
    reader_.invalid_at(node_, "kmsKeyId",
                       "The parameter kmsKeyId requires the parameter encrypted to be set");
  }

  void read_tags(ManagedVolume& volume) {
    for (const json::Node& each : reader_.array(node_, "tagSpecifications")) {
      if (!reader_.check_members(each, "EBSTagSpecification")) continue;
      std::string type = reader_.required_string(each, "resourceType");
      if (!type.empty() && type != "volume") {
        reader_.malformed_at(
            each, "resourceType",
            fmt::format("'{}' is not one of [volume]", printable(type, kManagedWordShown)));
      }
      read_propagation(each);
      for (const json::Node& tag : reader_.array(each, "tags")) read_tag(tag, volume);
    }
    if (volume.tags.size() <= kVolumeTagsMax) return;
    reader_.invalid_at(node_, "tagSpecifications",
                       fmt::format("a volume can have at most {} tags", kVolumeTagsMax));
  }

  void read_propagation(const json::Node& specification) {
    std::string from = reader_.string(specification, "propagateTags");
    if (from.empty() || from == "TASK_DEFINITION" || from == "NONE") return;
    if (from == "SERVICE" && ask_.for_service) return;
    reader_.malformed_at(specification, "propagateTags",
                         from == "SERVICE"
                             ? "SERVICE is for volumes of a service's tasks"
                             : fmt::format("'{}' is not one of [TASK_DEFINITION, SERVICE, NONE]",
                                           printable(from, kManagedWordShown)));
  }

  void read_tag(const json::Node& tag, ManagedVolume& volume) {
    if (!reader_.check_members(tag, "Tag")) return;
    std::string key = reader_.required_string(tag, "key");
    std::string value = reader_.string(tag, "value");
    bool is_reserved =
        key == "AmazonECSCreated" || key == "AmazonECSManaged" || key.starts_with("aws:");
    if (is_reserved) {
      reader_.invalid_at(tag, "key", fmt::format("'{}' is reserved", printable(key, kTagKeyMax)));
    }
    if (key.size() > kTagKeyMax || value.size() > kTagValueMax) {
      reader_.invalid_at(
          tag, "key",
          fmt::format("a key has at most {} characters and a value {}", kTagKeyMax, kTagValueMax));
    }
    volume.tags[key] = value;
  }

  void read_termination(ManagedVolume& volume) {
    auto policy = reader_.object(node_, "terminationPolicy");
    if (!policy) return;
    if (ask_.for_service) {
      reader_.malformed_at(node_, "terminationPolicy",
                           "volumes of a service's tasks end with their task");
      return;
    }
    if (!reader_.check_members(*policy, "TaskManagedEBSVolumeTerminationPolicy")) return;
    volume.delete_on_termination = reader_.required_boolean(*policy, "deleteOnTermination");
  }

  Reader& reader_;
  const json::Node& node_;
  VolumeAsk ask_;
};

const Volume* find_at_launch(const TaskDefinition& definition, const std::string& name) {
  for (const Volume& volume : definition.volumes) {
    if (volume.configured_at_launch && volume.name == name) return &volume;
  }
  return nullptr;
}

}  // namespace

ParsedManagedVolumes parse_managed_volumes(const std::vector<json::Node>& list, VolumeAsk ask) {
  Reader reader;
  ParsedManagedVolumes parsed;
  for (const json::Node& node : list) {
    if (!reader.check_members(node, "TaskVolumeConfiguration")) continue;
    ManagedVolume volume;
    volume.name = reader.required_string(node, "name");
    auto managed = reader.object(node, "managedEBSVolume");
    if (managed) {
      ManagedReader(reader, *managed, ask).read(volume);
    } else if (!node.find("managedEBSVolume")) {
      reader.malformed_at(node, "managedEBSVolume", "is required");
    }
    bool is_double = std::ranges::any_of(
        parsed.volumes, [&](const ManagedVolume& each) { return each.name == volume.name; });
    if (is_double) reader.invalid_at(node, "name", "the volume is configured twice");
    parsed.volumes.push_back(std::move(volume));
  }
  parsed.findings = reader.take();
  for (Finding& finding : parsed.findings) {
    bool is_by_aws = finding.refused_by == Refuser::kAws;
    finding.exception = is_by_aws ? "InvalidParameterException" : "UnsupportedFeatureException";
  }
  return parsed;
}

Result<std::vector<ManagedVolume>> read_managed_volumes(std::string_view text,
                                                        const std::string& name, VolumeAsk ask) {
  if (text.size() > kVolumeConfigurationsMax) {
    return fail(Errc::kInvalid,
                "{}: {} characters of volume configurations, at most {} are allowed", name,
                text.size(), kVolumeConfigurationsMax);
  }
  auto document = TRY(json::Document::parse(text, {.name = name}));
  if (!document.root().is_array()) {
    return fail(Errc::kInvalid,
                "{}: it is to be a list, as `aws ecs run-task "
                "--volume-configurations` takes it",
                name);
  }
  ParsedManagedVolumes parsed = parse_managed_volumes(TRY(document.root().as_array()), ask);
  if (!parsed.findings.empty()) return fail_with(name, parsed.findings);
  return std::move(parsed.volumes);
}

Status check_managed_volumes(const TaskDefinition& definition,
                             const std::vector<ManagedVolume>& volumes) {
  for (const ManagedVolume& volume : volumes) {
    if (find_at_launch(definition, volume.name) != nullptr) continue;
    if (std::ranges::none_of(definition.volumes, &Volume::configured_at_launch)) {
      return fail(
          Errc::kInvalid,
          "Volume configuration provided but no matching configuredAtLaunch volume found in "
          "task definition.");
    }
    return fail(Errc::kInvalid,
                "The volume name '{}' in your request does not have a matching volume in your Task "
                "Definition that is configurable at launch.",
                printable(volume.name, kManagedWordShown));
  }
  for (const Volume& volume : definition.volumes) {
    if (!volume.configured_at_launch) continue;
    bool is_configured = std::ranges::any_of(
        volumes, [&](const ManagedVolume& each) { return each.name == volume.name; });
    if (is_configured) continue;
    return fail(Errc::kInvalid,
                "The volume '{}' in your Task Definition is configured at launch, and your request "
                "has no volume configuration for it",
                printable(volume.name, kManagedWordShown));
  }
  return {};
}

TaskDefinition merge_managed_volumes(TaskDefinition definition,
                                     const std::vector<ManagedVolume>& volumes) {
  for (Volume& volume : definition.volumes) {
    auto found = std::ranges::find_if(
        volumes, [&](const ManagedVolume& each) { return each.name == volume.name; });
    if (volume.configured_at_launch && found != volumes.end()) volume.managed = *found;
  }
  return definition;
}

const Volume* find_managed_volume(const TaskDefinition& definition) {
  auto found = std::ranges::find_if(definition.volumes,
                                    [](const Volume& each) { return each.managed.has_value(); });
  return found == definition.volumes.end() ? nullptr : &*found;
}

std::string managed_volume_id(std::string_view task_id) {
  constexpr size_t kDigits = 16;
  return "vol-0" + std::string(task_id.substr(0, kDigits));
}

}  // namespace berth::scheduler
