#include "tools/volume_commands.h"

#include "agent/volume_store.h"
#include "base/text.h"
#include "image/inventory.h"
#include "sys/clock.h"
#include "tools/commands.h"
#include "tools/table.h"

#include <nlohmann/json.hpp>

#include <cstdio>

namespace berth::tools {
namespace {

using VolumeJson = nlohmann::ordered_json;

// "K=V"; a label may be a name alone, as Docker's.
Result<std::map<std::string, std::string>> pairs_of(const std::vector<std::string>& texts,
                                                    const char* option, bool name_alone) {
  std::map<std::string, std::string> pairs;
  for (const std::string& text : texts) {
    size_t equals = text.find('=');
    bool is_pair = equals != std::string::npos && equals > 0;
    if (!is_pair && (!name_alone || equals == 0)) {
      return fail(Errc::kInvalid, "{} {}: write NAME=VALUE", option, printable(text, 100));
    }
    pairs[text.substr(0, equals)] = is_pair ? text.substr(equals + 1) : "";
  }
  return pairs;
}

Status create_volume(const agent::Config& config, const CreateVolumeOptions& options) {
  sys::SystemClock clock;
  agent::NamedVolume volume;
  volume.name = options.name;
  volume.created_at = format_rfc3339(clock.wall());
  volume.driver_opts = TRY(pairs_of(options.driver_opts, "--opt", false));
  volume.labels = TRY(pairs_of(options.labels, "--label", true));
  TRY(agent::VolumeStore(config.root).create(volume));
  std::printf("%s\n", volume.name.c_str());
  return {};
}

struct ShownVolume {
  agent::NamedVolume volume;
  bool in_use = false;
  uint64_t bytes = 0;
};

Result<ShownVolume> look_at(const agent::VolumeStore& store, agent::NamedVolume volume) {
  ShownVolume shown;
  shown.in_use = TRY(store.is_in_use(volume.name));
  shown.bytes = TRY(image::disk_bytes(store.content(volume)));
  shown.volume = std::move(volume);
  return shown;
}

VolumeJson json_of(const agent::VolumeStore& store, const ShownVolume& shown) {
  VolumeJson json = {{"Name", shown.volume.name},
                     {"Driver", "local"},
                     {"Scope", "local"},
                     {"Mountpoint", store.content(shown.volume)},
                     {"CreatedAt", shown.volume.created_at},
                     {"Options", shown.volume.driver_opts},
                     {"Labels", shown.volume.labels},
                     {"InUse", shown.in_use},
                     {"Bytes", shown.bytes}};
  if (shown.volume.image) {
    json["FileSystem"] = shown.volume.image->file_system;
    json["SizeInGiB"] = shown.volume.image->size_gib;
  }
  return json;
}

void print_volumes(const VolumeJson& list) {
  std::string text = list.dump(2, ' ', false, VolumeJson::error_handler_t::replace);
  std::printf("%s\n", text.c_str());
}

Status list_volumes(const agent::Config& config, const ListVolumesOptions& options) {
  agent::VolumeStore store(config.root);
  VolumeJson list = VolumeJson::array();
  Table table({"VOLUME", "IN USE", "SIZE", "CREATED"});
  for (agent::NamedVolume& volume : TRY(store.list())) {
    if (options.quiet) {
      std::printf("%s\n", volume.name.c_str());
      continue;
    }
    ShownVolume shown = TRY(look_at(store, std::move(volume)));
    list.push_back(json_of(store, shown));
    table.add({shown.volume.name, shown.in_use ? "yes" : "no", format_bytes(shown.bytes),
               shown.volume.created_at});
  }
  if (options.quiet) return {};
  if (options.json) {
    print_volumes(list);
  } else {
    std::fputs(table.render().c_str(), stdout);
  }
  return {};
}

Status inspect_volumes(const agent::Config& config, const std::vector<std::string>& names) {
  agent::VolumeStore store(config.root);
  VolumeJson list = VolumeJson::array();
  for (const std::string& name : names) {
    agent::NamedVolume volume = TRY(store.get(name));
    list.push_back(json_of(store, TRY(look_at(store, std::move(volume)))));
  }
  print_volumes(list);
  return {};
}

Status remove_volumes(const agent::Config& config, const std::vector<std::string>& names) {
  agent::VolumeStore store(config.root);
  for (const std::string& name : names) TRY(store.get(name));
  for (const std::string& name : names) {
    TRY(store.remove(name));
    std::printf("%s\n", name.c_str());
  }
  return {};
}

Status prune_volumes(const agent::Config& config) {
  agent::VolumeStore store(config.root);
  for (const agent::NamedVolume& volume : TRY(store.list())) {
    auto removed = store.remove(volume.name);
    if (removed) {
      std::printf("%s\n", volume.name.c_str());
      continue;
    }
    bool stays = removed.error().code == Errc::kUnavailable;  // a task has it
    bool is_gone = removed.error().code == Errc::kNotFound;   // somebody else removed it
    if (!stays && !is_gone) return removed;
  }
  return {};
}

}  // namespace

int create_volume_command(const agent::Config& config, const CreateVolumeOptions& options) {
  return exit_code(create_volume(config, options));
}

int list_volumes_command(const agent::Config& config, const ListVolumesOptions& options) {
  return exit_code(list_volumes(config, options));
}

int inspect_volumes_command(const agent::Config& config, const std::vector<std::string>& names) {
  return exit_code(inspect_volumes(config, names));
}

int remove_volumes_command(const agent::Config& config, const std::vector<std::string>& names) {
  return exit_code(remove_volumes(config, names));
}

int prune_volumes_command(const agent::Config& config) {
  return exit_code(prune_volumes(config));
}

}  // namespace berth::tools
