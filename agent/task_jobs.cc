#include "agent/task_jobs.h"

#include "agent/aws_http.h"
#include "agent/layer_devices.h"
#include "agent/log_plan.h"
#include "agent/paths.h"
#include "agent/recovery.h"
#include "agent/registry_config.h"
#include "agent/task_info.h"
#include "agent/task_network.h"
#include "agent/teardown.h"
#include "aws/curl_http.h"
#include "base/log.h"
#include "sys/socket.h"
#include "sys/tcp.h"

#include <fcntl.h>

#include <csignal>
#include <set>

namespace berth::agent {
namespace {

using scheduler::StartStage;

constexpr int kShimAgentFd = 3;  // where berth-shim looks for our connection
constexpr std::chrono::seconds kShimEnd(10);

// Before anything is made or pulled: a container without the keys that it counts on is of no use.
Status check_task_role(const Config& config, const scheduler::TaskDefinition& definition) {
  if (definition.task_role_arn.empty()) return {};
  TRY(find_role(config.roles, definition.task_role_arn));
  return {};
}

// The lock comes first and goes last: while somebody holds it, no sweep touches the task.
Result<Leased> take_lease(const Config& config, Env env, const scheduler::Task& task,
                          const LeaseOptions& options) {
  TRY(check_task_role(config, task.definition));
  InstancePaths paths = paths_of(config);
  std::optional<sys::FileLock> lock;
  if (!options.is_locked) lock = TRY(sys::FileLock::acquire(paths.task_lock(task.id)));
  TRY(sys::make_directories(paths.task(task.id).directory, 0711));
  TRY(sys::make_directories(paths.logs(task.id), 0711));
  TRY(prepare_logs(paths, task, env.clock.wall()));
  netns::Lease lease =
      TRY(TRY(TaskNetwork::make(config))
              .lease(task, options.user_ids, options.security_groups, Leasing::kReal));
  Leased leased;
  leased.lease = std::move(lease);
  leased.lock = std::move(lock);
  return leased;
}

// A registry that does not answer is no reason not to run what the store has: an edge device starts
// without its network (the ECS agent's default behaviour as well).
Result<image::Image> pull_or_use_cached(image::Puller& puller, image::Puller::Request request) {
  auto pulled = puller.pull(request);
  bool unreachable = !pulled && pulled.error().code == Errc::kUnavailable;
  if (!unreachable || request.reference.transport != image::Transport::kRegistry) return pulled;
  request.policy = image::Policy::kIfMissing;
  auto cached = puller.pull(request);
  if (!cached) return pulled;
  LOG(kWarn, "registry unreachable, the image in the store is used",
      {{"image", request.reference.to_string()}, {"why", pulled.error().text}});
  return cached;
}

// What the container's image is for the service, from the first task of its revision on; "" when
// the tag is to be asked.
const std::string& pinned_digest_of(const scheduler::Task& task,
                                    const scheduler::ContainerDefinition& definition) {
  static const std::string kNone;
  for (const scheduler::Container& container : task.containers) {
    if (container.name == definition.name) return container.image_digest;
  }
  return kNone;
}

Result<image::Image> pull_image(const PullRequest& request, Env env,
                                const scheduler::ContainerDefinition& container) {
  auto reference = TRY(image::Reference::parse(container.image));
  image::Store store = TRY(image::Store::open(request.config.root));
  auto known = TRY(store.find(reference.to_string()));
  bool imported = known && known->imported;
  bool is_pinnable = reference.transport == image::Transport::kRegistry && !imported;
  // One that names its digest itself goes before.
  if (is_pinnable && reference.digest.empty()) {
    reference.digest = pinned_digest_of(request.task, container);
  }
  image::PullerConfig config = puller_config_of(request.config);
  auto given = request.credentials.find(container.name);
  if (given != request.credentials.end()) {
    config.registry.given_credentials = {
        std::make_shared<image::GivenCredentials>(reference.registry, given->second)};
  }
  image::Puller puller(store, config, env);
  return pull_or_use_cached(
      puller, {.reference = reference,
               .platform = TRY(image::host_platform()),
               .policy = imported ? image::Policy::kIfMissing : image::Policy::kAlways,
               .progress = request.progress,
               .cancel = request.cancel});
}

// The shim gets the locks on layers and volumes with its start: should we die, they are in use
// until its end.
Result<Spawned> spawn_shim_program(const TaskFilesRequest& request, const std::string& directory,
                                   const sys::Fd& endpoint) {
  sys::SocketPair pair = TRY(sys::make_socket_pair());
  sys::Fd null = TRY(sys::open("/dev/null", O_RDONLY));
  sys::Fd log = TRY(sys::create(directory + "/shim.log", O_WRONLY | O_APPEND, 0600));
  sys::Program program;
  program.path = request.config.shim;
  program.arguments = {"berth-shim", directory};
  program.descriptors = {
      {null.get(), 0}, {log.get(), 1}, {log.get(), 2}, {pair.theirs.get(), kShimAgentFd}};
  int next = kShimAgentFd;
  if (endpoint) program.descriptors.emplace_back(endpoint.get(), ++next);
  std::set<const image::Image*> distinct;
  for (const auto& [container, image] : request.images) {
    if (!distinct.insert(image).second) continue;
    for (int lock : image->pin.descriptors()) program.descriptors.emplace_back(lock, ++next);
  }
  for (const sys::Fd& pin : request.volumes->pins) {
    program.descriptors.emplace_back(pin.get(), ++next);
  }
  // A session of its own: Ctrl-C at the terminal is for berth, which stops the task in order.
  program.new_session = true;
  sys::Process shim = TRY(sys::spawn(program));
  TRY(sys::set_nonblocking(pair.ours.get()));
  return Spawned{.shim = std::move(shim), .connection = std::move(pair.ours)};
}

// A task in the host's network has its endpoint on a port of the loopback, of its own: nothing
// that other tasks or the host could notice is changed for it.
Result<sys::Fd> open_host_endpoint(TaskFilesRequest& request) {
  if (request.task.definition.network_mode != scheduler::NetworkMode::kHost) return sys::Fd();
  constexpr Ipv4 kLoopback{0x7f000001};
  sys::Fd listener = TRY(sys::listen_tcp({kLoopback, 0}, sys::AddressNeed::kNow));
  request.endpoint_ids.host_port = TRY(sys::local_address(listener.get())).port;
  return listener;
}

Status write_task_info(const TaskFilesRequest& request) {
  std::map<std::string, std::string> digests;
  for (const auto& [container, image] : request.images) {
    digests[container] = image->manifest_digest;
  }
  TaskInfo info =
      task_info_of(request.task, request.lease, TRY(bridge_plan_of(request.config)), digests);
  info.detached = !request.foreground;
  InstancePaths paths = paths_of(request.config);
  for (ContainerInfo& container : info.containers) {
    const auto* definition = request.task.definition.find_container(container.name);
    std::string log = log_path_of(paths, request.task, *definition);
    if (!log.starts_with(paths.logs(request.task.id))) container.log_path = log;
  }
  std::string path = info_path(paths.task(request.task.id));
  return sys::write_replace(path, render_task_info(info), 0600);
}

// A job of one step that makes nothing but a change of the world.
template <class Step>
Answer<Done> step_job(Env env, const std::string& task_id, std::string name, Step&& step) {
  std::vector<Span> spans;
  Stopwatch watch(env.clock, spans);
  Status status = step();
  watch.lap(std::move(name));
  if (status) return {Done{}, std::move(spans)};
  return {tl::unexpected(start_failure(task_id, StartStage::kProvision,
                                       "ResourceInitializationError", status.error())),
          std::move(spans)};
}

}  // namespace

scheduler::StartFailed start_failure(const std::string& task_id, StartStage stage,
                                     const std::string& name, const Error& error) {
  scheduler::StartFailed failure;
  failure.task_id = task_id;
  failure.stage = stage;
  failure.error_name = name;
  failure.text = error.text;
  return failure;
}

Answer<Leased> lease_job(const Config& config, Env env, const scheduler::Task& task,
                         const LeaseOptions& options) {
  std::vector<Span> spans;
  Stopwatch watch(env.clock, spans);
  auto leased = take_lease(config, env, task, options);
  watch.lap("lease addresses, ports and ids");
  if (leased) return {std::move(*leased), std::move(spans)};
  return {tl::unexpected(start_failure(task.id, StartStage::kProvision,
                                       "ResourceInitializationError", leased.error())),
          std::move(spans)};
}

Answer<PlacedVolumes> volumes_job(const Config& config, Env env, const scheduler::Task& task,
                                  const netns::Lease& lease) {
  std::vector<Span> spans;
  Stopwatch watch(env.clock, spans);
  std::optional<IdRange> ids;
  if (lease.uid_start) ids = IdRange{*lease.uid_start, netns::kUidRange};
  auto placed = place_volumes({.config = config, .task = task, .ids = ids}, env);
  watch.lap("volumes");
  if (placed) return {std::move(*placed), std::move(spans)};
  return {tl::unexpected(start_failure(task.id, StartStage::kProvision,
                                       "ResourceInitializationError", placed.error())),
          std::move(spans)};
}

Answer<ContainerEnvironments> fetch_job(const Config& config, Env env,
                                        const scheduler::Task& task) {
  std::vector<Span> spans;
  Stopwatch watch(env.clock, spans);
  aws::CurlHttp http(aws_http_options(config, sys::own_environment()));
  auto fetched = fetch_environments(config, task.definition, http, env.clock);
  watch.lap("environment files and secrets");
  if (fetched) return {std::move(*fetched), std::move(spans)};
  return {tl::unexpected(start_failure(task.id, StartStage::kProvision,
                                       "ResourceInitializationError", fetched.error())),
          std::move(spans)};
}

std::string pull_key_of(const scheduler::Task& task,
                        const scheduler::ContainerDefinition& container) {
  std::string key = container.image;  // no reference has spaces
  const std::string& digest = pinned_digest_of(task, container);
  if (!digest.empty()) key += " as " + digest;
  if (!container.repository_credentials.empty()) key += " with " + container.repository_credentials;
  return key;
}

Answer<Pulled> pull_job(const PullRequest& request, Env env) {
  const scheduler::Task& task = request.task;
  std::vector<Span> spans;
  Stopwatch watch(env.clock, spans);
  Pulled pulled;
  pulled.event.task_id = task.id;
  pulled.event.started_at = env.clock.wall();
  for (const auto& container : task.definition.container_definitions) {
    std::string key = pull_key_of(task, container);
    auto known = pulled.images.find(key);
    if (known == pulled.images.end()) {
      auto image = pull_image(request, env, container);
      watch.lap("pull " + container.image + (image ? ", " + image->resolved_digest : ""));
      if (!image) {
        auto failure =
            start_failure(task.id, StartStage::kPull, "CannotPullContainerError", image.error());
        failure.container = container.name;
        return {tl::unexpected(std::move(failure)), std::move(spans)};
      }
      known = pulled.images.emplace(key, std::move(*image)).first;
    }
    pulled.event.digests[container.name] = known->second.manifest_digest;
  }
  pulled.event.stopped_at = env.clock.wall();
  return {std::move(pulled), std::move(spans)};
}

Answer<Spawned> spawn_job(TaskFilesRequest request, Env env) {
  std::vector<Span> spans;
  Stopwatch watch(env.clock, spans);
  const std::string& id = request.task.id;
  auto endpoint = open_host_endpoint(request);
  if (!endpoint) {
    return {tl::unexpected(start_failure(id, StartStage::kCreate, "ResourceInitializationError",
                                         endpoint.error())),
            std::move(spans)};
  }
  std::vector<sys::Fd> layers = hold_layer_devices(request.images);
  watch.lap("attach layers");
  auto plan = write_task_files(request);
  watch.lap("write bundles");
  if (!plan) {
    auto failure =
        start_failure(id, StartStage::kCreate, "CannotCreateContainerError", plan.error().error);
    failure.container = plan.error().container;
    return {tl::unexpected(std::move(failure)), std::move(spans)};
  }
  auto described = write_task_info(request);
  if (!described) {
    return {tl::unexpected(start_failure(id, StartStage::kCreate, "ResourceInitializationError",
                                         described.error())),
            std::move(spans)};
  }
  auto spawned = spawn_shim_program(request, plan->directory, *endpoint);
  watch.lap("spawn berth-shim");
  if (spawned) spawned->layers = std::move(layers);
  if (spawned) return {std::move(*spawned), std::move(spans)};
  return {tl::unexpected(start_failure(id, StartStage::kCreate, "ResourceInitializationError",
                                       spawned.error())),
          std::move(spans)};
}

Answer<Done> host_side_job(const Config& config, Env env, const std::string& task_id,
                           const netns::Lease& lease) {
  return step_job(env, task_id, "bridge and firewall (beside the pull)", [&]() -> Status {
    return TRY(TaskNetwork::make(config)).apply_host_side(lease);
  });
}

Answer<Done> task_side_job(const Config& config, Env env, const std::string& task_id,
                           const netns::Lease& lease, std::vector<MadeNetwork> networks) {
  return step_job(env, task_id, "network of the task", [&]() -> Status {
    TRY(TRY(TaskNetwork::make(config)).apply_task_side(lease, std::move(networks)));
    // Before the shim is told: should we die on the way, nobody begins the task anew.
    return sys::write_replace(told_to_start_path(paths_of(config).task(task_id)), "", 0600);
  });
}

namespace {

// It has said its last or was told to end; one that does not is killed, and its containers with it.
void end_shim(const sys::Process& shim) {
  auto ended = sys::ends_within(shim, kShimEnd);
  if (!ended || !*ended) {
    LOG(kError, "berth-shim does not end and is killed", {{"pid", std::to_string(shim.pid)}});
    (void)sys::send_signal(shim, SIGKILL);  // gone meanwhile is as good
  }
  (void)sys::wait(shim);  // its exit code says nothing
}

// Of a task that another agent has left, and whose shim has not said who it is: there is none, or
// it has just begun.
void end_unnamed_shims(const Config& config, const std::string& task_id) {
  for (const sys::Process& shim : find_unnamed_shims(paths_of(config).task(task_id))) {
    (void)sys::send_signal(shim, SIGKILL);  // gone meanwhile is as good
    (void)sys::ends_within(shim, kShimEnd);
  }
}

// `shim` is that of the task as far as it is known.
void end_shims(const Config& config, const std::string& task_id, const sys::Process& shim) {
  if (shim.pid > 0) return end_shim(shim);
  end_unnamed_shims(config, task_id);
}

}  // namespace

Answer<Done> undo_start_job(const Config& config, Env env, const std::string& task_id,
                            const sys::Process& shim) {
  return step_job(env, task_id, "undo what was begun", [&]() -> Status {
    end_shims(config, task_id, shim);
    return undo_start(config, task_id);
  });
}

Released release_job(const Config& config, Env env, const std::string& task_id,
                     const sys::Process& shim, NetworkEnd network_end) {
  Released released;
  Stopwatch watch(env.clock, released.spans);
  end_shims(config, task_id, shim);
  watch.lap("end of berth-shim");
  auto torn_down = tear_down_task(config, task_id, network_end);
  watch.lap("tear down network, cgroup and directories");
  if (!torn_down) {
    LOG(kError, "something of the task stays; the next start of berth sweeps it",
        {{"task", task_id}, {"why", torn_down.error().text}});
    return released;
  }
  released.remains = *torn_down;
  return released;
}

Done sweep_job(const Config& config) {
  Status swept = sweep_instance(config, netns::Retired::kSweep);
  if (!swept)
    LOG(kWarn, "the next start of berth sweeps what stays", {{"why", swept.error().text}});
  return {};
}

}  // namespace berth::agent
