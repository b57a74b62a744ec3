// berth logs: what the containers of a task have printed, and print.
#include "agent/log_follower.h"
#include "agent/task_table.h"
#include "base/log.h"
#include "base/text.h"
#include "sys/clock.h"
#include "sys/spawn.h"
#include "tools/commands.h"
#include "tools/daemon_tasks.h"
#include "tools/event_follower.h"
#include "tools/kept_logs.h"
#include "tools/log_printer.h"
#include "tools/task_commands.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <map>
#include <utility>

namespace berth::tools {
namespace {

// A line of what was there at first, its pieces put together.
struct Line {
  std::string container;
  agent::LogRecord record;  // its time is that of the first piece
};

std::vector<std::string> names_of(const agent::ListedTask& task) {
  std::vector<std::string> names;
  for (const agent::ListedContainer& container : task.containers) {
    names.push_back(container.info.name);
  }
  return names;
}

// What is there at first is shown in the order of time, over all containers; what comes later, as
// it comes.
class LogsSession {
 public:
  LogsSession(const agent::ListedTask& task, const LogsOptions& options, sys::Loop& loop)
      : task_(task),
        options_(options),
        loop_(loop),
        printer_(names_of(task), options.container,
                 ::isatty(STDOUT_FILENO) == 1 ? Colour::kAlways : Colour::kNever, stdout, stderr) {}

  Status run() {
    auto shim = watch_supervisor();
    auto follower = TRY(agent::LogFollower::start(
        loop_, wanted_logs(), [this](const std::string& container, const agent::LogRecord& record) {
          take({container, record});
        }));
    show_first();
    if (options_.follow && shim && *shim) {
      TRY(loop_.on_signals({SIGINT, SIGTERM, SIGHUP}, [this](int) { loop_.stop(); }));
      TRY(loop_.run());
      follower->drain();  // the supervisor's last words come before its end
    }
    printer_.finish();
    return {};
  }

 private:
  agent::LogPaths wanted_logs() const {
    agent::LogPaths logs = agent::log_paths_of(task_);
    if (options_.container.empty()) return logs;
    auto [first, last] = logs.equal_range(options_.container);
    return {first, last};
  }

  // Its pidfd, watched; empty when the task has stopped.
  Result<bool> watch_supervisor() {
    if (task_.shim == 0) return false;
    supervisor_ = TRY(sys::open_pidfd(task_.shim));
    TRY(loop_.watch(supervisor_.get(), EPOLLIN, [this](uint32_t) { loop_.stop(); }));
    return true;
  }

  void take(Line line) {
    if (!is_first_) return print(line);
    size_t& open = open_[{line.container, line.record.stream}];  // its place in first_, plus 1
    bool is_end = line.record.text.ends_with('\n');
    if (open != 0) {
      first_[open - 1].record.text += line.record.text;
      if (is_end) open = 0;
      return;
    }
    first_.push_back(std::move(line));
    if (!is_end) open = first_.size();
  }

  void show_first() {
    is_first_ = false;
    std::ranges::stable_sort(first_, {}, [](const Line& line) { return line.record.time; });
    size_t shown = options_.tail ? std::min<size_t>(*options_.tail, first_.size()) : first_.size();
    for (size_t i = first_.size() - shown; i < first_.size(); ++i) print(first_[i]);
    first_.clear();
  }

  void print(const Line& line) {
    const agent::LogRecord& record = line.record;
    std::string_view time = options_.timestamps ? std::string_view(record.time) : "";
    printer_.print(line.container, record.stream, time, record.text);
  }

  const agent::ListedTask& task_;
  const LogsOptions& options_;
  sys::Loop& loop_;
  LogPrinter printer_;
  sys::Fd supervisor_;
  std::vector<Line> first_;
  std::map<std::pair<std::string, std::string>, size_t> open_;
  bool is_first_ = true;
};

bool has_logs(const agent::ListedTask& task) {
  return !task.log_directory.empty();
}

// Whoever misses a container is told why.
Status tell_of_others(const agent::ListedTask& kept, const DaemonTask& of_daemon,
                      const std::string& wanted) {
  std::vector<std::string> without = containers_without_logs(kept, of_daemon);
  if (wanted.empty() && !without.empty()) {
    LOG(kWarn, "some logs went with the task's directory: only awslogs outlives it",
        {{"containers", join(without, ", ")}});
  }
  if (std::ranges::find(without, wanted) == without.end()) return {};
  return fail(Errc::kNotFound,
              "the log of container \"{}\" of task {} went with the task's directory, or it never "
              "began: only awslogs outlives it, and no stream is its",
              wanted, of_daemon.id);
}

// Its directory, or what is kept of it beyond that.
Result<agent::ListedTask> find_logs(const agent::Config& config, const LogsOptions& options,
                                    const DaemonTasks& owned) {
  const std::string& wanted = options.task;
  std::vector<agent::ListedTask> tasks = TRY(list_all_tasks(config, owned, true));
  auto chosen = agent::choose_task(tasks, wanted);
  if (chosen && has_logs(**chosen)) return **chosen;
  if (!chosen && chosen.error().code != Errc::kNotFound) {
    return tl::unexpected<Error>(chosen.error());
  }
  const DaemonTask* of_daemon = chosen ? owned.find((*chosen)->info.id) : nullptr;
  auto kept = find_kept_logs(config, wanted, of_daemon);
  if (kept && of_daemon != nullptr) TRY(tell_of_others(*kept, *of_daemon, options.container));
  if (kept || kept.error().code != Errc::kNotFound) return kept;
  if (of_daemon == nullptr) return tl::unexpected<Error>(chosen.error());
  std::string why = of_daemon->stopped_reason.empty() ? "" : " (" + of_daemon->stopped_reason + ")";
  return fail(Errc::kNotFound,
              "task {} is {}{}: nothing is kept of what it printed, if it came to that; `berth why "
              "{}` tells what happened",
              of_daemon->id, of_daemon->last_status, why, of_daemon->id);
}

bool is_yet_to_start(const agent::ListedTask& task, const DaemonTask* of_daemon) {
  // A directory without a supervisor: it is being made.
  bool is_begun = has_logs(task) && task.shim != 0;
  return of_daemon != nullptr && !is_begun && of_daemon->desired_status == "RUNNING";
}

// With --follow, a task of berthd's that has not begun is waited for: it has a supervisor then, or
// is over.
Status wait_for_begin(const agent::Config& config, const std::string& wanted, DaemonTasks& owned) {
  EventFollower events(config);
  for (bool is_listening = false;; is_listening = true) {
    std::vector<agent::ListedTask> tasks = TRY(list_all_tasks(config, owned, true));
    auto chosen = agent::choose_task(tasks, wanted);
    if (!chosen || !is_yet_to_start(**chosen, owned.find((*chosen)->info.id))) return {};
    TRY(is_listening ? events.next() : events.latest());
    owned = TRY(DaemonTasks::ask(config));
  }
}

Status show_logs(const agent::Config& config, const LogsOptions& options) {
  DaemonTasks owned = TRY(DaemonTasks::ask(config));
  if (options.follow) TRY(wait_for_begin(config, options.task, owned));
  agent::ListedTask task = TRY(find_logs(config, options, owned));
  if (!options.container.empty()) TRY(agent::choose_container(task, options.container));
  sys::SystemClock clock;
  auto loop = TRY(sys::Loop::make(clock));
  return LogsSession(task, options, *loop).run();
}

}  // namespace

int logs_command(const agent::Config& config, const LogsOptions& options) {
  return exit_code(show_logs(config, options));
}

}  // namespace berth::tools
