#include "tools/daemon.h"

#include "agent/daemon_info.h"
#include "agent/paths.h"
#include "agent/security_groups.h"
#include "agent/task_network.h"
#include "api/ec2_service.h"
#include "api/ecs_service.h"
#include "api/events_service.h"
#include "api/front_door.h"
#include "api/logs_service.h"
#include "api/metrics_service.h"
#include "api/rule_engine.h"
#include "api/scaling_engine.h"
#include "api/scaling_service.h"
#include "api/secrets_service.h"
#include "api/ssm_service.h"
#include "api/sts.h"
#include "base/log.h"
#include "http/server.h"
#include "logs/log_store.h"
#include "metrics/alarm_book.h"
#include "metrics/metric_store.h"
#include "scaling/book.h"
#include "scaling/rule.h"
#include "scheduler/catalog.h"
#include "scheduler/sqlite_store.h"
#include "secrets/secret_store.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/host.h"
#include "sys/listeners.h"
#include "sys/loop.h"
#include "sys/scheduling.h"
#include "sys/socket.h"
#include "sys/spawn.h"
#include "sys/tcp.h"
#include "sys/workers.h"
#include "tools/clock_control.h"
#include "tools/daemon_metrics.h"
#include "tools/event_feed.h"
#include "tools/live_tails.h"
#include "tools/rule_figures.h"
#include "tools/supervisor.h"
#include "tools/task_driver.h"
#include "tools/task_figures.h"
#include "tools/task_input.h"
#include "tools/task_interfaces.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <memory>
#include <optional>
#include <set>

namespace berth::tools {
namespace {

// SDKs keep connections; a closed one costs them another try.
constexpr http::Limits kApiLimits{
    .connections = 256, .body_bytes = 4 * 1024 * 1024, .patience = std::chrono::seconds(60)};
constexpr size_t kTcpListener = 0;  // the first that the server is given
// Nobody signs a scrape; it tells numbers, and names of clusters and operations.
constexpr const char* kMetricsPath = "/metrics";
constexpr const char* kMetricsType = "text/plain; version=0.0.4; charset=utf-8";
constexpr int kTakeOverTries = 20;
constexpr std::chrono::milliseconds kTakeOverPause(50);
constexpr uint8_t kLoopbackNet = 127;
constexpr Duration kFiguresInterval = std::chrono::minutes(1);
constexpr Duration kFigureAge = std::chrono::seconds(1);  // what is looked at is the minute before
constexpr Duration kExpiryInterval = std::chrono::hours(1);
constexpr uint32_t kUnitsOfProcessor = 1024;
constexpr uint64_t kMiB = 1024 * 1024;

Status check_listen(const agent::Config& config, const DaemonOptions& options) {
  bool is_loopback = config.listen.address.value >> 24 == kLoopbackNet;
  if (!options.no_auth || is_loopback) return {};
  return fail(Errc::kInvalid,
              "--no-auth on {}: whoever reaches that address would be root here; listen on "
              "127.0.0.1, or leave signatures on",
              agent::render_listen(config.listen));
}

// A berthd that was killed while it started a program is outlived for a moment by that child of it,
// which has its locks and its port until it becomes the program.
template <class Attempt>
auto take_over(Attempt attempt) -> decltype(attempt()) {
  for (int tries = 1;; ++tries) {
    auto taken = attempt();
    bool is_busy = !taken && (taken.error().code == Errc::kUnavailable ||
                              taken.error().errno_value == EADDRINUSE);
    if (!is_busy || tries == kTakeOverTries) return taken;
    sys::pause_for(kTakeOverPause);
  }
}

// Of this instance, and of its durable state: another instance may have the same root.
struct DaemonLocks {
  sys::FileLock run;
  sys::FileLock root;
};

Result<sys::FileLock> take_lock(const std::string& path, const std::string& directory) {
  auto lock = take_over([&] { return sys::FileLock::try_acquire(path); });
  bool is_taken = !lock && lock.error().code == Errc::kUnavailable;
  if (!is_taken) return lock;
  return fail(Errc::kUnavailable,
              "another berthd serves {}: stop it, or give this one another --root and --run",
              directory);
}

Result<DaemonLocks> take_locks(const agent::InstancePaths& paths) {
  if (sys::own_uid() != 0) {
    return fail(Errc::kDenied, "berthd makes namespaces, mounts and networks: run it as root");
  }
  TRY(sys::make_directories(paths.run, 0711));
  TRY(sys::make_directories(paths.root, 0711));
  TRY(sys::make_directories(paths.daemon(), 0700));
  sys::FileLock run = TRY(take_lock(paths.daemon_run_lock(), paths.run));
  sys::FileLock root = TRY(take_lock(paths.daemon_root_lock(), paths.root));
  return DaemonLocks{std::move(run), std::move(root)};
}

// What is remembered.
struct Memory {
  api::RootKey key;
  std::unique_ptr<scheduler::SqliteStore> store;
  std::unique_ptr<scheduler::Catalog> catalog;
  std::optional<metrics::MetricStore> figures;
  std::optional<metrics::AlarmBook> alarms;
  std::optional<scaling::ScalingBook> scaling;
  std::optional<scaling::RuleBook> rules;
};

Result<Memory> open_memory(const agent::InstancePaths& paths, Env env) {
  Memory memory;
  memory.key = TRY(api::read_or_make_root_key(paths.root_key(), env.rng));
  memory.store = TRY(scheduler::SqliteStore::open(paths.state(), TRY(host_architecture())));
  memory.catalog = TRY(scheduler::Catalog::open(*memory.store, env.rng, env.clock.wall()));
  memory.figures = TRY(metrics::MetricStore::open(paths.root, env.clock.wall()));
  memory.alarms = TRY(metrics::AlarmBook::open(paths.root));
  memory.scaling = TRY(scaling::ScalingBook::open(*memory.store));
  memory.rules = TRY(scaling::RuleBook::open(*memory.store));
  return memory;
}

Result<api::EcsSettings> ecs_settings_of(const agent::Config& config) {
  api::EcsSettings settings;
  settings.region = config.region;
  settings.account = config.account_id;
  settings.architecture = TRY(host_architecture());
  settings.cpu_units = sys::online_processors() * kUnitsOfProcessor;
  settings.memory_mib = static_cast<uint32_t>(sys::memory_bytes() / kMiB);
  netns::Vpc vpc = TRY(agent::vpc_of(config));
  settings.subnets.clear();
  for (const netns::VpcSubnet& subnet : vpc.subnets)
    settings.subnets.emplace(subnet.id, subnet.zone);
  for (const netns::SecurityGroup& group : vpc.groups) {
    settings.security_groups.push_back(group.name);
    settings.security_groups.push_back(netns::id_of_configured_group(group.name));
  }
  settings.has_made_group = [made = netns::GroupStore(config.root)](const std::string& id) {
    return made.has(id);
  };
  return settings;
}

Result<api::Ec2Settings> ec2_settings_of(const agent::Config& config) {
  api::Ec2Settings settings;
  settings.host = {config.account_id, config.region};
  settings.root = config.root;
  settings.bridge = TRY(agent::bridge_plan_of(config));
  settings.vpc = TRY(agent::vpc_of(config));
  return settings;
}

scheduler::ServiceSettings service_settings_of(const agent::Config& config,
                                               const api::EcsSettings& ecs,
                                               const std::string& node_id) {
  scheduler::ServiceSettings settings;
  settings.host = ecs.architecture;
  settings.cpu_units = ecs.cpu_units;
  settings.memory_mib = ecs.memory_mib;
  settings.node_id = node_id;
  settings.healthy_after = std::chrono::seconds(config.service_healthy_seconds);
  return settings;
}

DriverOptions driver_options_of(const agent::Config& config, const DaemonOptions& options) {
  DriverOptions wanted;
  wanted.config = config;
  wanted.userns_host = options.userns_host;
  wanted.sweeper = options.sweeper;
  wanted.cleaner = options.cleaner;
  wanted.endpoint = options.endpoint;
  return wanted;
}

std::vector<ReservingTask> reserving_tasks(scheduler::Core& core) {
  std::vector<ReservingTask> tasks;
  for (const scheduler::Task* task : core.living_tasks()) {
    if (task->last_status() != scheduler::TaskStatus::kRunning) continue;
    ReservingTask reserving{
        .id = task->id, .cluster = task->request.cluster, .service = task->request.service};
    const scheduler::TaskDefinition& definition = task->definition;
    uint64_t cpu = 0;
    uint64_t memory = 0;
    for (const auto& container : definition.container_definitions) {
      cpu += container.cpu;
      memory += container.memory_mib.value_or(container.memory_reservation_mib.value_or(0));
    }
    reserving.cpu_units = definition.cpu.value_or(cpu);
    reserving.memory_bytes = definition.memory_mib.value_or(memory) * kMiB;
    tasks.push_back(std::move(reserving));
  }
  return tasks;
}

// The host's, by which the kernel counts and clients sign, and the one that goes ahead of it.
struct Clocks {
  Clock& host;
  sys::AdvancedClock* advanced = nullptr;  // null: nobody moves it
};

class Daemon {
 public:
  Daemon(const agent::Config& config, const DaemonOptions& options, Memory& memory,
         const api::EcsSettings& ecs, api::Ec2Settings ec2, sys::Loop& loop, Env env,
         const Clocks& clocks)
      : config_(config),
        options_(options),
        paths_(agent::paths_of(config)),
        services_(service_settings_of(config, ecs, memory.catalog->node_id())),
        loop_(loop),
        clock_(env.clock),
        clocks_(clocks),
        supervisor_(aws::parse_environment(sys::own_environment()), loop),
        driver_(driver_options_of(config, options), *memory.store, loop, env),
        ecs_(driver_.core(), *memory.catalog, env, ecs, [this] { return driver_.step(); }),
        sessions_(options.sessions, config, env),
        metrics_(env.clock.wall()),
        feed_(loop, env.rng),
        ec2_(with_interfaces(std::move(ec2)), env),
        sts_(memory.key, env),
        memory_(memory),
        host_{ecs.cpu_units, ecs.memory_mib * kMiB},
        cloudwatch_(*memory.figures, *memory.alarms, {config.account_id, config.region}),
        scaling_({driver_.core(), *memory.scaling, *memory.alarms, *memory.figures},
                 {config.account_id, config.region}, env, [this] { return driver_.step(); }),
        autoscaling_(scaling_, {config.account_id, config.region},
                     [this] { wait_for_schedules(); }),
        rules_(*memory.rules, ecs_, {config.account_id, config.region}, env),
        events_(rules_, {config.account_id, config.region}, [this] { wait_for_schedules(); }),
        logs_(paths_.root, env.clock),
        secrets_(secrets::SecretStore(paths_.root), {config.account_id, config.region}, env),
        ssm_(secrets::SecretStore(paths_.root), {config.account_id, config.region}, env),
        door_(memory.key, {config.account_id, config.region}, env),
        server_(
            loop, clocks.host,
            [this](const http::Request& request, size_t listener,
                   const http::Server::Reply& reply) { answer(request, listener, reply); },
            kApiLimits) {
    door_.date_signatures_by(clocks.host);
    ecs_.execute_by(sessions_);
    door_.observe([this](const api::Exchanged& exchanged) { metrics_.count(exchanged); });
    driver_.watch([this](const scheduler::Change& change) {
      metrics_.count(change);
      feed_.add(change);
    });
    driver_.watch_services(
        [this](const scheduler::ServiceKey& service, const scheduler::ServiceEvent& event) {
          feed_.add(service, event);
        });
    rules_.watch([this](const api::RuleRun& run) { tell_rule_run(run); });
    server_.on_upgrade(
        [this](const http::Request& request, size_t) { return sessions_.accept(request); });
    server_.on_stream([this](const http::Request& request, size_t listener,
                             const http::Server::StreamReply& reply) {
      return answer_with_stream(request, listener, reply);
    });
    cloudwatch_.watch([this] { loop_.post([this] { follow_alarms(); }); });
    memory_.alarms->ask_about_actions(
        [this](const metrics::AlarmBase& alarm, const std::string& action) {
          return scaling_.why_not_called(alarm, action);
        });
    door_.open("application-autoscaling", autoscaling_);
    door_.open("ec2", ec2_);
    door_.open("ecs", ecs_);
    door_.open("events", events_);
    door_.open("logs", logs_);
    door_.open("monitoring", cloudwatch_);
    door_.open("secretsmanager", secrets_);
    door_.open("ssm", ssm_);
    door_.open("sts", sts_);
  }

  Status run() {
    TRY(loop_.on_signals({SIGINT, SIGTERM, SIGHUP, SIGPIPE}, [this](int signal) {
      if (signal == SIGHUP) return hand_over();
      if (signal != SIGPIPE) loop_.stop();
    }));
    // Not before: threads take over which signals are the loop's.
    slow_ = std::make_unique<sys::Workers>(loop_, 1);
    live_tails_ = std::make_unique<LiveTails>(logs_, loop_, *slow_);
    // Who asks is answered while tasks start on the same processors.
    auto preferred = sys::prefer_this_thread();
    if (preferred && *preferred == sys::Preference::kAtOnce) {
      auto settled = sys::settle_this_thread();
      if (!settled) LOG(kWarn, "answers wait behind starts", {{"why", settled.error().text}});
    }
    if (!preferred) LOG(kWarn, "answers wait behind starts", {{"why", preferred.error().text}});
    if (preferred && *preferred == sys::Preference::kNice) {
      LOG(kInfo, "answers may wait behind starts: no real time for its control group", {});
    }
    services_.unsuited = [this](const scheduler::Service& service,
                                const scheduler::RevisionSpec& revision) {
      return ecs_.unsuited(service, revision);
    };
    services_.drains = [this](const std::string& cluster) { return ecs_.drains(cluster); };
    TRY(driver_.start(std::move(services_)));
    restore_groups();
    expire_logs();
    purge_secrets();
    TRY(scaling_.reconcile());
    look_at_tasks();
    run_schedules();
    if (clocks_.advanced != nullptr) {
      clock_control_ = std::make_unique<ClockControl>(*clocks_.advanced, loop_, *slow_,
                                                      paths_.daemon() + ClockControl::kFile,
                                                      [this] { return has_changing_tasks(); });
    }
    TRY(listen());
    supervisor_.ready();
    Status served = loop_.run();
    supervisor_.stopping();
    hang_up();
    return served;
  }

 private:
  // Sockets that our supervisor or our predecessor opened.
  struct Given {
    sys::Fd tcp;
    sys::Fd root;
  };
  Result<Given> take_given() {
    Given given;
    for (sys::Fd& listener : sys::take_given_listeners()) {
      auto place = TRY(sys::place_of_listener(listener.get()));
      if (place.is_unix) {
        bool is_ours = place.path == paths_.daemon_socket() && sys::exists(place.path);
        if (is_ours) given.root = std::move(listener);
        continue;
      }
      sys::TcpAddress at = TRY(sys::local_address(listener.get()));
      bool is_wanted = at.address == config_.listen.address &&
                       (at.port == config_.listen.port || config_.listen.port == 0);
      if (is_wanted) given.tcp = std::move(listener);
    }
    return given;
  }

  Result<sys::Fd> listen_for_clients() {
    auto tcp = take_over([&] { return sys::listen_tcp(config_.listen, sys::AddressNeed::kNow); });
    if (tcp) return tcp;
    return wrap(std::move(tcp).error(), "--listen {}", agent::render_listen(config_.listen));
  }

  // Returns only when there is no successor. What it has is on disk; that we had threads and half
  // done work is what a death of ours would have left, too.
  void hand_over() {
    auto handed_over = [this]() -> Status {
      sys::Program check;
      check.path = options_.own.front();
      check.arguments = options_.own;
      check.arguments.push_back("--print-config");
      sys::Output checked = TRY(sys::run_program(std::move(check), ""));
      if (checked.status.shell_code() != 0) return fail(Errc::kInvalid, "{}", checked.err);
      LOG(kInfo, "berthd hands over", {{"program", options_.own.front()}});
      return sys::become_with_listeners(options_.own, server_.listeners());
    }();
    LOG(kError, "berthd stays what it is", {{"why", handed_over.error().text}});
  }

  Status listen() {
    Given given = TRY(take_given());
    if (!given.tcp) given.tcp = TRY(listen_for_clients());
    if (!given.root) given.root = TRY(sys::listen_private_stream(paths_.daemon_socket()));
    sys::TcpAddress at = TRY(sys::local_address(given.tcp.get()));
    TRY(server_.listen(std::move(given.tcp)));
    TRY(server_.listen(std::move(given.root)));
    agent::DaemonInfo info{sys::own_pid(), at};
    TRY(sys::write_replace(paths_.daemon_info(), agent::render_daemon_info(info), 0644));
    LOG(kInfo, "berthd serves", {{"listen", agent::render_listen(at)}, {"run", paths_.run}});
    if (options_.no_auth) {
      LOG(kWarn, "signatures are not verified: every program of this host may do everything",
          {{"listen", agent::render_listen(at)}});
    }
    return {};
  }

  // A file that stays says only where we were; the next berthd replaces it.
  void hang_up() {
    for (const std::string& path : {paths_.daemon_info(), paths_.daemon_socket()}) {
      auto removed = sys::remove_file(path);
      if (!removed) LOG(kWarn, "stays", {{"path", path}, {"why", removed.error().text}});
    }
  }

  void answer(const http::Request& request, size_t listener, const http::Server::Reply& reply) {
    if (request.method == "GET" && request.path == kMetricsPath) {
      return reply(
          {.content_type = kMetricsType, .body = metrics_.render(driver_.core(), own_figures())});
    }
    if (request.path == ClockControl::kPath && listener != kTcpListener) {
      if (clock_control_ != nullptr) return clock_control_->answer(request, reply);
      return reply(ClockControl::refusal());
    }
    bool asks_for_events = request.method == "GET" && request.path == EventFeed::kPath;
    if (asks_for_events && listener != kTcpListener) return feed_.answer(request, reply);
    auto admitted = door_.admit(request, entrance_of(listener));
    if (!admitted) return reply(std::move(admitted).error());
    if (!admitted->service->is_slow(admitted->call)) {
      return reply(door_.finish(*admitted, api::FrontDoor::ask(*admitted)));
    }
    slow_->submit([this, admitted = std::move(*admitted), reply]() -> sys::Workers::Completion {
      return [this, admitted, reply, answered = api::FrontDoor::ask(admitted)] {
        reply(door_.finish(admitted, answered));
      };
    });
  }

  api::Entrance entrance_of(size_t listener) const {
    bool is_proved = listener == kTcpListener && !options_.no_auth;
    return is_proved ? api::Entrance::kSigned : api::Entrance::kTrusted;
  }

  // StartLiveTail alone.
  bool answer_with_stream(const http::Request& request, size_t listener,
                          const http::Server::StreamReply& reply) {
    if (!LiveTails::is_for(request)) return false;
    auto admitted = door_.admit(request, entrance_of(listener));
    if (!admitted) {
      reply(tl::unexpected(std::move(admitted).error()));
      return true;
    }
    slow_->submit([this, admitted = std::move(*admitted), reply]() -> sys::Workers::Completion {
      return [this, admitted, reply, answered = api::FrontDoor::ask(admitted)] {
        http::Response answer = door_.finish(admitted, answered);
        if (!answered) return reply(tl::unexpected(std::move(answer)));
        reply(live_tails_->begin(answer));
      };
    });
    return true;
  }

  api::Ec2Settings with_interfaces(api::Ec2Settings ec2) {
    ec2.interfaces = [this] { return tools::task_interfaces(driver_.core()); };
    return ec2;
  }

  void restore_groups() {
    slow_->submit([this]() -> sys::Workers::Completion {
      auto restored = ec2_.restore();
      if (!restored) {
        LOG(kError, "rules of security groups may be old", {{"why", restored.error().text}});
      }
      return [] {};
    });
  }

  // What tasks use goes to CloudWatch's metrics, once a minute; then its alarms are looked at.
  void look_at_tasks() {
    slow_->submit([this]() -> sys::Workers::Completion {
      auto used = tools::look_at_tasks(config_, clocks_.host);
      return [this, used = std::move(used)]() mutable { keep_figures(std::move(used)); };
    });
    // As the minute ends, so that each has one figure.
    Duration since = clock_.wall().time_since_epoch() % kFiguresInterval;
    loop_.after(kFiguresInterval - since, [this] { look_at_tasks(); });
  }

  void keep_figures(Result<UsedByTasks> used) {
    WallTime now = clock_.wall();
    if (used) {
      auto at =
          std::chrono::duration_cast<std::chrono::seconds>((now - kFigureAge).time_since_epoch())
              .count();
      auto data = figures_of(reserving_tasks(driver_.core()), used_, *used, host_, at);
      auto kept = memory_.figures->add(data, metrics::Durability::kWritten, now);
      if (!kept) LOG(kWarn, "what tasks use is not kept", {{"why", kept.error().text}});
      used_ = std::move(*used);
    } else {
      LOG(kWarn, "what tasks use is not known", {{"why", used.error().text}});
    }
    auto evaluated = memory_.alarms->evaluate(*memory_.figures, now);
    if (!evaluated) LOG(kWarn, "alarms stay as they are", {{"why", evaluated.error().text}});
    follow_alarms();
  }

  // Who was not there when a rule was due hears of it afterwards.
  void tell_rule_run(const api::RuleRun& run) {
    feed_.add(run);
    auto kept = memory_.figures->add(figures_of(run), metrics::Durability::kWritten, clock_.wall());
    if (!kept) LOG(kWarn, "what a rule did is not kept", {{"why", kept.error().text}});
  }

  // Who waits for alarms: deployments, and policies that scale.
  void follow_alarms() {
    const std::set<std::string> raised = driver_.core().services().raised_alarms();
    bool has_changed = false;
    auto tell = [&](const std::string& name, bool is_raised) {
      has_changed = true;
      driver_.core().submit(scheduler::ServiceRequest(scheduler::AlarmChanged{name, is_raised}));
    };
    const std::set<std::string> alarms = memory_.alarms->raised();
    for (const std::string& name : alarms) {
      if (!raised.contains(name)) tell(name, /*is_raised=*/true);
    }
    for (const std::string& name : raised) {
      if (!alarms.contains(name)) tell(name, /*is_raised=*/false);
    }
    auto stepped = has_changed ? driver_.step() : Status();
    if (!stepped) LOG(kError, "alarms are not told", {{"why", stepped.error().text}});
    scaling_.look();
  }

  bool has_changing_tasks() {
    return std::ranges::any_of(driver_.core().living_tasks(), [](const scheduler::Task* task) {
      return task->last_status() != scheduler::TaskStatus::kRunning;
    });
  }

  // Scheduled actions, and rules.
  void run_schedules() {
    scaling_.run_due();
    rules_.run_due();
    wait_for_schedules();
  }

  void wait_for_schedules() {
    auto next = scaling_.next_due();
    auto rule = rules_.next_due();
    if (rule && (!next || *rule < *next)) next = rule;
    if (next == schedule_due_) return;
    if (schedule_due_) loop_.cancel(schedule_timer_);
    schedule_due_ = next;
    if (!next) return;
    schedule_timer_ = loop_.after(std::max(*next - clock_.wall(), Duration(0)), [this] {
      schedule_due_.reset();
      run_schedules();
    });
  }

  // Secrets whose recovery window is over, likewise.
  void purge_secrets() {
    auto purged = secrets::SecretStore(paths_.root).purge(clock_.wall());
    if (!purged) LOG(kWarn, "secrets stay", {{"why", purged.error().text}});
    loop_.after(kExpiryInterval, [this] { purge_secrets(); });
  }

  // Events whose time is over, now and every so often.
  void expire_logs() {
    slow_->submit([root = paths_.root, now = clock_.wall()] {
      auto expired = logs::expire_log_groups(root, now);
      if (!expired) LOG(kWarn, "old log events stay", {{"why", expired.error().text}});
      return sys::Workers::Completion([] {});
    });
    loop_.after(kExpiryInterval, [this] { expire_logs(); });
  }

  const agent::Config& config_;
  const DaemonOptions& options_;
  agent::InstancePaths paths_;
  scheduler::ServiceSettings services_;  // until they are opened
  sys::Loop& loop_;
  Clock& clock_;
  Clocks clocks_;
  Supervisor supervisor_;
  TaskDriver driver_;
  api::EcsService ecs_;
  ExecSessions sessions_;
  DaemonMetrics metrics_;
  EventFeed feed_;
  api::Ec2Service ec2_;
  api::Sts sts_;
  Memory& memory_;
  HostSize host_;
  UsedByTasks used_{};
  api::MetricsService cloudwatch_;
  api::ScalingEngine scaling_;
  api::ScalingService autoscaling_;
  api::RuleEngine rules_;
  api::EventsService events_;
  api::LogsService logs_;
  api::SecretsService secrets_;
  api::SsmService ssm_;
  std::unique_ptr<sys::Workers> slow_;  // the thread of the service
  std::unique_ptr<ClockControl> clock_control_;
  std::optional<WallTime> schedule_due_{};
  sys::Loop::TimerId schedule_timer_ = 0;
  api::FrontDoor door_;
  http::Server server_;
  std::unique_ptr<LiveTails> live_tails_;
};

}  // namespace

Status serve_daemon(const agent::Config& config, const DaemonOptions& options) {
  TRY(check_listen(config, options));
  agent::InstancePaths paths = agent::paths_of(config);
  DaemonLocks locks = TRY(take_locks(paths));
  sys::SystemClock system_clock;
  sys::AdvancedClock clock(system_clock);
  if (options.virtual_clock)
    TRY(ClockControl::restore(clock, paths.daemon() + ClockControl::kFile));
  sys::SystemRng rng;
  Env env{clock, rng};
  Memory memory = TRY(open_memory(paths, env));
  auto loop = TRY(sys::Loop::make(clock));
  api::EcsSettings ecs = TRY(ecs_settings_of(config));
  return Daemon(config, options, memory, ecs, TRY(ec2_settings_of(config)), *loop, env,
                {system_clock, options.virtual_clock ? &clock : nullptr})
      .run();
}

}  // namespace berth::tools
