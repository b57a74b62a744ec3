#include "agent/efs_settings.h"

#include "base/text.h"

#include <nlohmann/json.hpp>

namespace berth::agent {
namespace {

constexpr size_t kEfsTextShown = 200;
constexpr size_t kFileSystemsMax = 1000;
constexpr uint64_t kIdMax = 4294967294;
constexpr int kOctal = 8;

Result<std::string> absolute_path_at(const json::Node& node, std::string_view key,
                                     const std::string& absent) {
  std::string path = TRY(node.find_string(key)).value_or(absent);
  if (!path.empty() && path.front() == '/') return path;
  return fail(Errc::kInvalid, "{}.{}: \"{}\" is not an absolute path", node.path(), key,
              printable(path, kEfsTextShown));
}

Result<uint32_t> id_at(const json::Node& node, std::string_view key) {
  uint64_t id = TRY(node.find_u64(key)).value_or(0);
  if (id <= kIdMax) return static_cast<uint32_t>(id);
  return fail(Errc::kInvalid, "{}.{}: {} is above {}", node.path(), key, id, kIdMax);
}

// As EFS has them: "0755", or three digits.
Result<uint32_t> permissions_at(const json::Node& node, std::string_view key) {
  std::string text = TRY(node.find_string(key)).value_or("0755");
  bool is_octal = (text.size() == 3 || text.size() == 4) &&
                  text.find_first_not_of("01234567") == std::string::npos;
  if (is_octal) return static_cast<uint32_t>(std::stoul(text, nullptr, kOctal));
  return fail(Errc::kInvalid, "{}.{}: \"{}\" is not three or four octal digits, such as \"0755\"",
              node.path(), key, printable(text, kEfsTextShown));
}

Result<EfsAccessPoint> read_access_point(const json::Node& node) {
  TRY(node.only({"path", "ownerUid", "ownerGid", "permissions"}));
  EfsAccessPoint point;
  point.path = TRY(absolute_path_at(node, "path", "/"));
  for (const std::string& name : split(point.path, '/')) {
    if (name != "." && name != "..") continue;
    return fail(Errc::kInvalid, "{}.path: \"{}\" has . or .. in it", node.path(),
                printable(point.path, kEfsTextShown));
  }
  point.owner_uid = TRY(id_at(node, "ownerUid"));
  point.owner_gid = TRY(id_at(node, "ownerGid"));
  point.permissions = TRY(permissions_at(node, "permissions"));
  return point;
}

Result<EfsFileSystem> read_file_system(const json::Node& node) {
  EfsFileSystem file_system;
  if (node.is_string()) {
    file_system.path = TRY(node.as_string());
    if (file_system.path.starts_with('/')) return file_system;
    return fail(Errc::kInvalid, "{}: \"{}\" is not an absolute path", node.path(),
                printable(file_system.path, kEfsTextShown));
  }
  TRY(node.only({"path", "server", "accessPoints"}));
  file_system.server = TRY(node.find_string("server")).value_or("");
  file_system.path = TRY(absolute_path_at(node, "path", file_system.server.empty() ? "" : "/"));
  auto points = node.find("accessPoints");
  if (!points) return file_system;
  for (const auto& [id, point] : TRY(points->as_object())) {
    file_system.access_points[id] = TRY(read_access_point(point));
  }
  return file_system;
}

}  // namespace

Result<EfsSettings> read_efs_settings(const json::Node& root) {
  EfsSettings settings;
  auto node = root.find("efs");
  if (!node) return settings;
  for (const auto& [id, file_system] : TRY(node->as_object())) {
    if (!id.starts_with("fs-")) {
      return fail(Errc::kInvalid, "efs: \"{}\" is no id of a file system, such as fs-12345678",
                  printable(id, kEfsTextShown));
    }
    settings[id] = TRY(read_file_system(file_system));
  }
  if (settings.size() > kFileSystemsMax) {
    return fail(Errc::kInvalid, "efs: {} are more than {}", settings.size(), kFileSystemsMax);
  }
  return settings;
}

void render_efs_settings(const EfsSettings& settings, nlohmann::ordered_json& out) {
  for (const auto& [id, file_system] : settings) {
    nlohmann::ordered_json json = {{"path", file_system.path}};
    if (!file_system.server.empty()) json["server"] = file_system.server;
    for (const auto& [point_id, point] : file_system.access_points) {
      json["accessPoints"][point_id] = {{"path", point.path},
                                        {"ownerUid", point.owner_uid},
                                        {"ownerGid", point.owner_gid},
                                        {"permissions", fmt::format("{:04o}", point.permissions)}};
    }
    out["efs"][id] = json;
  }
}

}  // namespace berth::agent
