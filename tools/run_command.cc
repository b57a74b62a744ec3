// berth run: one task, in the foreground or looked after by a keeper (keeper.h). The scheduler core
// and the agent live in this process; the store is thrown away at the end.
#include "agent/agent.h"
#include "agent/detached.h"
#include "agent/event_log.h"
#include "agent/log_follower.h"
#include "agent/paths.h"
#include "agent/security_groups.h"
#include "base/ids.h"
#include "base/log.h"
#include "scheduler/core.h"
#include "scheduler/exit_code.h"
#include "scheduler/overrides.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "tools/commands.h"
#include "tools/keeper.h"
#include "tools/log_printer.h"
#include "tools/own_console.h"
#include "tools/placement.h"
#include "tools/pull_progress.h"
#include "tools/system_commands.h"
#include "tools/task_input.h"

#include <unistd.h>
#include <csignal>
#include <cstdio>

namespace berth::tools {
namespace {

std::vector<std::string> container_names(const scheduler::TaskDefinition& definition) {
  std::vector<std::string> names;
  for (const auto& container : definition.container_definitions) names.push_back(container.name);
  return names;
}

// One `berth run` from its first event to the task's STOPPED.
class RunSession {
 public:
  RunSession(const agent::Config& config, const RunOptions& options,
             scheduler::TaskDefinition definition, std::unique_ptr<OwnConsole> console,
             sys::Loop& loop, Env env)
      : options_(options),
        definition_(std::move(definition)),
        loop_(loop),
        env_(env),
        task_id_(make_task_id(env.rng)),
        core_(store_, env.rng),
        events_(agent::paths_of(config).events(task_id_)),
        report_(options.report_fd, loop, [this] { stop(); }),
        progress_(stderr, ProgressStyle::kTerminal, env.clock),
        printer_(container_names(definition_), options.container,
                 ::isatty(STDOUT_FILENO) == 1 ? Colour::kAlways : Colour::kNever, stdout, stderr),
        console_(std::move(console)),
        agent_({.config = config,
                .userns_host = options.userns_host,
                .foreground = !is_keeper_,
                .progress = [this](const image::Progress& p) { progress_.update(p); },
                .sweeper = options.sweeper,
                .security_groups = options.security_groups,
                .console = console_ ? std::optional(console_->client()) : std::nullopt,
                .endpoint = options.endpoint},
               loop, env, [this](scheduler::Event event) { submit(std::move(event)); }) {}

  Result<int> run() {
    TRY(loop_.on_signals({SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH},
                         [this](int signal) { handle(signal); }));
    TRY(agent_.prepare());
    submit(scheduler::RunTaskRequested{task_id_, definition_});
    TRY(loop_.run());
    if (failure_) return tl::unexpected<Error>(*failure_);
    const scheduler::Task* task = core_.find_task(task_id_);
    summarize(*task);
    return scheduler::exit_code_of(*task);
  }

 private:
  void submit(scheduler::Event event) {
    LOG(kDebug, "event", {{"name", scheduler::name_of(event)}, {"task", task_id_}});
    // The logs must be read before the agent removes them with the task.
    if (std::holds_alternative<scheduler::TaskStopped>(event)) drain();
    if (console_) tell_console(event);
    if (const auto* changed = std::get_if<scheduler::ContainerHealthChanged>(&event)) {
      tell(scheduler::summarize(changed->container, changed->health));
    }
    if (const auto* restarted = std::get_if<scheduler::ContainerRestarted>(&event)) {
      tell(scheduler::summarize(*restarted));
    }
    bool started = std::holds_alternative<scheduler::ImagesPulled>(event);
    core_.submit(std::move(event));
    auto commands = core_.step(env_.clock.wall());
    if (!commands) return give_up(std::move(commands).error());
    record();
    if (started && !is_keeper_) follow_logs();
    for (const scheduler::Command& command : *commands) agent_.execute(command);
    const scheduler::Task* task = core_.find_task(task_id_);
    if (task == nullptr) return;
    if (report_.is_due() && task->started_at) report_running();
    if (task->last_status() == scheduler::TaskStatus::kStopped) loop_.stop();
  }

  // A task whose events cannot be written goes on: they are for people.
  void record() {
    std::vector<scheduler::Change> changes = store_.history(task_id_, recorded_);
    // The request waits for what comes of it: the task's directories are not ours before its lock
    // is.
    if (recorded_ == 0 && changes.size() < 2) return;
    for (const scheduler::Change& change : changes) {
      auto written = events_.append(change);
      if (!written) LOG(kWarn, "event not recorded", {{"why", written.error().text}});
    }
    recorded_ += changes.size();
  }

  void drain() {
    if (console_) end_console();
    if (follower_) follower_->drain();
  }

  // Our terminal stays as the container's needs it until all of that is shown.
  void end_console() {
    console_->drain();
    console_->end();
  }

  void tell_console(const scheduler::Event& event) {
    const auto* started = std::get_if<scheduler::ContainerStarted>(&event);
    if (started != nullptr && started->container == console_->container()) {
      auto begun = console_->begin();
      if (!begun) LOG(kWarn, "standard input is not passed on", {{"why", begun.error().text}});
    }
    const auto* exited = std::get_if<scheduler::ContainerExited>(&event);
    if (exited != nullptr && exited->container == console_->container()) end_console();
  }

  void report_running() {
    auto told = report_.tell(task_id_);
    if (!told) stop();  // nobody knows of it
  }

  void stop() {
    submit(scheduler::StopRequested{task_id_, scheduler::StopCode::kUserInitiated, ""});
  }

  std::string for_terminal(const std::string& text) const {
    return console_ ? console_->line_for_terminal(text) : text;
  }

  void tell(const std::string& text) const {
    std::fputs(for_terminal(fmt::format("berth: {}\n", text)).c_str(), stderr);
  }

  void give_up(Error error) {
    failure_ = std::move(error);
    loop_.stop();
  }

  void follow_logs() {
    auto follower = agent::LogFollower::start(
        loop_, agent_.log_paths(*core_.find_task(task_id_)),
        [this](const std::string& container, const agent::LogRecord& record) {
          if (console_ && console_->shows(container)) return;
          printer_.print(container, record.stream, for_terminal(record.text));
        });
    if (!follower) return give_up(std::move(follower).error());
    follower_ = std::move(*follower);
  }

  void handle(int signal) {
    if (signal != SIGWINCH) return interrupted();
    if (console_) agent_.resize(task_id_, console_->container(), console_->window());
  }

  // The first signal asks, the second one ends it.
  void interrupted() {
    if (++interrupts_ == 1) {
      std::fprintf(stderr, "berth: stopping the task; once more kills it\n");
      return stop();
    }
    submit(scheduler::KillRequested{task_id_, ""});
  }

  void summarize(const scheduler::Task& task) {
    printer_.finish();
    for (const scheduler::Container& container : task.containers) {
      std::fprintf(stderr, "berth: %s\n", scheduler::summarize(container).c_str());
    }
    std::fprintf(stderr, "berth: %s\n", scheduler::summarize(task).c_str());
    if (!options_.timing) return;
    for (const agent::Span& span : agent_.spans(task_id_)) {
      double ms = std::chrono::duration<double, std::milli>(span.took).count();
      std::fprintf(stderr, "berth: timing: %8.2f ms  %s\n", ms, span.name.c_str());
    }
  }

  const RunOptions& options_;
  scheduler::TaskDefinition definition_;
  sys::Loop& loop_;
  Env env_;
  std::string task_id_;
  scheduler::MemoryStore store_;
  scheduler::Core core_;
  agent::EventLog events_;
  size_t recorded_ = 0;  // changes in events_
  KeeperReport report_;
  const bool is_keeper_ = report_.is_due();
  PullProgress progress_;
  LogPrinter printer_;
  std::unique_ptr<agent::LogFollower> follower_;
  std::optional<Error> failure_;
  int interrupts_ = 0;
  std::unique_ptr<OwnConsole> console_;  // null: nobody types
  agent::Agent agent_;                   // last: its workers end before what they report to goes
};

// A definition that was read from standard input leaves nothing there for a container.
Result<std::unique_ptr<OwnConsole>> open_console(const scheduler::TaskDefinition& definition,
                                                 const RunOptions& options, sys::Loop& loop,
                                                 Clock& clock) {
  bool is_keeper = options.report_fd >= 0;
  if (is_keeper || options.file == "-") return std::unique_ptr<OwnConsole>();
  const auto* container = console_container(definition, options.container);
  if (container == nullptr) return std::unique_ptr<OwnConsole>();
  ConsoleOptions console;
  console.container = container->name;
  console.has_terminal = container->pseudo_terminal;
  return OwnConsole::make(std::move(console), loop, clock);
}

// Nobody waits for it.
void clean_up(const std::vector<std::string>& cleaner) {
  auto started = agent::start_detached(cleaner);
  if (!started) LOG(kWarn, "images are not cleaned up", {{"why", started.error().text}});
}

Status check_groups(const agent::Config& config, const RunOptions& options,
                    const scheduler::TaskDefinition& definition) {
  bool has_groups = !options.security_groups.empty();
  if (has_groups && definition.network_mode != scheduler::NetworkMode::kAwsvpc) {
    return fail(Errc::kInvalid,
                "--security-group: Network Configuration is not valid for the given networkMode of "
                "this task definition.");
  }
  return agent::check_task_groups(config, options.security_groups);
}

Result<int> run(const agent::Config& config, const RunOptions& options) {
  std::string text = TRY(read_task_input(options.file));
  auto definition = TRY(
      effective_definition({options.file, text, options.overrides, options.env, options.volumes}));
  if (!options.container.empty() && definition.find_container(options.container) == nullptr) {
    return fail(Errc::kInvalid, "--container {}: the task definition has no such container",
                options.container);
  }
  TRY(check_groups(config, options, definition));
  std::string overrides;
  if (!options.overrides.empty()) {
    overrides = TRY(sys::read_file(options.overrides, scheduler::kOverridesMax));
  }
  TRY(check_placement(config, text, overrides));
  sys::SystemClock clock;
  sys::SystemRng rng;
  auto loop = TRY(sys::Loop::make(clock));
  std::unique_ptr<OwnConsole> console = TRY(open_console(definition, options, *loop, clock));
  Result<int> code = fail(Errc::kInternal, "the task was not run");
  {
    RunSession session(config, options, std::move(definition), std::move(console), *loop,
                       Env{clock, rng});
    code = session.run();
  }
  if (cleanup_is_due(config, clock.wall())) clean_up(options.cleaner);
  return code;
}

}  // namespace

int run_command(const agent::Config& config, const RunOptions& options) {
  auto code = options.detach ? start_keeper(options) : run(config, options);
  return code ? *code : report(code.error());
}

}  // namespace berth::tools
