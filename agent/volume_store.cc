#include "agent/volume_store.h"

#include "base/json.h"
#include "base/text.h"
#include "sys/file.h"

#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <sys/stat.h>

namespace berth::agent {
namespace {

constexpr size_t kVolumeNameShown = 100;

std::string shown(const std::string& name) {
  return printable(name, kVolumeNameShown);
}

tl::unexpected<Error> no_such_volume(const std::string& name) {
  return fail(Errc::kNotFound, "volume {}: there is none; `berth volume ls` shows what there is",
              shown(name));
}

Status check_new(const NamedVolume& volume) {
  if (!scheduler::is_volume_name(volume.name)) {
    return fail(Errc::kInvalid, "volume \"{}\": a name is 1 to 255 letters, digits, '_' and '-'",
                shown(volume.name));
  }
  auto faults = scheduler::faults_of(volume.driver_opts);
  if (faults.empty()) return {};
  return fail(Errc::kInvalid, "volume {}: {}", volume.name, faults.front().message);
}

std::string render_volume(const NamedVolume& volume) {
  nlohmann::ordered_json json = {{"version", kVolumeVersion},
                                 {"name", volume.name},
                                 {"createdAt", volume.created_at},
                                 {"driverOpts", volume.driver_opts},
                                 {"labels", volume.labels}};
  if (volume.image) {
    json["image"] = {{"fileSystem", volume.image->file_system},
                     {"sizeInGiB", volume.image->size_gib}};
  }
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace

Result<NamedVolume> VolumeStore::read(const std::string& name) const {
  std::string file = path(name) + "/volume.json";
  auto document =
      TRY(json::Document::parse(TRY(sys::read_file(file, kVolumeRecordMax)), {.name = file}));
  json::Node root = document.root();
  if (int64_t version = TRY(root.i64_at("version")); version != kVolumeVersion) {
    return fail(Errc::kUnsupported, "{}: version {}, this berth reads {}", file, version,
                kVolumeVersion);
  }
  NamedVolume volume;
  volume.name = name;
  volume.created_at = TRY(root.string_at("createdAt"));
  for (auto& [key, value] : TRY(TRY(root.at("driverOpts")).as_string_map())) {
    volume.driver_opts[key] = std::move(value);
  }
  for (auto& [key, value] : TRY(TRY(root.at("labels")).as_string_map())) {
    volume.labels[key] = std::move(value);
  }
  if (auto image = root.find("image")) {
    volume.image = VolumeImage{.file_system = TRY(image->string_at("fileSystem")),
                               .size_gib = TRY(image->i64_at("sizeInGiB"))};
  }
  return volume;
}

Result<std::vector<NamedVolume>> VolumeStore::list() const {
  std::vector<NamedVolume> volumes;
  if (!sys::exists(directory_)) return volumes;
  for (const std::string& name : TRY(sys::list_directory(directory_))) {
    if (name.starts_with('.')) continue;
    auto volume = read(name);
    if (!volume && !sys::exists(path(name))) continue;  // just removed
    volumes.push_back(TRY(std::move(volume)));
  }
  return volumes;
}

Result<std::optional<NamedVolume>> VolumeStore::find(const std::string& name) const {
  if (!scheduler::is_volume_name(name) || !sys::exists(path(name))) return std::nullopt;
  return TRY(read(name));
}

Result<NamedVolume> VolumeStore::get(const std::string& name) const {
  auto volume = TRY(find(name));
  if (!volume) return no_such_volume(name);
  return std::move(*volume);
}

Status VolumeStore::clear_leftovers() const {
  for (const char* name : {".new", ".gone"}) TRY(sys::remove_tree(path(name)));
  return {};
}

Status VolumeStore::create(const NamedVolume& volume) const {
  TRY(check_new(volume));
  TRY(sys::make_directories(directory_, 0711));
  sys::FileLock lock = TRY(sys::FileLock::acquire(path(".lock")));
  TRY(clear_leftovers());
  if (sys::exists(path(volume.name))) {
    return fail(Errc::kExists, "volume {}: there is one of that name already", volume.name);
  }
  TRY(sys::make_directories(data(".new"), 0755));
  TRY(sys::write_atomic(path(".new") + "/volume.json", render_volume(volume), 0600));
  return sys::rename(path(".new"), path(volume.name));
}

Result<sys::Fd> VolumeStore::pin(const std::string& name) const {
  auto directory = sys::open(path(name), O_RDONLY | O_DIRECTORY);
  if (!directory && directory.error().errno_value == ENOENT) return no_such_volume(name);
  sys::Fd pin = TRY(std::move(directory));
  TRY(sys::lock(pin.get(), sys::LockMode::kShared));
  struct stat pinned = TRY(sys::stat_fd(pin.get()));
  auto named = sys::stat(path(name));
  bool is_same = named && named->st_ino == pinned.st_ino && named->st_dev == pinned.st_dev;
  if (!is_same) return no_such_volume(name);  // removed while we waited
  return pin;
}

Result<bool> VolumeStore::is_in_use(const std::string& name) const {
  sys::Fd directory = TRY(sys::open(path(name), O_RDONLY | O_DIRECTORY));
  return !TRY(sys::try_lock(directory.get(), sys::LockMode::kExclusive));
}

Status VolumeStore::remove(const std::string& name) const {
  TRY(get(name));
  sys::FileLock lock = TRY(sys::FileLock::acquire(path(".lock")));
  TRY(clear_leftovers());
  auto directory = sys::open(path(name), O_RDONLY | O_DIRECTORY);
  if (!directory) return no_such_volume(name);
  if (!TRY(sys::try_lock(directory->get(), sys::LockMode::kExclusive))) {
    return fail(Errc::kUnavailable, "volume {}: a task has it; `berth ps` shows which run", name);
  }
  TRY(sys::rename(path(name), path(".gone")));
  return sys::remove_tree(path(".gone"));
}

}  // namespace berth::agent
