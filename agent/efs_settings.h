// What berth.json says of file systems of Amazon EFS: where they are on this host, or who serves
// them. docs/configuration.md lists the members.
#pragma once

#include "base/json.h"
#include "base/result.h"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <map>
#include <string>

namespace berth::agent {

// A directory within a file system, made with this owner and mode if there is none.
struct EfsAccessPoint {
  std::string path;
  uint32_t owner_uid = 0;
  uint32_t owner_gid = 0;
  uint32_t permissions = 0755;
};

struct EfsFileSystem {
  std::string path;    // a directory of this host; with a server: what it exports
  std::string server;  // of NFS; "": none is asked
  std::map<std::string, EfsAccessPoint> access_points;  // by id
};

using EfsSettings = std::map<std::string, EfsFileSystem>;  // by id

// The member "efs" of berth.json's root. kInvalid with the member's path.
Result<EfsSettings> read_efs_settings(const json::Node& root);
// Adds it to `out`.
void render_efs_settings(const EfsSettings& settings, nlohmann::ordered_json& out);

}  // namespace berth::agent
