// berth system endpoint TASK: answers what the containers of a task ask at 169.254.170.2. Not for
// people: the task's shim starts it when a container asks, with the listening sockets as
// descriptors 3, 4, ... (runtime/endpoint_program.h), and starts it again when it has ended.
#include "agent/aws_http.h"
#include "agent/fault_injection.h"
#include "agent/paths.h"
#include "agent/role_credentials.h"
#include "agent/task_endpoint.h"
#include "aws/curl_http.h"
#include "aws/environment.h"
#include "base/log.h"
#include "http/server.h"
#include "netns/firewall.h"
#include "runtime/endpoint_program.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/socket.h"
#include "sys/spawn.h"
#include "sys/tcp.h"
#include "sys/workers.h"
#include "tools/commands.h"
#include "tools/system_commands.h"

#include <sys/epoll.h>

#include <algorithm>

namespace berth::tools {
namespace {

constexpr size_t kDocumentMax = 4 * 1024 * 1024;
// Nobody has asked for so long: the next who asks waits for our start again (some ten
// milliseconds).
constexpr Duration kIdleMax = std::chrono::seconds(60);

// Asks for the role's credentials on a worker: STS may be slow, and the metadata is not to wait for
// it.
class RoleWorker {
 public:
  RoleWorker(agent::RoleRequest request, aws::CurlOptions http, sys::Loop& loop, Clock& clock)
      : http_(std::move(http)), credentials_(std::move(request), http_, clock), workers_(loop, 1) {}

  void ask(agent::TaskEndpoint::FoundCredentials found) {
    workers_.submit([this, found = std::move(found)]() -> sys::Loop::Task {
      return [found, credentials = credentials_.get()] { found(credentials); };
    });
  }

 private:
  aws::CurlHttp http_;
  agent::RoleCredentials credentials_;
  sys::Workers workers_;  // last: its job ends before what it works on goes
};

Result<std::unique_ptr<RoleWorker>> make_role_worker(const agent::Config& config,
                                                     const runtime::TaskPlan& plan,
                                                     const agent::TaskMetadata& metadata,
                                                     sys::Loop& loop, Clock& clock) {
  auto role = metadata.role();
  if (!role) return nullptr;
  agent::RoleRequest request;
  request.rule = TRY(agent::find_role(config.roles, role->arn));
  request.role_arn = role->arn;
  request.session_name = plan.task_id;
  request.region = config.region;
  std::vector<std::string> environment = sys::own_environment();
  request.environment = aws::parse_environment(environment);
  return std::make_unique<RoleWorker>(std::move(request),
                                      agent::aws_http_options(config, environment), loop, clock);
}

// Of a task that may ask for faults and has a network for them, which is that of its first socket.
Result<std::unique_ptr<agent::FaultInjection>> make_fault_injection(
    const agent::Config& config, const runtime::TaskPlan& plan, const agent::TaskMetadata& metadata,
    sys::Loop& loop) {
  std::vector<agent::EndpointSocket> sockets = agent::endpoint_sockets(plan);
  if (!metadata.fault_injection_enabled() || !agent::has_fault_network(sockets)) return nullptr;
  agent::FaultPlace place;
  place.task_id = plan.task_id;
  place.table_prefix =
      fmt::format("{}_fault_{}", netns::table_name(agent::instance_of(config.run)), plan.task_id);
  place.endpoint = {runtime::kEndpointAddress, runtime::kEndpointPort};
  if (agent::is_in_hosts_network(sockets.front())) {
    auto at = TRY(sys::local_address(runtime::kEndpointFirstFd));
    place.endpoint = {at.address, at.port};
    place.host_record_directory = plan.directory;
  }
  sys::Fd network = TRY(sys::network_namespace_of(runtime::kEndpointFirstFd));
  return std::make_unique<agent::FaultInjection>(std::move(place), std::move(network), loop);
}

class EndpointSession {
 public:
  EndpointSession(runtime::TaskPlan plan, agent::TaskMetadata metadata,
                  agent::TaskEndpoint::Sources sources, sys::Loop& loop, Env env)
      : sockets_(agent::endpoint_sockets(plan).size()),
        socket_path_(runtime::TaskPaths{plan.directory}.socket()),
        loop_(loop),
        env_(env),
        endpoint_(std::move(plan), std::move(metadata), std::move(sources), loop, env),
        server_(
            loop, env.clock,
            [this](const http::Request& request, size_t listener,
                   const http::Server::Reply& reply) {
              last_asked_ = env_.clock.now();
              endpoint_.handle(request, listener, reply);
            },
            http::Limits{}) {}

  Status run() {
    shim_ = TRY(sys::connect_unix(socket_path_));
    TRY(sys::set_nonblocking(shim_.get()));
    TRY(loop_.watch(shim_.get(), EPOLLIN, [this](uint32_t) { hear_shim(); }));
    last_asked_ = env_.clock.now();
    loop_.after(kIdleMax, [this] { check_idle(); });
    TRY(loop_.run());
    return result_;
  }

 private:
  void hear_shim() {
    while (true) {
      auto message = sys::receive_message(shim_.get());
      if (!message && message.error().code == Errc::kUnavailable) return;
      if (!message || message->bytes.empty()) return loop_.stop();  // the task is over
      auto event = runtime::parse_event(message->bytes);
      if (!event) {
        LOG(kWarn, "shim not understood", {{"why", event.error().text}});
        continue;
      }
      if (event->kind == runtime::ShimEvent::Kind::kUpToDate) begin();
      endpoint_.observe(*event);
    }
  }

  // From here on we know what has happened: who asks gets the truth.
  void begin() {
    for (size_t i = 0; i < sockets_; ++i) {
      int fd = runtime::kEndpointFirstFd + static_cast<int>(i);
      auto begun = sys::set_cloexec(fd);
      if (begun) begun = server_.listen(sys::Fd(fd));
      if (begun) continue;
      result_ = std::move(begun);
      return loop_.stop();
    }
  }

  void check_idle() {
    Duration idle = env_.clock.now() - last_asked_;
    if (idle >= kIdleMax && server_.connections() == 0) return loop_.stop();
    loop_.after(std::max<Duration>(kIdleMax - idle, std::chrono::seconds(1)),
                [this] { check_idle(); });
  }

  size_t sockets_;
  std::string socket_path_;
  sys::Loop& loop_;
  Env env_;
  sys::Fd shim_;
  Instant last_asked_{};
  Status result_;
  agent::TaskEndpoint endpoint_;
  http::Server server_;
};

Status serve_endpoint(const agent::Config& config, const std::string& task_id) {
  runtime::TaskPaths paths = agent::paths_of(config).task(task_id);
  auto plan = TRY(runtime::parse_task_plan(TRY(sys::read_file(paths.plan(), runtime::kTaskPlanMax)),
                                           paths.plan()));
  auto metadata = TRY(agent::TaskMetadata::parse(
      TRY(sys::read_file(paths.endpoint(), kDocumentMax)), paths.endpoint()));
  sys::SystemClock clock;
  sys::SystemRng rng;
  auto loop = TRY(sys::Loop::make(clock));
  // A mapping that has gone since the task's start takes the credentials, not the metadata.
  auto worker = make_role_worker(config, plan, metadata, *loop, clock);
  auto ask = [&worker](agent::TaskEndpoint::FoundCredentials found) {
    if (!worker) return found(tl::unexpected<Error>(worker.error()));
    (*worker)->ask(std::move(found));
  };
  auto faults = TRY(make_fault_injection(config, plan, metadata, *loop));
  auto ask_fault = [&faults](agent::FaultCall call, std::optional<agent::Fault> fault,
                             http::Server::Reply reply) {
    faults->ask(call, std::move(fault), std::move(reply));
  };
  return EndpointSession(std::move(plan), std::move(metadata), {ask, ask_fault}, *loop,
                         Env{clock, rng})
      .run();
}

}  // namespace

int endpoint_command(const agent::Config& config, const std::string& task_id) {
  return exit_code(serve_endpoint(config, task_id));
}

}  // namespace berth::tools
