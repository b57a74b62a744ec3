// One container as its shim sees it: mounted, created, started, its output written, reaped.
//
//   create()   rootfs mounted > pipes > create                    (or a failure that is the reason)
//   start()    start                                              (likewise)
//   output     the log process reads the pipes (log_pump.h); where a client may be shown it, we do,
//              and hand it on
//   ended      pidfd readable > waitid > (shared pids: kill the rest) > OOM count > the log process
//              has delivered the rest
//   reap()     how it ended
//   restart()  restarts.json > delete > create > start, in the same root file system
//   keep()     exit.json > told
//   release()  delete > unmount
#pragma once

#include "base/env.h"
#include "base/result.h"
#include "runtime/attachment.h"
#include "runtime/log_pump.h"
#include "runtime/oci_program.h"
#include "runtime/shim_protocol.h"
#include "runtime/task_plan.h"
#include "sys/loop.h"
#include "sys/spawn.h"

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace berth::runtime {

// Exit records of earlier runs of a container that are kept.
constexpr size_t kEarlierRunsMax = 16;
// Clients of a container at a time.
constexpr size_t kAttachmentsMax = 16;

class ShimContainer {
 public:
  ShimContainer(const ContainerPlan& plan, const OciProgram& oci, sys::Loop& loop, Env env);
  ShimContainer(const ShimContainer&) = delete;
  ShimContainer& operator=(const ShimContainer&) = delete;
  ~ShimContainer();

  const ContainerPlan& plan() const { return plan_; }
  pid_t pid() const { return process_.pid; }
  const std::string& started_at() const { return started_at_; }

  struct Host {
    int supervisor = -1;  // hangs up when the shim has gone
    int user_namespace = -1;
    std::optional<IdRangePlan> ids;
  };
  // Up to, and without, its program. The error's text is a reason in ECS's words
  // ("CannotCreateContainerError: ..."); it is kept and given again. Once created, a second call
  // does nothing. `steps` gets what took time.
  Status create(const Host& host, std::vector<TimedStep>& steps);
  bool is_created() const { return create_result_.has_value(); }
  // Executes the program; `on_exit` is called on the loop when it has ended and what it printed is
  // in its log, or cannot get there. On error nothing runs.
  Status start(std::function<void()> on_exit, std::vector<TimedStep>& steps);

  // To its first process, while it has one.
  void signal(int number);
  // The stop signal, or SIGKILL to all of it; `why` is for the record of its end.
  void signal_stop();
  void kill(const std::string& why);

  // After on_exit: how it ended.
  Result<ExitRecord> reap();
  // What was not launched has a record with `reason` and without an exit code.
  ExitRecord refusal(const std::string& reason);
  // Writes the exit file, before anyone is told.
  void keep(const ExitRecord& record) const;

  // A client at its terminal, or at its standard streams if its input is open; before it is
  // created, too. `connection` is whose it is, `missed` is called when it was not shown something.
  struct Visitor {
    int connection = -1;
    Attachment::Client client;
    std::function<void(uint64_t bytes)> missed;
  };
  Status attach(Visitor visitor);
  void resize(const Window& window);
  // Whoever had that connection has gone.
  void client_left(int connection);
  // It has ended for good: the clients are told so.
  void hang_up();

  // Once reaped: runs it again, with the namespaces of the task and the files that it has written.
  // The record of what ended is kept first. The error's text is a reason in ECS's words.
  Status restart(const ExitRecord& ended, const Host& host, std::function<void()> on_exit);
  int restarts() const { return restarts_; }

  // Deletes the OCI container and unmounts its root file system. May run twice.
  Status release();

 private:
  // Output on its way to the log process, where a client may be shown it as well.
  struct Relay {
    sys::Fd from;  // empty when there is nothing more
    sys::Fd to;
    std::string held;  // what the log process has no room for
  };

  Status prepare_files(const Host& host) const;
  Status create_process(int supervisor);
  Status create_on_pipes(int supervisor);
  Status create_on_terminal(int supervisor);
  Status aim(Attachment& client);
  Status aim_clients();
  void input_ended();
  bool is_held() const;
  void forget_clients();
  void end_before_start();
  Status start_log();
  Status start_log_again();
  void replace_log();
  void log_ended();
  // Of what never ran, or runs no more: waits for it for a moment.
  void end_log();
  void process_ended();
  void tell_end();
  ExitRecord record_of(sys::ExitStatus status) const;
  // The end that the log process reads.
  Result<sys::Fd> add_relay(sys::Fd from);
  Status watch_relays();
  void relay_more(size_t i);
  void wait_for_log(size_t i);
  static void give_held(Relay& relay);
  enum class Pumped { kNothing, kSome, kEnd };
  Pumped pump(size_t i);
  void finish_relays();
  void clear_relays();
  void end_others() const;
  void keep_of_earlier_run(const ExitRecord& record);
  bool was_killed_for_memory(int exit_code) const;

  const ContainerPlan& plan_;
  const OciProgram& oci_;
  sys::Loop& loop_;
  Env env_;
  std::optional<LogPump> log_;
  sys::Fd out_;  // what it prints: held here too, for the log process after one that died
  sys::Fd err_;  // empty for a terminal
  std::vector<Relay> relays_;
  std::function<void()> on_exit_;
  std::optional<Result<ExitRecord>> end_;  // once its process has ended
  std::optional<sys::Loop::TimerId> log_timer_;
  std::chrono::milliseconds log_pause_{100};  // before the next log process, when one has died
  sys::Fd input_;     // the other end of its open standard input, unless that is a terminal
  sys::Fd terminal_;  // the master of its terminal
  Window window_;
  bool input_is_over_ = false;  // of this run: whom it was in the foreground of had no more
  struct Attached {
    int connection;  // -1: gone
    std::unique_ptr<Attachment> client;
  };
  std::vector<Attached> attached_;
  sys::Process process_;
  std::string started_at_;
  int restarts_ = 0;
  std::deque<std::string> earlier_;    // exit records of runs that others followed, the last ones
  std::optional<std::string> killed_;  // by us, and why
  bool created_ = false;               // or begun to be: delete is owed to the OCI runtime
  std::optional<Status> create_result_;
};

}  // namespace berth::runtime
