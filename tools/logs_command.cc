// berth logs: what the containers of a task have printed, and print.
#include "agent/log_follower.h"
#include "agent/task_table.h"
#include "sys/clock.h"
#include "sys/spawn.h"
#include "tools/commands.h"
#include "tools/log_printer.h"
#include "tools/task_commands.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>

namespace berth::tools {
namespace {

struct Line {
  std::string container;
  agent::LogRecord record;
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
        loop_, task_.log_directory, wanted_containers(),
        [this](const std::string& container, const agent::LogRecord& record) {
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
  std::vector<std::string> wanted_containers() const {
    if (!options_.container.empty()) return {options_.container};
    return names_of(task_);
  }

  // Its pidfd, watched; empty when the task has stopped.
  Result<bool> watch_supervisor() {
    if (task_.shim == 0) return false;
    supervisor_ = TRY(sys::open_pidfd(task_.shim));
    TRY(loop_.watch(supervisor_.get(), EPOLLIN, [this](uint32_t) { loop_.stop(); }));
    return true;
  }

  void take(Line line) {
    if (is_first_) {
      first_.push_back(std::move(line));
    } else {
      print(line);
    }
  }

  void show_first() {
    is_first_ = false;
    std::ranges::stable_sort(first_, {}, [](const Line& line) { return line.record.time; });
    size_t shown = options_.tail ? std::min<size_t>(*options_.tail, first_.size()) : first_.size();
    for (size_t i = first_.size() - shown; i < first_.size(); ++i) print(first_[i]);
    first_.clear();
  }

  void print(const Line& line) {
    std::string text = line.record.text;
    if (options_.timestamps) text = line.record.time + " " + text;
    printer_.print(line.container, line.record.stream, text);
  }

  const agent::ListedTask& task_;
  const LogsOptions& options_;
  sys::Loop& loop_;
  LogPrinter printer_;
  sys::Fd supervisor_;
  std::vector<Line> first_;
  bool is_first_ = true;
};

Status show_logs(const agent::Config& config, const LogsOptions& options) {
  std::vector<agent::ListedTask> tasks = TRY(agent::list_tasks(config, true));
  const agent::ListedTask* task = TRY(agent::choose_task(tasks, options.task));
  if (!options.container.empty()) TRY(agent::choose_container(*task, options.container));
  sys::SystemClock clock;
  auto loop = TRY(sys::Loop::make(clock));
  return LogsSession(*task, options, *loop).run();
}

}  // namespace

int logs_command(const agent::Config& config, const LogsOptions& options) {
  return exit_code(show_logs(config, options));
}

}  // namespace berth::tools
