#include "scheduler/volume_parse.h"

#include "base/text.h"

#include <fmt/core.h>

namespace berth::scheduler {
namespace {

constexpr IntegerRange kEphemeralGib = {21, 200};

constexpr size_t kVolumeWordShown = 60;
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
  return volume;
}

std::optional<uint32_t> read_ephemeral_storage(Reader& reader, const json::Node& root) {
  auto storage = reader.object(root, "ephemeralStorage");
  if (!storage || !reader.check_members(*storage, "EphemeralStorage")) return std::nullopt;
  auto gib = reader.required_integer(*storage, "sizeInGiB", kEphemeralGib);
  if (!gib) return std::nullopt;
  return static_cast<uint32_t>(*gib);
}

}  // namespace berth::scheduler
