#include "agent/explain.h"

#include "agent/ephemeral_storage.h"
#include "agent/managed_volume.h"
#include "agent/paths.h"
#include "agent/task_files.h"
#include "agent/task_network.h"
#include "base/ids.h"
#include "base/text.h"
#include "netns/explain.h"
#include "netns/sweep.h"
#include "runtime/explain.h"
#include "runtime/plan.h"
#include "scheduler/core.h"
#include "sys/cgroup.h"
#include "sys/file.h"
#include "sys/mount.h"

#include <algorithm>
#include <array>

namespace berth::agent {
namespace {

constexpr size_t kSeenFileMax = 4 * 1024 * 1024;

// ---- a start that is not carried out ----

struct Replacement {
  std::string from;
  std::string to;
};

std::string replace_all(std::string text, const Replacement& what) {
  for (size_t at = text.find(what.from); at != std::string::npos;
       at = text.find(what.from, at + what.to.size())) {
    text.replace(at, what.from.size(), what.to);
  }
  return text;
}

// The directory of the rehearsal, and what is said in its place.
class Rehearsal {
 public:
  static Result<Rehearsal> make(const Config& config) {
    std::string parent = sys::is_mount_point("/dev/shm").value_or(false) ? "/dev/shm" : "/tmp";
    return Rehearsal(TRY(sys::TemporaryDirectory::make(parent, "berth-explain-")), config);
  }

  const Config& config() const { return config_; }

  Result<std::string> read(const std::string& path) const {
    std::string text = TRY(sys::read_file(path, runtime::kTaskPlanMax));
    for (const Replacement& each : replacements_) text = replace_all(std::move(text), each);
    return text;
  }

 private:
  Rehearsal(sys::TemporaryDirectory directory, const Config& config)
      : directory_(std::move(directory)), config_(config) {
    config_.root = directory_.path() + "/root";
    config_.run = directory_.path() + "/run";
    replacements_ = {{config_.root, config.root},
                     {config_.run, config.run},
                     {cgroup_of(instance_of(config_.run)), cgroup_of(instance_of(config.run))}};
  }

  sys::TemporaryDirectory directory_;
  Config config_;
  std::vector<Replacement> replacements_;
};

Result<scheduler::Task> make_task(Env env, const scheduler::TaskDefinition& definition) {
  scheduler::MemoryStore store;
  scheduler::Core core(store, env.rng);
  std::string id = make_task_id(env.rng);
  core.submit(scheduler::RunTaskRequested{id, definition});
  TRY(core.step(env.clock.wall()));
  return *core.find_task(id);
}

std::map<std::string, image::Image*> images_by_container(
    const scheduler::TaskDefinition& definition, std::map<std::string, image::Image>& images) {
  std::map<std::string, image::Image*> chosen;
  for (const scheduler::ContainerDefinition& container : definition.container_definitions) {
    chosen[container.name] = &images.at(container.image);
  }
  return chosen;
}

// ---- fields ----

struct FieldsOf {
  std::string_view asked_by;  // the beginning of it
  std::array<std::string_view, 3> fields;
};
// The first that matches counts.
constexpr std::array<FieldsOf, 58> kFields{{
    {"mounts[/dev/shm]", {"linuxParameters.sharedMemorySize"}},
    {"mounts[/etc/hosts]", {"extraHosts", "links"}},
    {"mounts[/etc/resolv.conf]", {"dnsServers", "dnsSearchDomains"}},
    {"mounts[/etc/hostname]", {"hostname"}},
    {"mounts[/proc]", {}},
    {"mounts[/proc/", {}},
    {"mounts[/sys]", {}},
    {"mounts[/sys/", {}},
    {"mounts[/dev]", {}},
    {"mounts[/dev/pts]", {}},
    {"mounts[/dev/mqueue]", {"/ipcMode"}},
    {"mounts[/dev/init]", {"linuxParameters.initProcessEnabled"}},
    {"mounts[/dev/", {"linuxParameters.devices"}},
    {"mounts[/var/run]", {"firelensConfiguration", "mountPoints", "volumesFrom"}},
    {"mounts[/fluent", {"firelensConfiguration", "mountPoints", "volumesFrom"}},
    {"mounts[", {"mountPoints", "volumesFrom", "linuxParameters.tmpfs"}},
    {"linux.namespaces[pid]", {"/pidMode"}},
    {"linux.namespaces[ipc]", {"/ipcMode"}},
    {"linux.namespaces[network]", {"/networkMode", "disableNetworking"}},
    {"linux.resources.memory.limit", {"memory", "/memory"}},
    {"linux.resources.memory.reservation", {"memoryReservation"}},
    {"linux.resources.memory.swap", {"linuxParameters.maxSwap"}},
    {"linux.resources.memory.swappiness", {"linuxParameters.swappiness"}},
    {"linux.resources.cpu", {"cpu"}},
    {"linux.resources.devices", {"linuxParameters.devices", "privileged"}},
    {"linux.devices", {"linuxParameters.devices"}},
    {"linux.sysctl", {"systemControls"}},
    {"linux.seccomp", {"privileged"}},
    {"linux.maskedPaths", {"privileged"}},
    {"linux.readonlyPaths", {"privileged"}},
    {"root.readonly", {"readonlyRootFilesystem"}},
    {"hostname", {"hostname"}},
    {"process.args", {"entryPoint", "command", "workingDirectory"}},
    {"process.user", {"user"}},
    {"process.capabilities", {"linuxParameters.capabilities", "privileged"}},
    {"process.rlimits", {"ulimits"}},
    {"process.noNewPrivileges", {"dockerSecurityOptions"}},
    {"limits.memory", {"/memory"}},
    {"limits.cpu.shares", {"cpu"}},
    {"limits.cpu", {"/cpu"}},
    {"stop", {"stopTimeout", "essential"}},
    {"restart", {"restartPolicy"}},
    {"networkMode", {"/networkMode"}},
    {"networks", {"/networkMode"}},
    {"names", {"/family", "/networkMode"}},
    {"portMappings", {"portMappings"}},
    {"proxyConfiguration", {"/proxyConfiguration"}},
    {"pidNamespace", {"/pidMode"}},
    {"ipcNamespace", {"/ipcMode"}},
    {"sharedMemory", {"/ipcMode", "linuxParameters.sharedMemorySize"}},
    {"volumes", {"/volumes"}},
    {"ephemeralStorage", {"/ephemeralStorage"}},
    {"fills", {"mountPoints", "/volumes"}},
    {"dependsOn", {"dependsOn", "startTimeout", "links"}},
    {"console", {"interactive", "pseudoTerminal"}},
    {"healthCheck", {"healthCheck"}},
    {"log", {"logConfiguration"}},
    {"image", {"image", "versionConsistency"}},
}};
// ---- looks ----

bool has_word(const std::string& token, const std::string& word) {
  if (token == word) return true;
  std::vector<std::string> pieces = split(token, ',');
  return std::ranges::find(pieces, word) != pieces.end();
}

bool has_words(std::string line, const std::vector<std::string>& words) {
  std::ranges::replace(line, '\t', ' ');
  auto wanted = words.begin();
  for (const std::string& token : split(line, ' ')) {
    if (wanted != words.end() && has_word(token, *wanted)) ++wanted;
  }
  return wanted == words.end();
}

std::string file_of(const Look& look, const std::string& process) {
  return replace_all(look.file, {fmt::format("/{}/", kPid), fmt::format("/{}/", process)});
}

}  // namespace

Result<Blueprint> rehearse(const Config& config, Env env,
                           const scheduler::TaskDefinition& definition,
                           std::map<std::string, image::Image>& images, bool user_ids) {
  Rehearsal rehearsal = TRY(Rehearsal::make(config));
  scheduler::Task task = TRY(make_task(env, definition));
  InstancePaths paths = paths_of(rehearsal.config());
  TRY(sys::make_directories(paths.task(task.id).directory, 0711));
  Blueprint blueprint;
  blueprint.bridge = TRY(bridge_plan_of(config));
  TaskFilesRequest request{.config = rehearsal.config(), .task = task};
  request.lease = TRY(
      TRY(TaskNetwork::make(rehearsal.config())).lease(task, user_ids, {}, Leasing::kRehearsed));
  request.images = images_by_container(definition, images);
  std::optional<IdRange> ids;
  if (request.lease.uid_start) ids = IdRange{*request.lease.uid_start, netns::kUidRange};
  PlacedVolumes volumes = TRY(place_volumes(
      {.config = config, .task = task, .ids = ids, .placing = Placing::kRehearsed}, env));
  request.volumes = &volumes;
  // Names that nobody will ask by.
  request.endpoint_ids = make_endpoint_ids(task, env.rng);
  request.endpoint_command = {"berth", "system", "endpoint", task.id};
  blueprint.endpoints = netns::endpoints_of(blueprint.bridge, request.lease);
  auto written = write_task_files(request);
  if (!written)
    return wrap(std::move(written.error().error), "container {}", written.error().container);
  runtime::TaskPaths directory = paths.task(task.id);
  blueprint.plan =
      TRY(runtime::parse_task_plan(TRY(rehearsal.read(directory.plan())), "task.json"));
  for (const runtime::ContainerPlan& container : blueprint.plan.containers) {
    std::string text = TRY(rehearsal.read(directory.bundle(container.name) + "/config.json"));
    blueprint.specs[container.name] = TRY(runtime::parse_spec(text));
  }
  return blueprint;
}

Result<Blueprint> blueprint_of(const Config& config, const ListedTask& task) {
  if (!task.plan) {
    return fail(Errc::kUnavailable, "task {} is {}: it has no plan to be explained", task.info.id,
                name_of(task.state));
  }
  Blueprint blueprint;
  blueprint.plan = *task.plan;
  blueprint.bridge = TRY(bridge_plan_of(config));
  for (const runtime::ContainerPlan& container : blueprint.plan.containers) {
    std::string text = TRY(sys::read_file(container.bundle + "/config.json", runtime::kConfigMax));
    blueprint.specs[container.name] = TRY(runtime::parse_spec(text));
  }
  netns::LeaseStore store = TRY(netns::LeaseStore::open(config.root, blueprint.bridge));
  for (const netns::Lease& lease : TRY(store.list())) {
    if (lease.task_id == task.info.id)
      blueprint.endpoints = netns::endpoints_of(blueprint.bridge, lease);
  }
  return blueprint;
}

Result<std::vector<Chapter>> explain(const Blueprint& blueprint) {
  sys::Cgroups cgroups = TRY(sys::Cgroups::detect());
  std::vector<Chapter> chapters;
  if (blueprint.plan.ephemeral_storage) {
    chapters.push_back({.process = "berth",
                        .container = "",
                        .steps = {explain_image(*blueprint.plan.ephemeral_storage)}});
  }
  for (const runtime::VolumePlan& volume : blueprint.plan.volumes) {
    if (!volume.loop) continue;
    chapters.push_back(
        {.process = "berth", .container = "", .steps = {explain_managed_image(volume.source)}});
  }
  if (!blueprint.endpoints.empty()) {
    chapters.push_back(
        {.process = "berth", .container = "", .steps = netns::explain_bridge(blueprint.bridge)});
  }
  chapters.push_back({.process = "berth-shim",
                      .container = "",
                      .steps = runtime::explain_task(blueprint.plan, cgroups)});
  bool shared = std::ranges::any_of(blueprint.plan.networks, &runtime::NamespacePlan::shared);
  for (const netns::Endpoint& endpoint : blueprint.endpoints) {
    chapters.push_back({.process = "berth",
                        .container = shared ? "" : endpoint.container,
                        .steps = netns::explain_endpoint(blueprint.bridge, endpoint)});
  }
  for (const runtime::ContainerPlan& container : blueprint.plan.containers) {
    const runtime::Spec& spec = blueprint.specs.at(container.name);
    runtime::Plan plan =
        TRY(runtime::make_plan(spec, {.cgroups = cgroups, .cgroup_path = spec.cgroups_path}));
    chapters.push_back({.process = "berth-oci",
                        .container = container.name,
                        .steps = runtime::explain_creation(container, spec, plan, cgroups)});
    chapters.push_back({.process = "init",
                        .container = container.name,
                        .steps = runtime::explain_init(spec, plan)});
    chapters.push_back({.process = "berth-shim",
                        .container = container.name,
                        .steps = runtime::explain_supervision(container)});
  }
  return chapters;
}

std::vector<std::string> fields_of(const Step& step) {
  auto matches = [&](const FieldsOf& entry) { return step.asked_by.starts_with(entry.asked_by); };
  auto found = std::ranges::find_if(kFields, matches);
  std::vector<std::string> fields;
  if (found == kFields.end()) return fields;
  for (std::string_view field : found->fields) {
    if (!field.empty()) fields.emplace_back(field);
  }
  return fields;
}

bool is_seen(const Look& look, pid_t pid) {
  std::string file = file_of(look, std::to_string(pid));
  if (look.own_namespace) {
    auto its = sys::read_link(file);
    auto ours = sys::read_link(file_of(look, "self"));
    return its && ours && *its != *ours;
  }
  auto text = sys::read_file(file, kSeenFileMax);
  if (!text) return false;
  std::vector<std::string> lines = split(*text, '\n');
  return std::ranges::any_of(lines,
                             [&](const std::string& line) { return has_words(line, look.words); });
}

}  // namespace berth::agent
