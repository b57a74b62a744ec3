#include "scheduler/volume_parse.h"

#include "base/text.h"

#include <fmt/core.h>

#include <utility>

namespace berth::scheduler {
namespace {

constexpr IntegerRange kEphemeralGib = {21, 200};

constexpr size_t kVolumeWordShown = 60;
constexpr size_t kVolumeArnShown = 200;
constexpr int64_t kVolumePortMax = 65535;

std::map<std::string, std::string> read_texts(Reader& reader, const json::Node& node,
                                              std::string_view key) {
  std::map<std::string, std::string> texts;
  auto object = reader.object(node, key);
  if (!object) return texts;
  auto members = object->as_object();
  if (!members) return texts;
  for (const auto& [name, value] : *members) texts[name] = reader.string(*object, name);
  return texts;
}

// One without members is as one that is not there.
std::optional<json::Node> find_configuration(Reader& reader, const json::Node& node,
                                             std::string_view key, std::string_view shape) {
  auto object = reader.object(node, key);
  if (!object || !reader.check_members(*object, shape)) return std::nullopt;
  auto members = object->as_object();
  if (!members || members->empty()) return std::nullopt;
  return object;
}

std::optional<DockerVolume> read_docker(Reader& reader, const json::Node& volume) {
  auto node =
      find_configuration(reader, volume, "dockerVolumeConfiguration", "DockerVolumeConfiguration");
  if (!node) return std::nullopt;
  DockerVolume docker;
  std::string scope = reader.string(*node, "scope");
  if (scope == name_of(VolumeScope::kShared)) {
    docker.scope = VolumeScope::kShared;
  } else if (!scope.empty() && scope != name_of(VolumeScope::kTask)) {
    reader.malformed_at(
        *node, "scope",
        fmt::format("'{}' is not one of [task, shared]", printable(scope, kVolumeWordShown)));
  }
  if (node->find("autoprovision")) {
    docker.autoprovision = reader.boolean(*node, "autoprovision", false);
  }
  docker.driver = reader.string(*node, "driver");
  docker.driver_opts = read_texts(reader, *node, "driverOpts");
  docker.labels = read_texts(reader, *node, "labels");
  return docker;
}

bool read_switch(Reader& reader, const json::Node& node, std::string_view key) {
  std::string word = reader.string(node, key);
  if (!word.empty() && word != "ENABLED" && word != "DISABLED") {
    reader.malformed_at(
        node, key,
        fmt::format("'{}' is not one of [ENABLED, DISABLED]", printable(word, kVolumeWordShown)));
  }
  return word == "ENABLED";
}

std::optional<EfsVolume> read_efs(Reader& reader, const json::Node& volume) {
  auto node =
      find_configuration(reader, volume, "efsVolumeConfiguration", "EFSVolumeConfiguration");
  if (!node) return std::nullopt;
  EfsVolume efs;
  efs.file_system_id = reader.required_string(*node, "fileSystemId");
  efs.root_directory = reader.string(*node, "rootDirectory");
  efs.transit_encryption = read_switch(reader, *node, "transitEncryption");
  auto port = reader.integer(*node, "transitEncryptionPort", {0, kVolumePortMax});
  if (port) efs.transit_encryption_port = static_cast<uint32_t>(*port);
  auto authorization =
      find_configuration(reader, *node, "authorizationConfig", "EFSAuthorizationConfig");
  if (!authorization) return efs;
  efs.access_point_id = reader.string(*authorization, "accessPointId");
  efs.iam = read_switch(reader, *authorization, "iam");
  return efs;
}

// "fs-" or "fsap-", and letters or digits.
bool is_id(std::string_view text, std::string_view start) {
  if (!text.starts_with(start) || text.size() == start.size()) return false;
  return text.find_first_not_of("0123456789abcdefghijklmnopqrstuvwxyz", start.size()) ==
         std::string_view::npos;
}

// What stands behind arn:PARTITION:s3files:REGION:ACCOUNT: in the name of something that S3 Files
// has, between its slashes; empty when the text is no such name.
std::vector<std::string> s3files_resource(std::string_view arn) {
  constexpr size_t kParts = 6;
  std::vector<std::string> parts = split(arn, ':');
  if (parts.size() != kParts || parts[0] != "arn" || parts[2] != "s3files") return {};
  for (const std::string& part : parts) {
    if (part.empty()) return {};
  }
  return split(parts.back(), '/');
}

void read_s3files_point(Reader& reader, const json::Node& node, EfsVolume& volume) {
  std::string arn = reader.string(node, "accessPointArn");
  if (arn.empty()) return;
  std::vector<std::string> words = s3files_resource(arn);
  bool good = words.size() == 4 && words[0] == "file-system" && words[2] == "access-point" &&
              is_id(words[3], "fsap-");
  if (!good || words[1] != volume.file_system_id) {
    reader.malformed_at(node, "accessPointArn",
                        fmt::format("'{}' is no access point of the file system: its ARN with "
                                    "/access-point/fsap-... behind",
                                    printable(arn, kVolumeArnShown)));
    return;
  }
  volume.access_point_id = words[3];
  if (volume.root_directory.empty() || volume.root_directory == "/") return;
  volume.root_directory.clear();
  reader.invalid_at(node, "rootDirectory",
                    "When using an S3 Files access point, the root directory must either be set "
                    "to \"/\" or be omitted");
}

// S3 Files is served as EFS is, by the same mount helper, and always encrypted on its way.
std::optional<EfsVolume> read_s3files(Reader& reader, const json::Node& volume) {
  auto node = find_configuration(reader, volume, "s3filesVolumeConfiguration",
                                 "S3FilesVolumeConfiguration");
  if (!node) return std::nullopt;
  EfsVolume efs;
  efs.transit_encryption = true;
  efs.root_directory = reader.string(*node, "rootDirectory");
  auto port = reader.integer(*node, "transitEncryptionPort", {1, kVolumePortMax});
  if (port) efs.transit_encryption_port = static_cast<uint32_t>(*port);
  std::string arn = reader.required_string(*node, "fileSystemArn");
  std::vector<std::string> words = s3files_resource(arn);
  if (words.size() == 2 && words[0] == "file-system" && is_id(words[1], "fs-")) {
    efs.file_system_id = words[1];
    read_s3files_point(reader, *node, efs);
  } else if (!arn.empty()) {
    reader.malformed_at(*node, "fileSystemArn",
                        fmt::format("'{}' is not arn:PARTITION:s3files:REGION:ACCOUNT:file-system/"
                                    "fs-...",
                                    printable(arn, kVolumeArnShown)));
  }
  return efs;
}

}  // namespace

Volume read_volume(Reader& reader, const json::Node& node) {
  Volume volume;
  volume.name = reader.required_string(node, "name");
  auto host = reader.object(node, "host");
  if (host && reader.check_members(*host, "HostVolumeProperties")) {
    volume.source_path = reader.string(*host, "sourcePath");
  }
  volume.docker = read_docker(reader, node);
  volume.efs = read_efs(reader, node);
  volume.configured_at_launch = reader.boolean(node, "configuredAtLaunch", false);
  auto s3files = read_s3files(reader, node);
  if (s3files && (volume.efs || volume.docker || !volume.source_path.empty())) {
    reader.invalid_at(node, "s3filesVolumeConfiguration",
                      "When the volume parameter is specified, only one volume configuration type "
                      "should be used.");
  } else if (s3files) {
    volume.efs = std::move(s3files);
  }
  return volume;
}

std::optional<uint32_t> read_ephemeral_storage(Reader& reader, const json::Node& root) {
  auto storage = reader.object(root, "ephemeralStorage");
  if (!storage || !reader.check_members(*storage, "EphemeralStorage")) return std::nullopt;
  auto gib = reader.required_integer(*storage, "sizeInGiB", kSize);
  if (!gib) return std::nullopt;
  bool is_small = *gib < kEphemeralGib.min;
  if (is_small || *gib > kEphemeralGib.max) {
    reader.malformed_at(
        *storage, "sizeInGiB",
        is_small ? fmt::format("EphemeralStorage size should be at least {}", kEphemeralGib.min)
                 : fmt::format("EphemeralStorage size should be at most {}", kEphemeralGib.max));
    return std::nullopt;
  }
  return static_cast<uint32_t>(*gib);
}

}  // namespace berth::scheduler
