#include "runtime/shim.h"

#include "base/json.h"
#include "base/log.h"
#include "runtime/container_command.h"
#include "runtime/endpoint_program.h"
#include "runtime/ephemeral_storage.h"
#include "runtime/health_monitor.h"
#include "runtime/oci_program.h"
#include "runtime/restart.h"
#include "runtime/shim_container.h"
#include "runtime/shim_protocol.h"
#include "runtime/task_names.h"
#include "runtime/task_namespaces.h"
#include "runtime/task_order.h"
#include "runtime/volumes.h"
#include "sys/cgroup.h"
#include "sys/file.h"
#include "sys/loop.h"
#include "sys/mount.h"
#include "sys/process.h"
#include "sys/socket.h"

#include <sched.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include <cerrno>
#include <csignal>
#include <map>
#include <memory>
#include <set>
#include <utility>

namespace berth::runtime {
namespace {

constexpr int kGroupAttempts = 10;
constexpr size_t kIdentityMax = 4096;
constexpr const char* kPreStopGroup = "prestop";
constexpr size_t kPreStopOutputMax = 1024;

class Shim {
 public:
  Shim(const TaskPlan& plan, Env env, sys::Loop& loop)
      : plan_(plan), env_(env), loop_(loop), oci_(plan.oci_runtime, plan.oci_root) {
    for (const ContainerPlan& container : plan_.containers) {
      size_t i = containers_.size();
      containers_.push_back(std::make_unique<ShimContainer>(container, oci_, loop_, env_));
      monitors_.push_back(nullptr);
      pre_stops_.push_back(nullptr);
      if (!container.health_check) continue;
      monitors_[i] = std::make_unique<HealthMonitor>(container, oci_, loop_, env_,
                                                     [this, i] { health_changed(i); });
    }
    if (plan_.endpoint) {
      endpoint_ = std::make_unique<EndpointProgram>(plan_.endpoint->command, loop_, env_);
    }
    progress_.resize(containers_.size());
    last_starts_.resize(containers_.size());
  }

  Status serve(ShimInheritance inheritance) {
    int connection = inheritance.agent.get();
    TRY(adopt(std::move(inheritance.agent)));
    host_listener_ = std::move(inheritance.endpoint);
    if (plan_.foreground) owner_ = connection;
    auto prepared = prepare(connection);
    if (!prepared) {
      remove_cgroup();
      tell({.kind = ShimEvent::Kind::kFailed, .at = now(), .text = prepared.error().text});
      return prepared;
    }
    if (finished_) return {};  // the agent was gone before there was anything to serve
    create_early();
    return loop_.run();
  }

 private:
  std::string now() { return format_rfc3339(env_.clock.wall()); }

  // ---- prepare ----

  Status prepare(int connection) {
    Instant begin = env_.clock.now();
    TRY(sys::become_subreaper());
    TRY(sys::unshare(CLONE_NEWNS, "mount"));
    TRY(sys::set_propagation("/", MS_SLAVE, sys::Recursion::kWholeTree));
    TRY(write_identity());
    alive_ = TRY(sys::make_pipe());
    // SIGPIPE is that of a client that went away.
    TRY(loop_.on_signals({SIGTERM, SIGINT, SIGHUP, SIGPIPE}, [this](int signal) {
      if (signal != SIGPIPE) request_stop();
    }));
    listener_ = TRY(sys::listen_unix(TaskPaths{plan_.directory}.socket()));
    TRY(loop_.watch(listener_.get(), EPOLLIN, [this](uint32_t) { accept_agent(); }));
    namespaces_ = TRY(make_task_namespaces(plan_));
    if (plan_.ephemeral_storage) TRY(mount_ephemeral_storage(*plan_.ephemeral_storage));
    for (const VolumePlan& volume : plan_.volumes) TRY(mount_volume(volume));
    TRY(watch_endpoint());
    TRY(watch_resolver());
    TRY(make_cgroup());
    return tell_namespaces(connection, {{"namespaces and cgroup", env_.clock.now() - begin}});
  }

  Status watch_endpoint() {
    if (!endpoint_) return {};
    std::vector<EndpointProgram::Socket> sockets;
    if (host_listener_) sockets.push_back({host_listener_.get()});
    for (const TaskNetwork& network : namespaces_.networks) {
      sockets.push_back({network.endpoint.get()});
    }
    return endpoint_->watch(std::move(sockets));
  }

  Status watch_resolver() {
    std::vector<EndpointProgram::Socket> sockets;
    size_t networks = 0;
    for (const TaskNetwork& network : namespaces_.networks) {
      if (!network.resolver) continue;
      ++networks;
      sockets.push_back({network.questions.get()});
      sockets.push_back({network.answers.get(), /*starts=*/false});
      sockets.push_back({network.resolver.get()});
    }
    if (networks == 0) return {};
    std::vector<std::string> command = plan_.resolver->command;
    command.push_back(std::to_string(networks));
    resolver_ = std::make_unique<EndpointProgram>(std::move(command), loop_, env_);
    return resolver_->watch(std::move(sockets));
  }

  Status write_identity() {
    uint64_t start_time = TRY(sys::start_time_of(sys::own_pid()));
    nlohmann::ordered_json identity = {
        {"version", kTaskPlanVersion}, {"pid", sys::own_pid()}, {"startTime", start_time}};
    return sys::write_replace(TaskPaths{plan_.directory}.shim(), identity.dump() + "\n", 0600);
  }

  // The parents are shared with other tasks, whose end may remove them between our making them and
  // our filling them: then they are made again.
  Result<sys::CgroupDir> make_group() {
    auto host = TRY(sys::Cgroups::detect());
    for (int attempt = 1;; ++attempt) {
      auto group = host.make(plan_.cgroup);
      bool raced = !group && group.error().errno_value == ENOENT;
      if (!raced || attempt == kGroupAttempts) return group;
    }
  }

  Status make_cgroup() {
    auto group = TRY(make_group());
    return group.apply(cgroup_limits_of(plan_.limits));
  }

  void remove_cgroup() {
    auto remove = [&]() -> Status {
      auto host = TRY(sys::Cgroups::detect());
      TRY(host.at(plan_.cgroup).remove());
      for (size_t slash = plan_.cgroup.rfind('/'); slash > 0 && slash != std::string::npos;
           slash = plan_.cgroup.rfind('/', slash - 1)) {
        TRY(host.at(plan_.cgroup.substr(0, slash)).remove_if_empty());
      }
      return {};
    };
    auto removed = remove();
    if (!removed) LOG(kError, "task cgroup stays", {{"why", removed.error().text}});
  }

  // ---- connections ----

  Status adopt(sys::Fd connection) {
    int fd = connection.get();
    TRY(sys::set_nonblocking(fd));
    TRY(loop_.watch(fd, EPOLLIN, [this, fd](uint32_t) { hear(fd); }));
    connections_.emplace(fd, std::move(connection));
    return {};
  }

  void accept_agent() {
    auto connection = sys::accept_unix(listener_.get());
    if (!connection) return;  // it has gone again
    // Non-blocking first: one that does not listen loses its connection, not our time.
    if (!sys::set_nonblocking(connection->get())) return;
    for (const Told& told : history_) {
      if (!sys::send_message(connection->get(), told.text, {})) return;
    }
    std::string end = render_event({.kind = ShimEvent::Kind::kUpToDate, .at = now()});
    if (!sys::send_message(connection->get(), end, {})) return;
    (void)adopt(std::move(*connection));  // an agent that cannot be heard connects again
  }

  void hear(int fd) {
    auto message = sys::receive_message(fd);
    if (!message && message.error().code == Errc::kUnavailable) return;
    if (!message || message->bytes.empty()) return lose(fd);
    auto order = parse_order(message->bytes);
    if (!order) {
      LOG(kWarn, "request not understood", {{"why", order.error().text}});
      return;
    }
    switch (order->request) {
      case ShimRequest::kStart:
        started_ = true;
        return advance();
      case ShimRequest::kStop:
        tell_stop_requested();
        return request_stop();
      case ShimRequest::kKill:
        tell_stop_requested();
        begin_stop();
        for (size_t i = 0; i < containers_.size(); ++i) {
          if (is_alive_at(i)) containers_[i]->kill();
        }
        return advance();
      case ShimRequest::kHold:
        return hold();
      case ShimRequest::kResume:
        if (!held_) return;
        end_hold();
        return advance();
      case ShimRequest::kAttach:
        return attach(fd, *order, std::move(message->fds));
      case ShimRequest::kResize:
        if (ShimContainer* container = find(order->container)) container->resize(order->window);
        return;
      case ShimRequest::kSignal:
        if (ShimContainer* container = find(order->container)) container->signal(order->signal);
        return;
    }
  }

  std::optional<size_t> index_of(const std::string& name) const {
    for (size_t i = 0; i < containers_.size(); ++i) {
      if (containers_[i]->plan().name == name) return i;
    }
    return std::nullopt;
  }

  ShimContainer* find(const std::string& name) {
    auto i = index_of(name);
    return i ? containers_[*i].get() : nullptr;
  }

  // What is not taken hangs up with its descriptors.
  void attach(int connection, const ShimOrder& order, std::vector<sys::Fd> fds) {
    auto refuse_client = [&](std::string why) {
      LOG(kWarn, "client not attached", {{"container", order.container}, {"why", why}});
      tell_client(connection, {.kind = ShimEvent::Kind::kAttachRefused,
                               .container = order.container,
                               .at = now(),
                               .text = std::move(why)});
    };
    auto i = index_of(order.container);
    if (!i || fds.empty()) return refuse_client("there is nothing of that name to attach to");
    if (progress_[*i].phase == ContainerPhase::kStopped) {
      return refuse_client(fmt::format("container {} has stopped", order.container));
    }
    ShimContainer::Visitor visitor;
    visitor.connection = connection;
    visitor.client.input = std::move(fds[0]);
    if (fds.size() > 1) visitor.client.output = std::move(fds[1]);
    if (fds.size() > 2) visitor.client.error = std::move(fds[2]);
    if (order.in_the_foreground) {
      visitor.client.behind = Attachment::Behind::kContainerWaits;
    }
    visitor.missed = [this, connection, name = order.container](uint64_t bytes) {
      tell_client(connection, {.kind = ShimEvent::Kind::kOutputMissed,
                               .container = name,
                               .at = now(),
                               .text = fmt::format("{} bytes were not shown: they were not read as "
                                                   "fast as they came",
                                                   bytes)});
    };
    auto attached = containers_[*i]->attach(std::move(visitor));
    if (!attached) return refuse_client(attached.error().text);
    containers_[*i]->resize(order.window);
  }

  // One that does not listen, or has gone, misses it.
  void tell_client(int fd, const ShimEvent& event) {
    if (connections_.contains(fd)) (void)sys::send_message(fd, render_event(event), {});
  }

  void lose(int fd) {
    loop_.unwatch(fd);
    connections_.erase(fd);
    for (auto& container : containers_) container->client_left(fd);
    if (fd != owner_) return;
    owner_ = -1;
    request_stop();
  }

  void tell(const ShimEvent& event) {
    std::string text = render_event(event);
    // These may come for ever: only the last of a container is history.
    if (event.kind == ShimEvent::Kind::kContainerHealth ||
        event.kind == ShimEvent::Kind::kContainerRestarted) {
      std::erase_if(history_, [&](const Told& told) {
        return told.kind == event.kind && told.container == event.container;
      });
    }
    history_.push_back({event.kind, event.container, text});
    for (const auto& [fd, connection] : connections_) {
      (void)sys::send_message(fd, text, {});  // one that is gone is noticed by hear()
    }
  }

  // Once, and before what comes of it: whoever asks is not the only one who wants to know why the
  // task ends.
  void tell_stop_requested() {
    if (goal_ == TaskGoal::kStop) return;
    ShimEvent event;
    event.kind = ShimEvent::Kind::kStopRequested;
    event.at = now();
    tell(event);
  }

  Status tell_namespaces(int connection, std::vector<TimedStep> steps) {
    ShimEvent event;
    event.kind = ShimEvent::Kind::kNamespaces;
    event.at = now();
    event.steps = std::move(steps);
    std::vector<int> fds;
    for (const TaskNetwork& network : namespaces_.networks) {
      event.namespaces.push_back(network.name);
      fds.push_back(network.network_namespace.get());
      fds.push_back(network.rtnetlink.get());
    }
    auto sent = sys::send_message(connection, render_event(event), fds);
    if (!sent) lose(connection);
    // The sockets into the networks were for the agent alone.
    for (TaskNetwork& network : namespaces_.networks) network.rtnetlink.reset();
    return {};
  }

  // ---- the task ----

  bool is_alive_at(size_t i) const {
    return progress_[i].phase == ContainerPhase::kRunning ||
           progress_[i].phase == ContainerPhase::kStopping;
  }

  void request_stop() {
    begin_stop();
    advance();
  }

  void begin_stop() {
    if (goal_ == TaskGoal::kStop) return;
    goal_ = TaskGoal::kStop;
    withdraw_names();  // first: who looks for the task shall not find what is about to end
    tell({.kind = ShimEvent::Kind::kTaskStopping, .at = now()});
    if (held_) end_hold();  // what is frozen hears no signal
  }

  Result<sys::CgroupDir> group() const {
    auto host = TRY(sys::Cgroups::detect());
    return host.at(plan_.cgroup);
  }
  Status freeze() const {
    auto group = TRY(this->group());
    return group.freeze();
  }
  Status thaw() const {
    auto group = TRY(this->group());
    return group.thaw();
  }

  // Everything in the task's group, checks too, so they are ended first. We are not in it.
  void hold() {
    if (held_ || finished_ || goal_ == TaskGoal::kStop) return;
    for (auto& monitor : monitors_) {
      if (monitor) monitor->rest();
    }
    auto frozen = freeze();
    held_ = true;
    if (frozen) return;
    LOG(kError, "the task is not held", {{"why", frozen.error().text}});
    end_hold();
  }

  void end_hold() {
    held_ = false;
    auto thawed = thaw();
    if (!thawed) LOG(kError, "the task stays frozen", {{"why", thawed.error().text}});
    for (auto& monitor : monitors_) {
      if (monitor) monitor->go_on();
    }
    for (size_t i : std::exchange(ended_while_held_, {})) settle_end(i);
  }

  // Does what the order of the task asks for, until it asks for nothing more.
  void advance() {
    if (finished_) return;
    if (!started_ && goal_ == TaskGoal::kRun) return;
    if (held_) return;  // what would be started now would freeze before it has started
    while (true) {
      TaskActions actions = next_actions(plan_.containers, progress_, goal_, env_.clock.now());
      if (actions.finished) return finish();
      if (actions.ended_by) begin_stop();
      for (const TaskActions::Refusal& refusal : actions.refuse) {
        refuse(refusal.container, refusal.reason);
      }
      for (size_t i : actions.stop) stop(i);
      for (size_t i : actions.start) start(i);
      wake_at(actions.wake_at);
      if (actions.refuse.empty() && actions.stop.empty() && actions.start.empty()) break;
    }
    publish_names();
  }

  // ---- names ----

  // The task is RUNNING when no container waits for its turn any more and one of them runs.
  void publish_names() {
    if (!plan_.names || names_published_ || goal_ == TaskGoal::kStop) return;
    bool runs = false;
    for (const ContainerProgress& each : progress_) {
      if (each.phase == ContainerPhase::kWaiting) return;
      runs = runs || each.phase == ContainerPhase::kRunning;
    }
    if (!runs) return;
    names_published_ = true;
    auto published = runtime::publish_names(*plan_.names, plan_.task_id);
    if (published) return mark_names();
    LOG(kError, "the task is not found by its names", {{"why", published.error().text}});
  }

  // UNHEALTHY, as ECS says of a task: an essential container is.
  bool is_unhealthy() const {
    for (size_t i = 0; i < progress_.size(); ++i) {
      if (plan_.containers[i].essential && progress_[i].health == HealthStatus::kUnhealthy) {
        return true;
      }
    }
    return false;
  }

  void mark_names() {
    if (!names_published_) return;
    auto health = is_unhealthy() ? NamesHealth::kUnwell : NamesHealth::kWell;
    auto marked = runtime::mark_names(*plan_.names, plan_.task_id, health);
    if (!marked) LOG(kWarn, "a name of the task stays", {{"why", marked.error().text}});
  }

  void withdraw_names() {
    if (!names_published_) return;
    names_published_ = false;
    auto withdrawn = runtime::withdraw_names(*plan_.names, plan_.task_id);
    if (!withdrawn) LOG(kError, "a name of the task stays", {{"why", withdrawn.error().text}});
  }

  void wake_at(std::optional<Instant> due) {
    if (wake_timer_) loop_.cancel(*wake_timer_);
    wake_timer_.reset();
    if (due) wake_timer_ = loop_.after(*due - env_.clock.now(), [this] { advance(); });
  }

  ShimContainer::Host host() const {
    return {.supervisor = alive_.read.get(),
            .user_namespace = namespaces_.user ? namespaces_.user.get() : -1,
            .ids = plan_.ids};
  }

  // While the agent sets up the network. A failure is told when the container's turn comes.
  void create_early() {
    for (auto& container : containers_) {
      if (!container->plan().create_early) continue;
      if (!container->create(host(), early_steps_)) return;
      tell_created(container->plan().name);
    }
  }

  void tell_created(const std::string& container) {
    ShimEvent event;
    event.kind = ShimEvent::Kind::kContainerCreated;
    event.container = container;
    event.at = now();
    tell(event);
  }

  void start(size_t i) {
    std::vector<TimedStep> steps = std::exchange(early_steps_, {});
    bool is_new = !containers_[i]->is_created();
    auto created = containers_[i]->create(host(), steps);
    if (!created) return refuse(i, created.error().text);
    if (is_new) tell_created(plan_.containers[i].name);
    auto launched = containers_[i]->start([this, i] { ended(i); }, steps);
    if (!launched) return refuse(i, launched.error().text);
    progress_[i].phase = ContainerPhase::kRunning;
    progress_[i].started_at = env_.clock.now();
    last_starts_[i] = progress_[i].started_at;
    if (monitors_[i]) monitors_[i]->begin();
    ShimEvent event;
    event.kind = ShimEvent::Kind::kContainerStarted;
    event.container = plan_.containers[i].name;
    event.pid = containers_[i]->pid();
    event.at = containers_[i]->started_at();
    event.steps = std::move(steps);
    tell(event);
  }

  void health_changed(size_t i) {
    tell_health(i);
    advance();
  }

  void tell_health(size_t i) {
    progress_[i].health = monitors_[i]->status();
    ShimEvent event;
    event.kind = ShimEvent::Kind::kContainerHealth;
    event.container = plan_.containers[i].name;
    event.at = now();
    event.health = monitors_[i]->report();
    tell(event);
    mark_names();
  }

  void stop(size_t i) {
    progress_[i].phase = ContainerPhase::kStopping;
    if (monitors_[i]) monitors_[i]->end();
    if (!begin_pre_stop(i)) containers_[i]->signal_stop();
    loop_.after(std::chrono::seconds(plan_.containers[i].stop_timeout_seconds), [this, i] {
      if (progress_[i].phase != ContainerPhase::kStopping) return;
      end_pre_stop(i, {.exit_code = std::nullopt, .text = "stopTimeout is over"});
      containers_[i]->kill();
    });
  }

  // ---- what runs before the stop signal; its time is the container's stopTimeout ----

  // False: there is none, or it cannot run.
  bool begin_pre_stop(size_t i) {
    const ContainerPlan& plan = plan_.containers[i];
    if (plan.pre_stop.empty()) return false;
    pre_stops_[i] = std::make_unique<ContainerCommand>(
        plan, oci_, loop_,
        ContainerCommand::Place{.group = kPreStopGroup, .output_max = kPreStopOutputMax});
    auto begun = pre_stops_[i]->begin(plan.pre_stop, [this, i](ContainerCommand::End end) {
      end_pre_stop(i, std::move(end));
      containers_[i]->signal_stop();
    });
    if (begun) return true;
    end_pre_stop(i, {.exit_code = std::nullopt, .text = begun.error().text});
    return false;
  }

  void end_pre_stop(size_t i, ContainerCommand::End end) {
    if (!pre_stops_[i] || !is_pre_stop_open(i)) return;
    pre_stops_[i]->clear();
    pre_stops_told_.insert(i);
    ShimEvent event;
    event.kind = ShimEvent::Kind::kPreStopEnded;
    event.container = plan_.containers[i].name;
    event.at = now();
    event.exit = ExitRecord{.container = event.container, .exit_code = end.exit_code};
    const std::string& output = pre_stops_[i]->output();
    bool is_both = !end.text.empty() && !output.empty();
    event.text = end.text + (is_both ? ": " : "") + output;
    tell(event);
  }

  bool is_pre_stop_open(size_t i) const { return !pre_stops_told_.contains(i); }

  void refuse(size_t i, const std::string& reason) {
    note_exit(i, containers_[i]->refusal(reason));
  }

  // What is killed from outside while the task is held is neither started again nor missed before
  // it goes on.
  void ended(size_t i) {
    if (held_) {
      ended_while_held_.push_back(i);
      return;
    }
    settle_end(i);
    advance();
  }

  void settle_end(size_t i) {
    if (monitors_[i]) monitors_[i]->end();
    end_pre_stop(i, {.exit_code = std::nullopt, .text = "its container ended before it did"});
    auto record = containers_[i]->reap();
    if (record && goes_on(i, *record)) {
      auto restarted = containers_[i]->restart(*record, host(), [this, i] { ended(i); });
      if (restarted) return tell_restart(i, *record);
      record->reason = restarted.error().text;
    }
    note_exit(i, std::move(record));
  }

  bool goes_on(size_t i, const ExitRecord& record) {
    RunEnd end{.exit_code = record.exit_code, .ran = env_.clock.now() - last_starts_[i]};
    end.stopping = goal_ == TaskGoal::kStop || progress_[i].phase != ContainerPhase::kRunning;
    return is_restarted(plan_.containers[i].restart, end);
  }

  // It never stopped running as others see it: phase and start of the container stay.
  void tell_restart(size_t i, const ExitRecord& record) {
    last_starts_[i] = env_.clock.now();
    ShimEvent event;
    event.kind = ShimEvent::Kind::kContainerRestarted;
    event.container = plan_.containers[i].name;
    event.pid = containers_[i]->pid();
    event.at = containers_[i]->started_at();
    event.exit = record;
    tell(event);
    if (!monitors_[i]) return;
    monitors_[i]->begin();
    if (progress_[i].health != monitors_[i]->status()) tell_health(i);
  }

  void note_exit(size_t i, Result<ExitRecord> record) {
    progress_[i].phase = ContainerPhase::kStopped;
    containers_[i]->hang_up();
    ShimEvent event;
    event.kind = ShimEvent::Kind::kContainerExited;
    event.container = plan_.containers[i].name;
    event.at = now();
    if (record) {
      containers_[i]->keep(*record);
      progress_[i].exit_code = record->exit_code;
      event.exit = std::move(*record);
    } else {
      LOG(kError, "exit record lost",
          {{"container", event.container}, {"why", record.error().text}});
      event.exit = ExitRecord{.container = event.container, .reason = record.error().text};
    }
    tell(event);
  }

  void finish() {
    finished_ = true;
    Instant begin = env_.clock.now();
    if (endpoint_) endpoint_->end();
    if (resolver_) resolver_->end();
    for (auto& container : containers_) {
      auto released = container->release();
      if (!released) {
        LOG(kError, "container not released",
            {{"container", container->plan().name}, {"why", released.error().text}});
      }
    }
    namespaces_.pids.reset();
    remove_cgroup();
    ShimEvent event;
    event.kind = ShimEvent::Kind::kTaskStopped;
    event.at = now();
    event.steps = {{"delete", env_.clock.now() - begin}};
    tell(event);
    loop_.stop();
  }

  // An event that was told, for those who come later.
  struct Told {
    ShimEvent::Kind kind;
    std::string container;
    std::string text;
  };

  const TaskPlan& plan_;
  Env env_;
  sys::Loop& loop_;
  OciProgram oci_;
  TaskNamespaces namespaces_;
  sys::Fd host_listener_;
  std::unique_ptr<EndpointProgram> endpoint_;  // null: the plan has none
  std::unique_ptr<EndpointProgram> resolver_;  // likewise
  bool names_published_ = false;
  sys::Pipe alive_;  // closes with us: containers that wait for their start end then
  sys::Fd listener_;
  std::map<int, sys::Fd> connections_;
  int owner_ = -1;  // the connection whose end stops a foreground task
  std::vector<Told> history_;
  std::vector<std::unique_ptr<ShimContainer>> containers_;
  std::vector<std::unique_ptr<HealthMonitor>> monitors_;      // null: no health check
  std::vector<std::unique_ptr<ContainerCommand>> pre_stops_;  // null: not begun
  std::set<size_t> pre_stops_told_;
  std::vector<ContainerProgress> progress_;
  std::vector<Instant> last_starts_;  // restarts counted
  TaskGoal goal_ = TaskGoal::kRun;
  std::vector<TimedStep> early_steps_;
  bool started_ = false;
  bool finished_ = false;
  bool held_ = false;
  std::vector<size_t> ended_while_held_;
  std::optional<sys::Loop::TimerId> wake_timer_;
};

}  // namespace

Result<ShimIdentity> read_shim_identity(const std::string& path) {
  auto document =
      TRY(json::Document::parse(TRY(sys::read_file(path, kIdentityMax)), {.name = path}));
  ShimIdentity identity;
  identity.pid = static_cast<int>(TRY(document.root().i64_at("pid")));
  identity.start_time = static_cast<uint64_t>(TRY(document.root().i64_at("startTime")));
  return identity;
}

std::optional<ExitRecord> read_exit_record(const std::string& path) {
  auto text = sys::read_file(path, kExitRecordMax);
  if (!text) return std::nullopt;
  auto record = parse_exit_record(*text);
  return record ? std::optional(std::move(*record)) : std::nullopt;
}

bool is_alive(const ShimIdentity& identity) {
  auto stat = sys::stat_of(identity.pid);
  bool is_the_same = stat && stat->start_time == identity.start_time;
  return is_the_same && stat->state != 'Z' && stat->state != 'X';
}

Status serve_task(const TaskPlan& plan, ShimInheritance inheritance, Env env) {
  auto loop = TRY(sys::Loop::make(env.clock));
  Shim shim(plan, env, *loop);
  return shim.serve(std::move(inheritance));
}

}  // namespace berth::runtime
