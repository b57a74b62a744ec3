#include "runtime/shim.h"

#include "base/json.h"
#include "base/log.h"
#include "runtime/endpoint_program.h"
#include "runtime/ephemeral_storage.h"
#include "runtime/shim_audience.h"
#include "runtime/task_group.h"
#include "runtime/task_namespaces.h"
#include "runtime/task_runner.h"
#include "runtime/volumes.h"
#include "sys/file.h"
#include "sys/loop.h"
#include "sys/mount.h"
#include "sys/process.h"

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include <csignal>
#include <memory>
#include <utility>

namespace berth::runtime {
namespace {

constexpr size_t kIdentityMax = 4096;

// Holds what a task has of the host, and carries orders from those who are connected to the task,
// and its news to them.
class Shim {
 public:
  Shim(const TaskPlan& plan, Env env, sys::Loop& loop)
      : plan_(plan),
        env_(env),
        loop_(loop),
        group_(plan),
        audience_(
            env, loop,
            {.order = [this](int connection, const ShimOrder& order,
                             std::vector<sys::Fd> fds) { obey(connection, order, std::move(fds)); },
             .left = [this](int connection) { miss(connection); }}),
        runner_(
            plan, env, loop, group_, [this](const ShimEvent& event) { audience_.tell(event); },
            [this] { finish(); }) {
    if (plan_.endpoint) {
      endpoint_ = std::make_unique<EndpointProgram>(plan_.endpoint->command, loop_, env_);
    }
  }

  Status serve(ShimInheritance inheritance) {
    int connection = inheritance.agent.get();
    TRY(audience_.adopt(std::move(inheritance.agent)));
    host_listener_ = std::move(inheritance.endpoint);
    if (plan_.foreground) owner_ = connection;
    auto prepared = prepare(connection);
    if (!prepared) {
      group_.remove();
      audience_.tell(
          {.kind = ShimEvent::Kind::kFailed, .at = now(), .text = prepared.error().text});
      return prepared;
    }
    if (runner_.is_finished()) return {};  // the agent was gone before there was anything to serve
    runner_.create_early({.supervisor = alive_.read.get(),
                          .user_namespace = namespaces_.user ? namespaces_.user.get() : -1,
                          .ids = plan_.ids});
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
      if (signal != SIGPIPE) runner_.request_stop();
    }));
    TRY(audience_.listen(TaskPaths{plan_.directory}.socket()));
    namespaces_ = TRY(make_task_namespaces(plan_));
    if (plan_.ephemeral_storage) TRY(mount_ephemeral_storage(*plan_.ephemeral_storage));
    for (const VolumePlan& volume : plan_.volumes) TRY(mount_volume(volume));
    TRY(watch_endpoint());
    TRY(watch_resolver());
    TRY(group_.make());
    hand_namespaces(connection, {{"namespaces and cgroup", env_.clock.now() - begin}});
    return {};
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
      if (!network.resolver.questions) continue;
      ++networks;
      for (const ResolverSockets* each : {&network.resolver, &network.resolver6}) {
        if (!each->questions) continue;
        sockets.push_back({each->questions.get()});
        sockets.push_back({each->answers.get(), /*starts=*/false});
        sockets.push_back({each->connections.get()});
      }
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

  void hand_namespaces(int connection, std::vector<TimedStep> steps) {
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
    audience_.hand(connection, event, fds);
    // The sockets into the networks were for the agent alone.
    for (TaskNetwork& network : namespaces_.networks) network.rtnetlink.reset();
  }

  // ---- orders ----

  void obey(int connection, const ShimOrder& order, std::vector<sys::Fd> fds) {
    switch (order.request) {
      case ShimRequest::kStart:
        return runner_.begin();
      case ShimRequest::kStop:
        tell_stop_requested();
        return runner_.request_stop();
      case ShimRequest::kKill:
        tell_stop_requested();
        return runner_.kill();
      case ShimRequest::kHold:
        return runner_.hold();
      case ShimRequest::kResume:
        return runner_.resume();
      case ShimRequest::kAttach:
        return attach(connection, order, std::move(fds));
      case ShimRequest::kResize:
        if (auto* container = runner_.find(order.container)) container->resize(order.window);
        return;
      case ShimRequest::kSignal:
        if (auto* container = runner_.find(order.container)) container->signal(order.signal);
        return;
    }
  }

  // Once, and before what comes of it: whoever asks is not the only one who wants to know why the
  // task ends.
  void tell_stop_requested() {
    if (runner_.is_stopping()) return;
    ShimEvent event;
    event.kind = ShimEvent::Kind::kStopRequested;
    event.at = now();
    audience_.tell(event);
  }

  // What is not taken hangs up with its descriptors.
  void attach(int connection, const ShimOrder& order, std::vector<sys::Fd> fds) {
    auto refuse_client = [&](std::string why) {
      LOG(kWarn, "client not attached", {{"container", order.container}, {"why", why}});
      audience_.tell_one(connection, {.kind = ShimEvent::Kind::kAttachRefused,
                                      .container = order.container,
                                      .at = now(),
                                      .text = std::move(why)});
    };
    ShimContainer* container = runner_.find(order.container);
    if (container == nullptr || fds.empty()) {
      return refuse_client("there is nothing of that name to attach to");
    }
    if (runner_.has_stopped(order.container)) {
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
      audience_.tell_one(
          connection,
          {.kind = ShimEvent::Kind::kOutputMissed,
           .container = name,
           .at = now(),
           .text = fmt::format("{} bytes were not shown: they were not read as fast as they came",
                               bytes)});
    };
    auto attached = container->attach(std::move(visitor));
    if (!attached) return refuse_client(attached.error().text);
    container->resize(order.window);
  }

  void miss(int connection) {
    runner_.client_left(connection);
    if (connection != owner_) return;
    owner_ = -1;
    runner_.request_stop();
  }

  // ---- the end ----

  void finish() {
    Instant begin = env_.clock.now();
    if (endpoint_) endpoint_->end();
    if (resolver_) resolver_->end();
    runner_.release();
    namespaces_.pids.reset();
    group_.remove();
    ShimEvent event;
    event.kind = ShimEvent::Kind::kTaskStopped;
    event.at = now();
    event.steps = {{"delete", env_.clock.now() - begin}};
    audience_.tell(event);
    loop_.stop();
  }

  const TaskPlan& plan_;
  Env env_;
  sys::Loop& loop_;
  TaskGroup group_;
  TaskNamespaces namespaces_;
  sys::Fd host_listener_;
  std::unique_ptr<EndpointProgram> endpoint_;  // null: the plan has none
  std::unique_ptr<EndpointProgram> resolver_;  // likewise
  sys::Pipe alive_;  // closes with us: containers that wait for their start end then
  int owner_ = -1;   // the connection whose end stops a foreground task
  ShimAudience audience_;
  TaskRunner runner_;
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
