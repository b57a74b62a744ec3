#include "agent/efs_volume.h"

#include "base/text.h"
#include "sys/file.h"
#include "sys/tree.h"

#include <fcntl.h>

namespace berth::agent {
namespace {

// What AWS recommends for EFS, but for the reserved port.
constexpr const char* kNfsOptions =
    "vers=4.1,rsize=1048576,wsize=1048576,hard,timeo=600,retrans=2,noresvport,addr=";
constexpr const char* kEfsFailure =
    "failed to invoke EFS utils commands to set up EFS volumes: stderr";

struct FoundFileSystem {
  const EfsFileSystem* file_system = nullptr;
  const EfsAccessPoint* access_point = nullptr;  // null: by none
};

Result<FoundFileSystem> find_file_system(const EfsRequest& request) {
  const scheduler::EfsVolume& efs = *request.volume.efs;
  FoundFileSystem found;
  auto file_system = request.settings.find(efs.file_system_id);
  if (file_system == request.settings.end()) {
    return fail(Errc::kNotFound,
                "{}: Failed to resolve \"{}.efs.{}.amazonaws.com\" - check that your file system "
                "ID is correct: \"efs\" in berth.json does not say where {} is",
                kEfsFailure, efs.file_system_id, request.region, efs.file_system_id);
  }
  found.file_system = &file_system->second;
  if (efs.access_point_id.empty()) return found;
  auto point = found.file_system->access_points.find(efs.access_point_id);
  if (point == found.file_system->access_points.end()) {
    return fail(Errc::kNotFound,
                "{}: the access point {} does not exist: \"efs.{}.accessPoints\" in berth.json "
                "does not have it",
                kEfsFailure, printable(efs.access_point_id, 100), efs.file_system_id);
  }
  found.access_point = &point->second;
  return found;
}

Result<MountedVolume> served_volume(const EfsRequest& request, const EfsFileSystem& file_system) {
  if (request.volume.efs->transit_encryption) {
    return fail(Errc::kUnsupported,
                "{}: transitEncryption is ENABLED, and what \"efs.{}\" in berth.json names is an "
                "NFS server, which the kernel speaks to in the clear",
                kEfsFailure, request.volume.efs->file_system_id);
  }
  if (request.ids) {
    return fail(Errc::kUnsupported,
                "{}: NFS cannot map the ids of a task; --userns=host does without", kEfsFailure);
  }
  bool is_ipv6 = file_system.server.find(':') != std::string::npos;
  std::string host = is_ipv6 ? "[" + file_system.server + "]" : file_system.server;
  scheduler::DriverOpts options = {{"type", "nfs"},
                                   {"device", host + ":" + file_system.path},
                                   {"o", kNfsOptions + file_system.server}};
  return mounted_volume(request.volume.name, options, request.ids);
}

}  // namespace

Result<MountedVolume> efs_volume(const EfsRequest& request) {
  FoundFileSystem found = TRY(find_file_system(request));
  MountedVolume volume;
  if (found.file_system->server.empty()) {
    volume.plan.name = request.volume.name;
    volume.plan.source = found.file_system->path;
  } else {
    volume = TRY(served_volume(request, *found.file_system));
  }
  const std::string& root =
      found.access_point != nullptr ? found.access_point->path : request.volume.efs->root_directory;
  if (root != "/") volume.plan.root = root;
  volume.plan.on_failure = kEfsFailure;
  return volume;
}

Status make_access_point(const EfsRequest& request) {
  FoundFileSystem found = TRY(find_file_system(request));
  if (found.access_point == nullptr || !found.file_system->server.empty()) return {};
  sys::Fd at = TRY(sys::open(found.file_system->path, O_RDONLY | O_DIRECTORY));
  for (const std::string& name : split(found.access_point->path, '/')) {
    if (name.empty()) continue;
    if (!TRY(sys::stat_at(at.get(), name))) {
      TRY(sys::make_directory_at(at.get(), name, 0755));
      TRY(sys::chown_at(at.get(), name,
                        {found.access_point->owner_uid, found.access_point->owner_gid}));
      TRY(sys::chmod_at(at.get(), name, found.access_point->permissions));
    }
    at = TRY(sys::open_directory_at(at.get(), name));
  }
  return {};
}

}  // namespace berth::agent
