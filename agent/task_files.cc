#include "agent/task_files.h"

#include "agent/container_settings.h"
#include "agent/firelens.h"
#include "agent/log_plan.h"
#include "agent/paths.h"
#include "agent/task_names.h"
#include "agent/task_network.h"
#include "base/text.h"
#include "netns/files.h"
#include "resolver/arguments.h"
#include "runtime/layer_files.h"
#include "runtime/seccomp_profile.h"
#include "sys/cgroup.h"
#include "sys/credentials.h"
#include "sys/file.h"
#include "sys/mount.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>

namespace berth::agent {
namespace {

using scheduler::ContainerDefinition;
using scheduler::IpcMode;
using scheduler::NetworkMode;
using scheduler::PidMode;
using scheduler::TaskDefinition;

constexpr size_t kAccountFileMax = 1024 * 1024;
constexpr uint32_t kCpuUnits = 1024;  // of one CPU
constexpr uint32_t kMillisecondsPerSecond = 1000;
constexpr int64_t kQuotaPeriodUs = 100000;
constexpr size_t kShortId = 12;  // of Docker's default host names

class Writer {
 public:
  explicit Writer(const TaskFilesRequest& request)
      : request_(request),
        task_(request.task),
        definition_(request.task.definition),
        paths_(paths_of(request.config)),
        directory_(paths_.task(request.task.id)) {
    place_.cgroup = cgroup_of(instance_of(request.config.run)) + "/" + task_.id;
    if (request.lease.uid_start) {
      place_.ids = IdRange{*request.lease.uid_start, netns::kUidRange};
      place_.user_namespace = directory_.namespaces() + "/user";
    }
    if (definition_.pid_mode == PidMode::kTask) {
      place_.pid_namespace = directory_.namespaces() + "/pid";
    }
    if (definition_.ipc_mode == IpcMode::kTask) {
      place_.ipc_namespace = directory_.namespaces() + "/ipc";
      place_.shared_memory = directory_.namespaces() + "/shm";
    }
    place_.volumes = request.volumes->by_name;
    place_.host_has_mqueue = sys::is_mount_point("/dev/mqueue").value_or(false);
  }

  tl::expected<runtime::TaskPlan, ContainerError> write() {
    auto of_task = [](Status status) -> tl::expected<void, ContainerError> {
      if (!status) return tl::unexpected(ContainerError{"", std::move(status).error()});
      return {};
    };
    auto planned = task_plan();
    if (!planned) {
      return tl::unexpected(ContainerError{"", std::move(planned).error()});
    }
    runtime::TaskPlan plan = *std::move(planned);
    for (const ContainerDefinition& container : definition_.container_definitions) {
      auto written = write_container(container);
      if (!written) {
        return tl::unexpected(ContainerError{container.name, std::move(written).error()});
      }
      plan.containers.push_back(std::move(*written));
    }
    if (auto made = of_task(write_endpoint()); !made) return tl::unexpected(made.error());
    auto wrote =
        of_task(sys::write_replace(directory_.plan(), runtime::render_task_plan(plan), 0600));
    if (!wrote) return tl::unexpected(wrote.error());
    return plan;
  }

 private:
  // ---- the task ----

  Result<runtime::TaskPlan> task_plan() const {
    runtime::TaskPlan plan;
    plan.task_id = task_.id;
    plan.directory = directory_.directory;
    plan.oci_runtime = request_.config.oci_runtime;
    plan.oci_root = paths_.oci();
    plan.foreground = request_.foreground;
    if (place_.ids) plan.ids = runtime::IdRangePlan{place_.ids->first, place_.ids->size};
    plan.user_namespace = place_.user_namespace;
    plan.networks = networks();
    plan.pid_namespace = place_.pid_namespace;
    plan.ipc_namespace = place_.ipc_namespace;
    if (definition_.ipc_mode == IpcMode::kTask) plan.shared_memory = shared_memory();
    plan.endpoint =
        runtime::EndpointPlan{.command = request_.endpoint_command,
                              .host_listener = request_.endpoint_ids.host_port.has_value()};
    plan.ephemeral_storage = request_.volumes->storage;
    TRY(add_resolver(plan));
    plan.volumes = request_.volumes->mounts;
    plan.cgroup = place_.cgroup;
    plan.limits = limits();
    return plan;
  }

  // Who has an address has a resolver and names; containers without a network shall not talk to the
  // world by their questions.
  Status add_resolver(runtime::TaskPlan& plan) const {
    if (request_.lease.endpoints.empty()) return {};
    const Config& config = request_.config;
    resolver::Settings settings;
    settings.names = paths_.names();
    settings.domain = TRY(dns::Name::parse(config.dns.domain));
    settings.subnet = TRY(parse_ipv4_net(config.subnet));
    settings.servers = config.dns.servers;
    settings.ipv6 = has_ipv6();
    plan.resolver = runtime::ResolverPlan{.command = {config.resolver}, .ipv6 = settings.ipv6};
    for (std::string& argument : resolver::render_settings(settings)) {
      plan.resolver->command.push_back(std::move(argument));
    }
    std::vector<netns::Endpoint> networks =
        TRY(TaskNetwork::make(config)).addressed(request_.lease);
    TaskNameFacts facts{task_, networks, config.dns.domain, config.region};
    plan.names = runtime::NamesPlan{paths_.names(), names_of_task(facts)};
    return {};
  }

  bool has_ipv6() const { return !request_.config.subnet6.empty(); }

  bool has_resolver(const ContainerDefinition& container) const {
    return address_of(container).has_value();
  }

  runtime::SharedMemoryPlan shared_memory() const {
    uint64_t size = 0;
    for (const ContainerDefinition& container : definition_.container_definitions) {
      auto mib = container.linux_parameters.shared_memory_size_mib;
      if (mib) size = std::max(size, uint64_t{*mib} << 20);
    }
    return {place_.shared_memory, size == 0 ? kSharedMemoryBytes : size};
  }

  runtime::TaskLimits limits() const {
    runtime::TaskLimits limits;
    limits.pids = static_cast<int64_t>(request_.config.task_pids_limit);
    if (definition_.memory_mib) limits.memory_bytes = int64_t{*definition_.memory_mib} << 20;
    if (definition_.cpu) {
      limits.cpu_quota_us = int64_t{*definition_.cpu} * kQuotaPeriodUs / kCpuUnits;
    }
    uint64_t shares = 0;
    for (const ContainerDefinition& container : definition_.container_definitions) {
      shares += std::max<uint64_t>(container.cpu, 2);
    }
    limits.cpu_shares = std::min<uint64_t>(shares, 262144);
    return limits;
  }

  std::vector<runtime::NamespacePlan> networks() const {
    if (shares_network()) {
      return {{"task", network_path("task"), /*shared=*/true, /*resolver=*/true}};
    }
    std::vector<runtime::NamespacePlan> networks;
    for (const ContainerDefinition& container : definition_.container_definitions) {
      if (has_hosts_network(container)) continue;
      networks.push_back({container.name, network_path(container.name), /*shared=*/false,
                          has_resolver(container)});
    }
    return networks;
  }

  bool shares_network() const { return definition_.network_mode == NetworkMode::kAwsvpc; }

  bool has_hosts_network(const ContainerDefinition& container) const {
    return definition_.network_mode == NetworkMode::kHost && !container.disable_networking;
  }

  std::string network_path(const std::string& name) const {
    return directory_.namespaces() + "/net-" + name;
  }

  // For root alone: its ids are secrets of the containers.
  Status write_endpoint() const {
    EndpointFacts facts{.task = task_, .ids = request_.endpoint_ids};
    facts.region = request_.config.region;
    facts.account = request_.config.account_id;
    facts.pull_started_at = request_.pull_started_at;
    facts.pull_stopped_at = request_.pull_stopped_at;
    for (const auto& [name, volume] : place_.volumes) facts.volumes[name] = volume.directory;
    std::vector<netns::Endpoint> networks =
        TRY(TaskNetwork::make(request_.config)).addressed(request_.lease);
    for (const ContainerDefinition& container : definition_.container_definitions) {
      const std::string& name = container.name;
      facts.digests[name] = request_.images.at(name)->manifest_digest;
      for (const netns::Endpoint& network : networks) {
        if (shares_network() || network.container == name) {
          facts.networks.emplace(name, network);
        }
      }
      for (const netns::LeasedEndpoint& leased : request_.lease.endpoints) {
        if (leased.container == name) facts.ports[name] = leased.ports;
      }
    }
    if (request_.volumes->storage) facts.ephemeral_storage = request_.volumes->storage->path;
    netns::Resolver resolver = resolver_of(definition_.container_definitions.front());
    facts.name_servers = resolver.nameservers;
    facts.search_domains = resolver.search;
    facts.subnet6 = TRY(bridge_plan_of(request_.config)).subnet6;
    return sys::write_replace(directory_.endpoint(), render_endpoint_document(facts), 0600);
  }

  // ---- a container ----

  Result<runtime::ContainerPlan> write_container(const ContainerDefinition& container) {
    const image::Image& image = *request_.images.at(container.name);
    TRY(check_owners(image));
    Account account = TRY(find_account(container, image));
    ContainerPlace place = TRY(make_place(container));
    if (container.firelens) TRY(set_up_router(container, account, place));
    if (scheduler::uses_firelens(container)) {
      for (std::string& variable : router_address()) {
        place.log_variables.push_back(std::move(variable));
      }
    }
    ContainerSettings settings =
        TRY(decide_settings(definition_, container, image.config, account, place_, place));
    settings.seccomp = TRY(seccomp_of(settings));
    // v2 has no swappiness by group, and the runtime refuses what it cannot honour; in a task
    // definition it is documented to be without effect there.
    if (settings.swappiness && TRY(sys::Cgroups::detect()).is_unified()) {
      settings.swappiness.reset();
    }
    std::string bundle = directory_.bundle(container.name);
    TRY(sys::write_replace(bundle + "/config.json", TRY(render_oci_config(settings)), 0600));

    runtime::ContainerPlan plan;
    plan.name = container.name;
    plan.id = task_.id + "-" + container.name;
    plan.bundle = bundle;
    std::string written = directory_of_writes(container.name);
    plan.rootfs = {.layers = image.layer_trees,
                   .upper = written + "/upper",
                   .work = written + "/work",
                   .target = place.rootfs};
    plan.fills = fills_of(container);
    plan.cgroup = settings.cgroup;
    plan.log = TRY(log_plan_of(container, logged_container(container, image, settings),
                               log_path_of(paths_, task_, container)));
    plan.exit_file = bundle + "/exit.json";
    plan.restarts_file = bundle + "/restarts.json";
    plan.essential = container.essential;
    plan.depends_on = dependencies_of(definition_, container);
    plan.create_early = plan.depends_on.empty() && container.system_controls.empty();
    if (container.restart_policy) plan.restart = restart_of(*container.restart_policy);
    if (container.health_check) plan.health_check = health_check_of(*container.health_check);
    auto pre_stop = task_.request.pre_stop.find(container.name);
    if (pre_stop != task_.request.pre_stop.end()) plan.pre_stop = pre_stop->second;
    plan.start_timeout_seconds = container.start_timeout_seconds;
    plan.stop_timeout_seconds =
        container.stop_timeout_seconds.value_or(scheduler::kStopTimeoutSeconds);
    if (container.pseudo_terminal) plan.console_socket = directory_.console();
    plan.open_input = container.interactive;
    plan.own_pids = definition_.pid_mode == PidMode::kPrivate;
    plan.stop_signal = TRY(parse_signal(image.config.stop_signal));
    return plan;
  }

  // Its writable layer.
  std::string directory_of_writes(const std::string& container) const {
    const auto& storage = request_.volumes->storage;
    if (storage) return storage->path + "/containers/" + container;
    return paths_.durable(task_.id) + "/" + container;
  }

  std::vector<runtime::FillPlan> fills_of(const ContainerDefinition& container) const {
    std::vector<runtime::FillPlan> fills;
    for (const scheduler::MountPoint& point : effective_mount_points(definition_, container)) {
      const PlacedVolume& volume = place_.volumes.at(point.source_volume);
      if (!volume.is_filled) continue;
      fills.push_back({volume.directory, point.container_path, volume.fill_lock});
    }
    return fills;
  }

  LoggedContainer logged_container(const ContainerDefinition& container, const image::Image& image,
                                   const ContainerSettings& settings) const {
    LoggedContainer logged;
    logged.id = container_id_of(container);
    logged.name = task_.id + "-" + container.name;
    logged.image_name = container.image;
    logged.image_digest = image.manifest_digest;
    logged.environment = settings.env;
    logged.command = settings.args;
    logged.created = task_.created_at;
    logged.router_socket = directory_.router_sockets() + "/" + kRouterSocketName;
    logged.router_tag = firelens_tag(container.name, task_.id);
    auto fetched = request_.environments.find(container.name);
    if (fetched != request_.environments.end()) {
      logged.secret_options = fetched->second.secret_options;
    }
    logged.host_name = trim(sys::read_file("/proc/sys/kernel/hostname", 256).value_or(""));
    return logged;
  }

  static runtime::RestartPlan restart_of(const scheduler::RestartPolicy& policy) {
    runtime::RestartPlan restart;
    restart.attempt_period_ms = policy.restart_attempt_period_seconds * kMillisecondsPerSecond;
    for (int32_t code : policy.ignored_exit_codes) {
      if (code >= 0) restart.ignored_exit_codes.push_back(code);  // no process ends with another
    }
    return restart;
  }

  static runtime::HealthCheckPlan health_check_of(const scheduler::HealthCheck& check) {
    return {.args = scheduler::args_of(check),
            .interval_ms = check.interval_seconds * kMillisecondsPerSecond,
            .timeout_ms = check.timeout_seconds * kMillisecondsPerSecond,
            .retries = check.retries,
            .start_period_ms = check.start_period_seconds * kMillisecondsPerSecond};
  }

  static std::vector<runtime::ContainerDependency> dependencies_of(
      const TaskDefinition& task, const ContainerDefinition& container) {
    std::vector<runtime::ContainerDependency> dependencies;
    for (const scheduler::Dependency& dependency : container.depends_on) {
      auto condition = runtime::DependencyCondition::kStart;
      switch (dependency.condition) {
        case scheduler::Condition::kStart:
          break;
        case scheduler::Condition::kComplete:
          condition = runtime::DependencyCondition::kComplete;
          break;
        case scheduler::Condition::kSuccess:
          condition = runtime::DependencyCondition::kSuccess;
          break;
        case scheduler::Condition::kHealthy:
          condition = runtime::DependencyCondition::kHealthy;
          break;
      }
      dependencies.push_back({dependency.container_name, condition});
    }
    // As ECS: what is linked to has started.
    for (const scheduler::Link& link : container.links) {
      dependencies.push_back({link.container_name, runtime::DependencyCondition::kStart});
    }
    // Likewise the router of its logs, which so stops after all that it takes them from.
    if (scheduler::waits_for_router(task, container)) {
      dependencies.push_back(
          {scheduler::firelens_router_of(task)->name, runtime::DependencyCondition::kStart});
    }
    return dependencies;
  }

  // ---- the log router ----

  // Its configuration may have what only it should know: no one else of the host can read it.
  Status set_up_router(const ContainerDefinition& container, const Account& account,
                       ContainerPlace& place) {
    uint32_t first = place_.ids ? place_.ids->first : 0;
    std::string config = directory_.router_config();
    std::string sockets = directory_.router_sockets();
    TRY(sys::make_directories(config, 0711));
    TRY(sys::make_directories(sockets, 0755));
    TRY(sys::chmod(config, 0700));
    TRY(sys::chown(config, first, first));
    // The router makes its socket there, as whoever it runs.
    TRY(sys::chown(sockets, first + account.uid, first + account.gid));
    place.router_places.push_back({sockets, kRouterSocketDirectory, false, false});

    TaskNames names = task_names_of(task_, request_.config.region, request_.config.account_id);
    FirelensConfig firelens =
        firelens_config_of(definition_, {names.cluster, names.task_arn, names.task_definition});
    std::string file = config + "/fluent.conf";
    TRY(write_for_container(file, render_firelens_config(firelens)));
    scheduler::FirelensType type = container.firelens->type;
    place.router_files.push_back({file, router_config_target(type), true, false});
    if (scheduler::router_options_of(*container.firelens).external ==
        scheduler::ExternalConfig::kS3) {
      std::string external = config + "/external.conf";
      TRY(write_for_container(external, place.environment.router_config));
      place.router_files.push_back({external, router_external_target(type), true, false});
    }
    place.log_variables = router_variables(type);
    return {};
  }

  // What stands in its configuration by name alone.
  std::vector<std::string> router_variables(scheduler::FirelensType type) const {
    std::vector<std::string> variables;
    // As the agent: fluentd's image drops to another user otherwise, who cannot make the socket.
    if (type == scheduler::FirelensType::kFluentd) variables.emplace_back("FLUENT_UID=0");
    for (size_t i = 0; i < definition_.container_definitions.size(); ++i) {
      const ContainerDefinition& container = definition_.container_definitions[i];
      auto fetched = request_.environments.find(container.name);
      bool has_options =
          scheduler::uses_firelens(container) && fetched != request_.environments.end();
      if (!has_options) continue;
      for (const auto& [option, value] : fetched->second.secret_options) {
        variables.push_back(firelens_variable(option, i) + "=" + value.reveal());
      }
    }
    return variables;
  }

  // For programs that speak to the router themselves.
  std::vector<std::string> router_address() const {
    std::string host;
    if (shares_network()) host = "127.0.0.1";
    if (definition_.network_mode == NetworkMode::kBridge) {
      auto address = address_of(*scheduler::firelens_router_of(definition_));
      if (address) host = to_string(*address);
    }
    if (host.empty()) return {};
    return {"FLUENT_HOST=" + host, std::string("FLUENT_PORT=") + kRouterPort};
  }

  // What belongs to an id that the task has not belongs to nobody in it: not even its root could
  // read it.
  Status check_owners(const image::Image& image) const {
    if (!place_.ids) return {};
    TRY(check_owner(image, "user", image.owner.uid));
    return check_owner(image, "group", image.owner.gid);
  }

  Status check_owner(const image::Image& image, std::string_view kind,
                     const image::HighestId& highest) const {
    if (highest.id < place_.ids->size) return {};
    return fail(Errc::kInvalid,
                "image {}: \"{}\" belongs to {} {}, outside of the {} ids of a task; "
                "--userns=host does without",
                image.reference, highest.path, kind, highest.id, place_.ids->size);
  }

  // Its etc/passwd and etc/group; read once for all containers of an image.
  Result<const std::vector<std::string>*> account_files_of(const image::Image& image) {
    auto known = account_files_.find(&image);
    if (known == account_files_.end()) {
      auto files = TRY(runtime::read_from_layers(image.layer_trees, {"etc/passwd", "etc/group"},
                                                 kAccountFileMax));
      known = account_files_.emplace(&image, std::move(files)).first;
    }
    return &known->second;
  }

  Result<Account> find_account(const ContainerDefinition& container, const image::Image& image) {
    const std::string& user = container.user.empty() ? image.config.user : container.user;
    const std::vector<std::string>& files = *TRY(account_files_of(image));
    Account account = TRY(resolve_account(user, files[0], files[1]));
    if (!place_.ids) return account;
    uint32_t highest = std::max(account.uid, account.gid);
    for (uint32_t gid : account.additional_gids) highest = std::max(highest, gid);
    if (highest >= place_.ids->size) {
      return fail(Errc::kInvalid,
                  "user {}: id {} is outside of the {} ids of a task; --userns=host does without",
                  user, highest, place_.ids->size);
    }
    return account;
  }

  Result<ContainerPlace> make_place(const ContainerDefinition& container) {
    ContainerPlace place;
    std::string bundle = directory_.bundle(container.name);
    TRY(sys::make_directories(bundle, 0755));
    place.rootfs = bundle + "/rootfs";
    place.network_namespace = network_namespace_of(container);
    place.devices = TRY(find_devices(container));
    place.init_program = request_.config.init;
    auto environment = request_.environments.find(container.name);
    if (environment != request_.environments.end()) place.environment = environment->second;
    place.endpoint =
        endpoint_variables(task_, request_.endpoint_ids, container.name, request_.config.region);
    auto address = address_of(container);
    place.hostname = TRY(hostname_of(container, address));
    std::string files = directory_.files(container.name);
    TRY(sys::make_directories(files, 0755));
    place.hosts_file = files + "/hosts";
    place.resolv_conf_file = files + "/resolv.conf";
    place.hostname_file = files + "/hostname";
    TRY(write_for_container(place.hosts_file, TRY(hosts_of(container, address, place.hostname))));
    TRY(write_for_container(place.resolv_conf_file, resolv_conf_of(container)));
    TRY(write_for_container(place.hostname_file, place.hostname + "\n"));
    return place;
  }

  // Owned by root as the container sees it.
  Status write_for_container(const std::string& path, const std::string& text) const {
    TRY(sys::write_replace(path, text, 0644));
    if (!place_.ids) return {};
    return sys::chown(path, place_.ids->first, place_.ids->first);
  }

  std::string network_namespace_of(const ContainerDefinition& container) const {
    if (has_hosts_network(container)) return "";
    return network_path(shares_network() ? "task" : container.name);
  }

  std::optional<Ipv4> address_of(const ContainerDefinition& container) const {
    // In awsvpc mode there is one endpoint, the task's.
    for (const netns::LeasedEndpoint& endpoint : request_.lease.endpoints) {
      if (shares_network() || endpoint.container == container.name) return endpoint.address;
    }
    return std::nullopt;
  }

  Result<std::optional<Ipv6>> address6_of(const ContainerDefinition& container) const {
    auto address = address_of(container);
    if (!address) return std::optional<Ipv6>();
    return netns::twin_of(TRY(bridge_plan_of(request_.config)), *address);
  }

  Result<std::string> hostname_of(const ContainerDefinition& container,
                                  std::optional<Ipv4> address) const {
    if (!container.hostname.empty()) return container.hostname;
    switch (definition_.network_mode) {
      case NetworkMode::kAwsvpc:
        return netns::render_hostname(*address, request_.config.region);
      case NetworkMode::kHost:
        return std::string(trim(TRY(sys::read_file("/proc/sys/kernel/hostname", 256))));
      case NetworkMode::kBridge:
      case NetworkMode::kNone:
        break;
    }
    // As Docker: the beginning of the container's id.
    return container_id_of(container).substr(0, kShortId);
  }

  // Of hexadecimal digits alone, as Docker's.
  std::string container_id_of(const ContainerDefinition& container) const {
    std::string id = task_.find_container(container.name)->id;
    id.erase(std::remove(id.begin(), id.end(), '-'), id.end());
    return id;
  }

  Result<std::string> hosts_of(const ContainerDefinition& container, std::optional<Ipv4> address,
                               const std::string& hostname) const {
    std::vector<netns::HostsEntry> extra;
    for (const scheduler::HostEntry& entry : container.extra_hosts) {
      extra.push_back({entry.ip_address, entry.hostname});
    }
    for (const scheduler::Link& link : container.links) extra.push_back(TRY(entry_of(link)));
    if (definition_.network_mode == NetworkMode::kHost) {
      std::string text = sys::read_file("/etc/hosts", kAccountFileMax).value_or("");
      for (const netns::HostsEntry& entry : extra) text += entry.address + " " + entry.name + "\n";
      return text;
    }
    constexpr Ipv4 kLoopback{0x7f000001};
    auto address6 = TRY(address6_of(container));
    return netns::render_hosts(address.value_or(kLoopback), address6, hostname, extra);
  }

  // As Docker's: the alias, the host name and the name of the container that is linked to.
  Result<netns::HostsEntry> entry_of(const scheduler::Link& link) const {
    const ContainerDefinition& other = *definition_.find_container(link.container_name);
    auto address = address_of(other);
    if (!address) return fail(Errc::kInternal, "link to {}: it has no address", other.name);
    std::string names = link.alias;
    for (const std::string& name : {TRY(hostname_of(other, address)), other.name}) {
      if (name != link.alias) names += " " + name;
    }
    return netns::HostsEntry{to_string(*address), names};
  }

  static std::string read_resolv_conf(const char* path) {
    return sys::read_file(path, netns::kResolvConfMax).value_or("");
  }

  // The servers that the host has stand in it only where ours is not.
  netns::Resolver resolver_of(const ContainerDefinition& container) const {
    netns::Resolver host = netns::parse_resolv_conf(read_resolv_conf(netns::kResolvConf));
    netns::Resolver resolver = netns::resolver_for_container(
        host, netns::parse_resolv_conf(read_resolv_conf(netns::kSystemdResolvConf)));
    if (has_resolver(container)) {
      resolver.nameservers = {to_string(runtime::kResolverAddress)};
      if (has_ipv6()) resolver.nameservers.push_back(to_string(runtime::kResolverAddress6));
      const std::vector<std::string>& search = request_.config.dns.search_domains;
      resolver.search = search.empty() ? host.search : search;
    }
    if (!container.dns_servers.empty()) resolver.nameservers = container.dns_servers;
    if (!container.dns_search_domains.empty()) resolver.search = container.dns_search_domains;
    return resolver;
  }

  std::string resolv_conf_of(const ContainerDefinition& container) const {
    bool shares_network = definition_.network_mode == NetworkMode::kHost;
    if (shares_network && container.dns_servers.empty() && container.dns_search_domains.empty()) {
      return read_resolv_conf(netns::kResolvConf);
    }
    return netns::render_resolv_conf(resolver_of(container));
  }

  static Result<std::vector<Device>> find_devices(const ContainerDefinition& container) {
    std::vector<Device> devices;
    for (const scheduler::Device& wanted : container.linux_parameters.devices) {
      struct stat st = TRY(sys::stat(wanted.host_path));
      if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode)) {
        return fail(Errc::kInvalid, "linuxParameters.devices: {} is not a device",
                    wanted.host_path);
      }
      std::string access;
      if (wanted.read) access += 'r';
      if (wanted.write) access += 'w';
      if (wanted.mknod) access += 'm';
      devices.push_back({.host_path = wanted.host_path,
                         .container_path = wanted.container_path,
                         .access = access,
                         .type = S_ISCHR(st.st_mode) ? 'c' : 'b',
                         .major = static_cast<int64_t>(major(st.st_rdev)),
                         .minor = static_cast<int64_t>(minor(st.st_rdev))});
    }
    return devices;
  }

  static Result<std::string> seccomp_of(const ContainerSettings& settings) {
    if (settings.privileged) return std::string();
    sys::CapabilitySet set = 0;
    for (const std::string& name :
         TRY(capabilities_of(false, settings.add_capabilities, settings.drop_capabilities))) {
      if (auto number = sys::capability_number(name)) set |= sys::CapabilitySet{1} << *number;
    }
    return runtime::render_seccomp_json(runtime::default_seccomp_profile(set));
  }

  const TaskFilesRequest& request_;
  const scheduler::Task& task_;
  const TaskDefinition& definition_;
  InstancePaths paths_;
  runtime::TaskPaths directory_;
  TaskPlace place_;
  std::map<const image::Image*, std::vector<std::string>> account_files_;
};

}  // namespace

tl::expected<runtime::TaskPlan, ContainerError> write_task_files(const TaskFilesRequest& request) {
  return Writer(request).write();
}

}  // namespace berth::agent
