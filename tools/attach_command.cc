// berth attach: at a container of a task that runs, as if it had been started here.
//
//   interactive, or with a terminal   the shim shows us what it prints, and hears what is typed
//   otherwise                         its log is followed from now on; it never knows of us
//
// Either way the shim tells how it ends, and passes our signals on.
#include "agent/log_follower.h"
#include "agent/task_table.h"
#include "base/log.h"
#include "runtime/shim_protocol.h"
#include "scheduler/exit_code.h"
#include "sys/clock.h"
#include "sys/socket.h"
#include "tools/commands.h"
#include "tools/log_printer.h"
#include "tools/own_console.h"
#include "tools/task_commands.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>

namespace berth::tools {
namespace {

constexpr int kOfSignal = 128;

class AttachSession {
 public:
  AttachSession(const agent::ListedTask& task, const runtime::ContainerPlan& container,
                const AttachOptions& options, sys::Loop& loop, Clock& clock)
      : task_(task),
        container_(container),
        options_(options),
        loop_(loop),
        clock_(clock),
        printer_({container.name}, container.name, Colour::kNever, stdout, stderr) {}

  Result<int> run(const agent::Config& config, DetachKeys keys) {
    connection_ = TRY(agent::connect_to_task(config, task_));
    TRY(sys::set_nonblocking(connection_.get()));
    TRY(loop_.on_signals({SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH, SIGPIPE},
                         [this](int signal) { handle(signal); }));
    TRY(has_console() ? open_console(std::move(keys)) : follow_log());
    TRY(loop_.watch(connection_.get(), EPOLLIN, [this](uint32_t) { hear(); }));
    TRY(loop_.run());
    if (console_) console_->end();
    printer_.finish();
    if (failure_) return tl::unexpected<Error>(std::move(*failure_));
    return code_.value_or(0);
  }

 private:
  bool has_console() const { return container_.open_input || !container_.console_socket.empty(); }

  Status open_console(DetachKeys keys) {
    ConsoleOptions console;
    console.container = container_.name;
    console.has_terminal = !container_.console_socket.empty();
    console.shows_streams = true;
    console.reads = container_.open_input && !options_.no_input;
    console.keys = std::move(keys);
    console.on_detach = [this] { leave(0); };
    console.on_shown = [this] { end_if_done(); };
    console_ = TRY(OwnConsole::make(std::move(console), loop_, clock_));
    return {};
  }

  // What was printed before is read as well, and not shown.
  Status follow_log() {
    agent::LogPaths logs = agent::log_paths_of(task_);
    follower_ = TRY(agent::LogFollower::start(
        loop_, {{container_.name, logs.find(container_.name)->second}},
        [this](const std::string& container, const agent::LogRecord& record) {
          if (shows_log_) printer_.print(container, record.stream, record.text);
        }));
    shows_log_ = true;
    return {};
  }

  // ---- the shim ----

  void hear() {
    auto message = sys::receive_message(connection_.get());
    if (!message && message.error().code == Errc::kUnavailable) return;
    if (!message || message->bytes.empty()) return supervisor_left();
    auto event = runtime::parse_event(message->bytes);
    if (!event) return give_up(std::move(event).error());
    handle(*event);
  }

  void handle(const runtime::ShimEvent& event) {
    using Kind = runtime::ShimEvent::Kind;
    if (event.kind == Kind::kUpToDate) return begin();
    if (event.container != container_.name) return;
    if (event.kind == Kind::kContainerExited && event.exit) return exited(*event.exit);
    if (event.kind == Kind::kAttachRefused) {
      if (code_) return;  // it has ended just before
      return give_up(Error{.code = Errc::kUnavailable, .text = event.text});
    }
    if (event.kind == Kind::kOutputMissed) return tell(container_.name + ": " + event.text);
    if (event.kind != Kind::kContainerRestarted || !event.exit || !is_up_to_date_) return;
    tell(scheduler::summarize(
        scheduler::ContainerRestarted{.task_id = task_.info.id,
                                      .container = container_.name,
                                      .exit_code = event.exit->exit_code,
                                      .out_of_memory = event.exit->oom_killed}));
  }

  // All that has happened so far has been told.
  void begin() {
    is_up_to_date_ = true;
    if (code_) {
      code_.reset();
      return give_up(Error{.code = Errc::kUnavailable,
                           .text = fmt::format("container {} of task {} has stopped",
                                               container_.name, task_.info.id)});
    }
    if (!console_) return;
    agent::ConsoleClient client = console_->client();
    runtime::ShimOrder order{.request = runtime::ShimRequest::kAttach,
                             .container = container_.name,
                             .window = client.window};
    // A window that changes makes programs draw it anew, so that we see what others see.
    if (order.window.rows != 0) ++order.window.rows;
    std::vector<int> fds{client.input.get(), client.output.get()};
    if (client.error) fds.push_back(client.error.get());
    auto sent = sys::send_message(connection_.get(), runtime::render_order(order), fds);
    if (!sent) return supervisor_left();
    resize();
    auto begun = console_->begin();
    if (!begun) give_up(std::move(begun).error());
  }

  void order(const runtime::ShimOrder& order) {
    auto sent = sys::send_message(connection_.get(), runtime::render_order(order), {});
    if (!sent) LOG(kWarn, "supervisor not reached", {{"why", sent.error().text}});
  }

  void resize() {
    if (!console_) return;
    order({.request = runtime::ShimRequest::kResize,
           .container = container_.name,
           .window = console_->window()});
  }

  void exited(const runtime::ExitRecord& record) {
    if (!is_up_to_date_) {
      code_ = 0;  // too late for us
      return;
    }
    code_ = record.exit_code.value_or(kExitFailure);
    if (!record.reason.empty()) last_words_ = container_.name + ": " + record.reason;
    if (follower_) follower_->drain();  // the log had it before we were told
    end_if_done();
  }

  // What it showed last may still be on its way.
  void end_if_done() {
    if (!code_ || (console_ && !console_->has_shown_all())) return;
    if (!last_words_.empty()) tell(last_words_);
    loop_.stop();
  }

  void supervisor_left() {
    if (code_) {  // and what it had for us is in our pipes
      loop_.unwatch(connection_.get());
      return end_if_done();
    }
    give_up(Error{.code = Errc::kUnavailable,
                  .text = fmt::format("the supervisor of task {} has gone", task_.info.id)});
  }

  // ---- us ----

  // A terminal sends its signals as keys; what then comes as a signal is for us.
  void handle(int signal) {
    if (signal == SIGPIPE) return;  // a write told of it
    if (signal == SIGWINCH) return resize();
    bool is_ours = options_.no_signals || (console_ && console_->is_raw());
    if (is_ours) return leave(kOfSignal + signal);
    order(
        {.request = runtime::ShimRequest::kSignal, .container = container_.name, .signal = signal});
  }

  void leave(int code) {
    if (console_) console_->end();
    tell(fmt::format("detached from {} of task {}", container_.name, task_.info.id));
    code_ = code;
    loop_.stop();
  }

  void give_up(Error error) {
    failure_ = std::move(error);
    loop_.stop();
  }

  void tell(const std::string& text) const {
    std::string line = fmt::format("berth: {}\n", text);
    if (console_) line = console_->line_for_terminal(std::move(line));
    std::fputs(line.c_str(), stderr);
  }

  const agent::ListedTask& task_;
  const runtime::ContainerPlan& container_;
  const AttachOptions& options_;
  sys::Loop& loop_;
  Clock& clock_;
  LogPrinter printer_;
  sys::Fd connection_;
  std::unique_ptr<OwnConsole> console_;           // null: the log is followed
  std::unique_ptr<agent::LogFollower> follower_;  // null: the shim shows it
  bool shows_log_ = false;
  bool is_up_to_date_ = false;
  std::optional<int> code_;
  std::string last_words_;
  std::optional<Error> failure_;
};

Result<const runtime::ContainerPlan*> plan_of(const agent::ListedTask& task,
                                              const agent::ListedContainer& container) {
  if (container.state == agent::ContainerState::kStopped || !task.plan) {
    return fail(Errc::kUnavailable, "container {} of task {} is {}: attach needs one that runs",
                container.info.name, task.info.id, agent::name_of(container.state));
  }
  for (const runtime::ContainerPlan& plan : task.plan->containers) {
    if (plan.name == container.info.name) return &plan;
  }
  return fail(Errc::kInternal, "no plan of container {}", container.info.name);
}

Result<int> attach(const agent::Config& config, const AttachOptions& options) {
  DetachKeys keys = TRY(DetachKeys::parse(options.keys));
  std::vector<agent::ListedTask> tasks = TRY(agent::list_tasks(config, true));
  const agent::ListedTask* task = TRY(agent::choose_task(tasks, options.task));
  const agent::ListedContainer* container = TRY(agent::choose_container(*task, options.container));
  const runtime::ContainerPlan* plan = TRY(plan_of(*task, *container));
  sys::SystemClock clock;
  auto loop = TRY(sys::Loop::make(clock));
  return AttachSession(*task, *plan, options, *loop, clock).run(config, std::move(keys));
}

}  // namespace

int attach_command(const agent::Config& config, const AttachOptions& options) {
  auto code = attach(config, options);
  return code ? *code : report(code.error());
}

}  // namespace berth::tools
