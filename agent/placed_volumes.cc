#include "agent/placed_volumes.h"

#include "agent/efs_volume.h"
#include "agent/ephemeral_storage.h"
#include "agent/managed_volume.h"
#include "agent/paths.h"
#include "agent/volume_mount.h"
#include "agent/volume_store.h"
#include "base/log.h"
#include "scheduler/managed_volume.h"
#include "sys/file.h"

namespace berth::agent {
namespace {

class Placer {
 public:
  Placer(const PlaceRequest& request, Env env)
      : request_(request),
        env_(env),
        paths_(paths_of(request.config)),
        directory_(paths_.task(request.task.id)),
        store_(request.config.root) {}

  Result<PlacedVolumes> place() {
    if (auto size = storage_gib_of(request_.task.definition)) TRY(place_storage(*size));
    for (const scheduler::Volume& volume : request_.task.definition.volumes) {
      placed_.by_name[volume.name] = TRY(place_volume(volume));
    }
    return std::move(placed_);
  }

 private:
  bool is_real() const { return request_.placing == Placing::kReal; }

  Status place_storage(uint32_t size_gib) {
    placed_.storage = ephemeral_storage_plan(paths_, request_.task.id);
    if (!is_real()) return {};
    return make_ephemeral_storage(*placed_.storage, size_gib);
  }

  Result<PlacedVolume> place_volume(const scheduler::Volume& volume) {
    if (!volume.source_path.empty()) return place_host(volume);
    if (volume.efs) return place_efs(volume);
    if (volume.configured_at_launch) return place_managed(volume);
    if (!volume.docker) return place_own(volume);
    bool is_shared = volume.docker->scope == scheduler::VolumeScope::kShared;
    return is_shared ? place_shared(volume) : place_docker(volume, volume.docker->driver_opts);
  }

  Result<PlacedVolume> place_host(const scheduler::Volume& volume) const {
    if (is_real()) TRY(make(volume.name, volume.source_path));
    return PlacedVolume{.directory = volume.source_path};
  }

  Result<PlacedVolume> place_own(const scheduler::Volume& volume) {
    if (placed_.storage) {
      placed_.storage->directories.push_back(placed_.storage->path + "/volumes/" + volume.name);
      return PlacedVolume{.directory = placed_.storage->directories.back(), .is_filled = true};
    }
    std::string directory = paths_.volume(request_.task.id, volume.name);
    if (is_real()) TRY(make(volume.name, directory));
    return PlacedVolume{.directory = directory, .is_filled = true};
  }

  static Status make(const std::string& name, const std::string& directory) {
    auto made = sys::make_directories(directory, 0755);
    if (made) return {};
    return wrap(std::move(made).error(), "CannotCreateVolumeError: volume {}", name);
  }

  Result<PlacedVolume> place_managed(const scheduler::Volume& volume) {
    if (!volume.managed) {
      return fail(Errc::kInvalid, "{} {}: it is configured at launch, and nothing says what it is",
                  scheduler::kManagedVolumeFailure, volume.name);
    }
    const scheduler::ManagedVolume& managed = *volume.managed;
    std::string image =
        managed.delete_on_termination
            ? paths_.volume(request_.task.id, volume.name) + "." + managed.file_system
            : TRY(keep_managed(managed));
    auto made = is_real() ? make_managed_image(managed, image) : Status();
    if (!made) {
      give_up(managed);
      return tl::unexpected<Error>(std::move(made).error());
    }
    return take(volume, {.plan = managed_volume_plan(managed, image)});
  }

  // One that stays is a named volume from the beginning, whatever becomes of us. A start that is
  // begun anew finds it.
  Result<std::string> keep_managed(const scheduler::ManagedVolume& managed) {
    NamedVolume kept = kept_volume(managed, request_.task.id, format_rfc3339(env_.clock.wall()));
    if (!is_real()) return store_.image(kept);
    auto created = store_.create(kept);
    if (!created && created.error().code != Errc::kExists) {
      return wrap(std::move(created).error(), "{}", scheduler::kManagedVolumeFailure);
    }
    placed_.pins.push_back(TRY(store_.pin(kept.name)));
    return store_.image(kept);
  }

  // What could not be made is nothing to keep.
  void give_up(const scheduler::ManagedVolume& managed) {
    if (managed.delete_on_termination) return;
    placed_.pins.clear();
    std::string name = scheduler::managed_volume_id(request_.task.id);
    auto removed = store_.remove(name);
    if (!removed) LOG(kWarn, "a volume stays", {{"volume", name}, {"why", removed.error().text}});
  }

  Result<PlacedVolume> place_shared(const scheduler::Volume& volume) {
    TRY(provide(volume));
    auto known = TRY(store_.find(volume.name));
    // A rehearsal makes none: what would be made has the definition's options.
    if (known && is_real()) placed_.pins.push_back(TRY(store_.pin(volume.name)));
    if (known && known->image) {
      return fail(Errc::kUnsupported,
                  "volume {0}: it was an EBS volume of a task, and is a file system in {1}; tasks "
                  "cannot share it",
                  volume.name, store_.image(*known));
    }
    const auto& options = known ? known->driver_opts : volume.docker->driver_opts;
    if (!options.empty()) return place_docker(volume, options);
    return PlacedVolume{.directory = store_.data(volume.name),
                        .is_filled = true,
                        .fill_lock = store_.fill_lock(volume.name)};
  }

  // One that is there is taken as it is, as by Amazon's agent.
  Status provide(const scheduler::Volume& volume) const {
    if (TRY(store_.find(volume.name))) return {};
    if (!volume.docker->autoprovision.value_or(false)) {
      return fail(Errc::kNotFound,
                  "initialize volume: volume detection failed, volume '{0}' does not exist and "
                  "autoprovision is set to false: `berth volume create {0}` makes it",
                  volume.name);
    }
    if (!is_real()) return {};
    NamedVolume made;
    made.name = volume.name;
    made.created_at = format_rfc3339(env_.clock.wall());
    made.driver_opts = volume.docker->driver_opts;
    made.labels = volume.docker->labels;
    auto created = store_.create(made);
    if (created || created.error().code == Errc::kExists) return {};  // another task was quicker
    return wrap(std::move(created).error(), "CannotCreateVolumeError");
  }

  Result<PlacedVolume> place_docker(const scheduler::Volume& volume,
                                    const scheduler::DriverOpts& options) {
    if (options.empty()) return place_own(volume);
    return take(volume, TRY(mounted_volume(volume.name, options, request_.ids)));
  }

  Result<PlacedVolume> place_efs(const scheduler::Volume& volume) {
    EfsRequest efs{.volume = volume,
                   .settings = request_.config.efs,
                   .region = request_.config.region,
                   .ids = request_.ids};
    MountedVolume mounted = TRY(efs_volume(efs));
    auto made = is_real() ? make_access_point(efs) : Status();
    if (!made) return wrap(std::move(made).error(), "{}", mounted.plan.on_failure);
    return take(volume, std::move(mounted));
  }

  PlacedVolume take(const scheduler::Volume& volume, MountedVolume mounted) {
    mounted.plan.path = directory_.volume(volume.name);
    placed_.mounts.push_back(std::move(mounted.plan));
    return PlacedVolume{.directory = placed_.mounts.back().path,
                        .id_mapped = mounted.id_mapped,
                        .read_only = mounted.read_only};
  }

  const PlaceRequest& request_;
  Env env_;
  InstancePaths paths_;
  runtime::TaskPaths directory_;
  VolumeStore store_;
  PlacedVolumes placed_;
};

}  // namespace

Result<PlacedVolumes> place_volumes(const PlaceRequest& request, Env env) {
  return Placer(request, env).place();
}

}  // namespace berth::agent
