// berth system df: what takes the room on disk.
#include "agent/ephemeral_storage.h"
#include "agent/paths.h"
#include "agent/volume_store.h"
#include "base/text.h"
#include "image/collection.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "tools/commands.h"
#include "tools/system_commands.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <map>

namespace berth::tools {
namespace {

struct Row {
  const char* type;
  const char* key;  // in JSON
  size_t total = 0;
  size_t in_use = 0;
  uint64_t bytes = 0;
  uint64_t reclaimable = 0;
};

// On disk, of one image: what it has for itself goes with it.
struct ImageSize {
  uint64_t shared = 0;
  uint64_t unique = 0;
};

struct TaskUse {
  std::string id;
  bool is_running = false;
  uint64_t writable = 0;
  uint64_t volumes = 0;
  uint64_t logs = 0;
  size_t containers = 0;
};

struct VolumeUse {
  std::string name;
  bool in_use = false;
  uint64_t bytes = 0;
};

struct Usage {
  image::Inventory inventory;
  std::vector<ImageSize> sizes;  // as inventory.images
  std::vector<TaskUse> tasks;
  std::vector<VolumeUse> volumes;
  std::vector<Row> rows;
};

std::vector<ImageSize> sizes_of(const image::Inventory& inventory) {
  std::map<std::string, uint64_t> bytes;
  for (const auto& layer : inventory.layers) bytes[layer.chain_id] = layer.bytes;
  for (const auto& blob : inventory.blobs) bytes[blob.digest] = blob.bytes;
  auto names_of = [](const image::StoredImage& image) {
    std::vector<std::string> names = image.blobs;
    names.insert(names.end(), image.record.layers.begin(), image.record.layers.end());
    std::ranges::sort(names);
    names.erase(std::unique(names.begin(), names.end()), names.end());  // clang 14: no subrange
    return names;
  };
  std::map<std::string, int> users;
  for (const auto& image : inventory.images) {
    for (const std::string& name : names_of(image)) ++users[name];
  }
  std::vector<ImageSize> sizes;
  for (const auto& image : inventory.images) {
    ImageSize size;
    for (const std::string& name : names_of(image)) {
      (users[name] > 1 ? size.shared : size.unique) += bytes[name];
    }
    sizes.push_back(size);
  }
  return sizes;
}

Result<TaskUse> use_of_task(const agent::InstancePaths& paths, const std::string& id) {
  TaskUse use;
  use.id = id;
  use.is_running =
      sys::exists(paths.task_lock(id)) && !sys::FileLock::try_acquire(paths.task_lock(id));
  auto names = sys::list_directory(paths.durable(id));
  if (!names) return use;  // it has just ended
  for (const std::string& name : *names) {
    uint64_t bytes = TRY(image::disk_bytes(paths.durable(id) + "/" + name));
    if (name == "logs" || name == agent::kEventsFile) {
      use.logs += bytes;
    } else if (name == "volumes") {
      use.volumes = bytes;
    } else if (name == agent::kEphemeralMount) {
      // In the shim's mount namespace what lies here is in the file that is counted beside it.
    } else {
      use.writable += bytes;
      ++use.containers;
    }
  }
  return use;
}

Result<std::vector<TaskUse>> use_of_tasks(const agent::Config& config) {
  agent::InstancePaths paths = agent::paths_of(config);
  std::vector<TaskUse> uses;
  if (!sys::exists(paths.durable_tasks())) return uses;
  for (const std::string& id : TRY(sys::list_directory(paths.durable_tasks()))) {
    uses.push_back(TRY(use_of_task(paths, id)));
  }
  return uses;
}

Result<std::vector<VolumeUse>> use_of_volumes(const agent::Config& config) {
  agent::VolumeStore store(config.root);
  std::vector<VolumeUse> uses;
  for (const agent::NamedVolume& volume : TRY(store.list())) {
    VolumeUse use;
    use.name = volume.name;
    use.in_use = TRY(store.is_in_use(volume.name));
    use.bytes = TRY(image::disk_bytes(store.content(volume)));
    uses.push_back(std::move(use));
  }
  return uses;
}

// Those that no task has are what `berth volume prune` would free: somebody's data, all the same.
Row row_of_volumes(const std::vector<VolumeUse>& volumes) {
  Row row{"named volumes", "namedVolumes"};
  row.total = volumes.size();
  for (const VolumeUse& volume : volumes) {
    row.in_use += volume.in_use ? 1 : 0;
    row.bytes += volume.bytes;
    row.reclaimable += volume.in_use ? 0 : volume.bytes;
  }
  return row;
}

// What `prune --all` would free, and of dead tasks what the next start sweeps.
std::vector<Row> rows_of(const image::Inventory& inventory, const std::vector<TaskUse>& tasks,
                         WallTime now) {
  Row images{"images", "images"};
  Row layers{"unpacked layers", "layers"};
  Row blobs{"compressed blobs", "blobs"};
  Row scratch{"work in progress", "scratch"};
  Row writable{"writable layers", "writableLayers"};
  Row volumes{"volumes of tasks", "volumes"};
  Row logs{"logs", "logs"};
  image::CollectionPolicy all{.all_unused = true};
  for (const image::Decision& each : image::plan_collection(inventory, all, now).decisions) {
    if (!each.goes) continue;
    if (each.kind == image::StoredKind::kLayer) layers.reclaimable += each.bytes;
    if (each.kind == image::StoredKind::kBlob) blobs.reclaimable += each.bytes;
  }
  for (const auto& image : inventory.images) images.in_use += image.in_use ? 1 : 0;
  for (const auto& layer : inventory.layers) {
    layers.bytes += layer.bytes;
    layers.in_use += layer.is_pinned ? 1 : 0;
  }
  for (const auto& blob : inventory.blobs) blobs.bytes += blob.bytes;
  images.total = inventory.images.size();
  layers.total = inventory.layers.size();
  blobs.total = inventory.blobs.size();
  images.bytes = layers.bytes + blobs.bytes;
  images.reclaimable = layers.reclaimable + blobs.reclaimable;
  scratch.bytes = inventory.scratch_bytes;
  auto add = [](Row& row, const TaskUse& task, size_t count, uint64_t bytes) {
    row.total += count;
    row.in_use += task.is_running ? count : 0;
    row.bytes += bytes;
    row.reclaimable += task.is_running ? 0 : bytes;
  };
  for (const TaskUse& task : tasks) {
    add(writable, task, task.containers, task.writable);
    add(volumes, task, task.volumes > 0 ? 1 : 0, task.volumes);
    add(logs, task, 1, task.logs);
  }
  return {images, layers, blobs, scratch, writable, volumes, logs};
}

std::string render_table(const Usage& usage) {
  std::string table = fmt::format("{:<18}  {:>6}  {:>6}  {:>10}  {:>11}\n", "TYPE", "TOTAL",
                                  "IN USE", "SIZE", "RECLAIMABLE");
  for (const Row& row : usage.rows) {
    table += fmt::format("{:<18}  {:>6}  {:>6}  {:>10}  {:>11}\n", row.type, row.total, row.in_use,
                         format_bytes(row.bytes), format_bytes(row.reclaimable));
  }
  return table;
}

std::string render_details(const Usage& usage) {
  std::string text = fmt::format("\n{:>10}  {:>10}  {:<20}  {:<6}  {}\n", "SHARED", "UNIQUE",
                                 "LAST USED", "IN USE", "IMAGE");
  for (size_t i = 0; i < usage.sizes.size(); ++i) {
    const image::StoredImage& image = usage.inventory.images[i];
    std::string used = format_rfc3339(image.last_used).substr(0, 19) + "Z";
    text += fmt::format("{:>10}  {:>10}  {:<20}  {:<6}  {}\n", format_bytes(usage.sizes[i].shared),
                        format_bytes(usage.sizes[i].unique), used, image.in_use ? "yes" : "no",
                        image.record.reference);
  }
  text += fmt::format("\n{:>10}  {:<6}  {}\n", "SIZE", "IN USE", "LAYER");
  for (const image::StoredLayer& layer : usage.inventory.layers) {
    text += fmt::format("{:>10}  {:<6}  {}\n", format_bytes(layer.bytes),
                        layer.is_pinned ? "yes" : "no", layer.chain_id);
  }
  text += fmt::format("\n{:>10}  {:>10}  {:>10}  {:<7}  {}\n", "WRITABLE", "VOLUMES", "LOGS",
                      "RUNNING", "TASK");
  for (const TaskUse& task : usage.tasks) {
    text += fmt::format("{:>10}  {:>10}  {:>10}  {:<7}  {}\n", format_bytes(task.writable),
                        format_bytes(task.volumes), format_bytes(task.logs),
                        task.is_running ? "yes" : "no", task.id);
  }
  text += fmt::format("\n{:>10}  {:<6}  {}\n", "SIZE", "IN USE", "VOLUME");
  for (const VolumeUse& volume : usage.volumes) {
    text += fmt::format("{:>10}  {:<6}  {}\n", format_bytes(volume.bytes),
                        volume.in_use ? "yes" : "no", volume.name);
  }
  return text;
}

std::string render_json(const Usage& usage, const DfOptions& options) {
  nlohmann::ordered_json out = nlohmann::ordered_json::object();
  for (const Row& row : usage.rows) {
    out[row.key] = {{"total", row.total},
                    {"inUse", row.in_use},
                    {"bytes", row.bytes},
                    {"reclaimableBytes", row.reclaimable}};
  }
  if (!options.verbose) return out.dump(2) + "\n";
  out["details"] = {{"images", nlohmann::json::array()},
                    {"layers", nlohmann::json::array()},
                    {"tasks", nlohmann::json::array()},
                    {"volumes", nlohmann::json::array()}};
  for (size_t i = 0; i < usage.sizes.size(); ++i) {
    const image::StoredImage& image = usage.inventory.images[i];
    out["details"]["images"].push_back({{"reference", image.record.reference},
                                        {"sharedBytes", usage.sizes[i].shared},
                                        {"uniqueBytes", usage.sizes[i].unique},
                                        {"lastUsed", format_rfc3339(image.last_used)},
                                        {"inUse", image.in_use}});
  }
  for (const image::StoredLayer& layer : usage.inventory.layers) {
    out["details"]["layers"].push_back(
        {{"chainId", layer.chain_id}, {"bytes", layer.bytes}, {"inUse", layer.is_pinned}});
  }
  for (const TaskUse& task : usage.tasks) {
    out["details"]["tasks"].push_back({{"id", task.id},
                                       {"running", task.is_running},
                                       {"writableBytes", task.writable},
                                       {"volumeBytes", task.volumes},
                                       {"logBytes", task.logs}});
  }
  for (const VolumeUse& volume : usage.volumes) {
    out["details"]["volumes"].push_back(
        {{"name", volume.name}, {"bytes", volume.bytes}, {"inUse", volume.in_use}});
  }
  return out.dump(2) + "\n";
}

Status show(const agent::Config& config, const DfOptions& options) {
  sys::SystemClock clock;
  image::Store store = TRY(image::Store::open(config.root));
  Usage usage;
  usage.inventory = TRY(image::take_inventory(store, image::Measure::kDisk));
  usage.sizes = sizes_of(usage.inventory);
  usage.tasks = TRY(use_of_tasks(config));
  usage.volumes = TRY(use_of_volumes(config));
  usage.rows = rows_of(usage.inventory, usage.tasks, clock.wall());
  usage.rows.push_back(row_of_volumes(usage.volumes));
  std::string text = options.json ? render_json(usage, options) : render_table(usage);
  if (!options.json && options.verbose) text += render_details(usage);
  std::fputs(text.c_str(), stdout);
  return {};
}

}  // namespace

int df_command(const agent::Config& config, const DfOptions& options) {
  return exit_code(show(config, options));
}

}  // namespace berth::tools
