#include "runtime/shim_container.h"

#include "base/log.h"
#include "runtime/rootfs.h"
#include "sys/call.h"
#include "sys/cgroup.h"
#include "sys/file.h"
#include "sys/socket.h"
#include "sys/terminal.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <csignal>

namespace berth::runtime {
namespace {

constexpr size_t kChunk = 64 * 1024;
constexpr int kKilled = 128 + SIGKILL;
constexpr const char* kOutOfMemory = "OutOfMemoryError: Container killed due to memory usage";

// Adds how long `step` took.
template <class Step>
auto timed(Env& env, std::vector<TimedStep>& steps, std::string name, Step&& step) {
  Instant begin = env.clock.now();
  auto result = step();
  steps.push_back({std::move(name), env.clock.now() - begin});
  return result;
}

}  // namespace

ShimContainer::ShimContainer(const ContainerPlan& plan, const OciProgram& oci, sys::Loop& loop,
                             Env env)
    : plan_(plan), oci_(oci), loop_(loop), env_(env) {}

ShimContainer::~ShimContainer() {
  for (Output& output : outputs_) {
    if (output.read) loop_.unwatch(output.read.get());
  }
  if (process_.pidfd) loop_.unwatch(process_.pidfd.get());
}

Status ShimContainer::create(const Host& host, std::vector<TimedStep>& steps) {
  if (create_result_) return *create_result_;
  auto mounted = timed(env_, steps, "rootfs " + plan_.name,
                       [&] { return mount_rootfs(plan_.rootfs, host.user_namespace, host.ids); });
  if (!mounted) {
    create_result_ = wrap(std::move(mounted).error(), "CannotCreateContainerError");
    return *create_result_;
  }
  auto created =
      timed(env_, steps, "create " + plan_.name, [&] { return create_process(host.supervisor); });
  // Amazon's agent hears of what the OCI runtime's create refuses when it starts the container.
  if (!created) created = wrap(std::move(created).error(), "CannotStartContainerError");
  create_result_ = created;
  return created;
}

Status ShimContainer::create_process(int supervisor) {
  log_ = TRY(LogWriter::open(plan_.log_file));
  return plan_.console_socket.empty() ? create_on_pipes(supervisor)
                                      : create_on_terminal(supervisor);
}

Status ShimContainer::create_on_pipes(int supervisor) {
  sys::Pipe in;
  if (plan_.open_input) in = TRY(sys::make_pipe());
  sys::Pipe out = TRY(sys::make_pipe());
  sys::Pipe err = TRY(sys::make_pipe());
  // From here on, whatever comes of it: a runtime that is killed in its create leaves half of one.
  created_ = true;
  process_.pid = TRY(oci_.create(plan_.id, plan_.bundle,
                                 {.in = in.read.get(),
                                  .out = out.write.get(),
                                  .err = err.write.get(),
                                  .supervisor = supervisor}));
  process_.pidfd = TRY(sys::open_pidfd(process_.pid));
  outputs_.push_back({std::move(out.read), LogStream::kStdout});
  outputs_.push_back({std::move(err.read), LogStream::kStderr});
  input_ = std::move(in.write);
  TRY(aim_client());
  return watch_outputs();
}

// The runtime connects during its create and has sent the master before it returns.
Status ShimContainer::create_on_terminal(int supervisor) {
  sys::Fd listener = TRY(sys::listen_stream(plan_.console_socket));
  TRY(sys::set_nonblocking(listener.get()));
  created_ = true;
  auto pid = oci_.create(plan_.id, plan_.bundle,
                         {.supervisor = supervisor, .console_socket = plan_.console_socket});
  TRY(sys::remove_file(plan_.console_socket));
  process_.pid = TRY(std::move(pid));
  process_.pidfd = TRY(sys::open_pidfd(process_.pid));
  sys::Fd sender = TRY(sys::accept_unix(listener.get()));
  TRY(sys::set_nonblocking(sender.get()));
  sys::Message message = TRY(sys::receive_message(sender.get()));
  if (message.fds.size() != 1) return fail(Errc::kSystem, "the OCI runtime sent no terminal");
  terminal_ = TRY(sys::duplicate(message.fds[0].get()));
  outputs_.push_back({std::move(message.fds[0]), LogStream::kStdout});
  resize(window_);
  TRY(aim_client());
  return watch_outputs();
}

Status ShimContainer::attach(Attachment::Client client) {
  if (attachment_ && !attachment_->is_over()) {
    return fail(Errc::kExists, "container {} has a client already", plan_.name);
  }
  Attachment::Handlers handlers;
  handlers.input_ended = [this] { input_.reset(); };
  handlers.caught_up = [this] { (void)watch_outputs(); };  // they were watched before
  attachment_ = std::make_unique<Attachment>(loop_, std::move(client), std::move(handlers));
  return aim_client();
}

Status ShimContainer::aim_client() {
  const sys::Fd& target = plan_.console_socket.empty() ? input_ : terminal_;
  if (!attachment_ || !target) return {};
  return attachment_->aim(TRY(sys::duplicate(target.get())));
}

void ShimContainer::resize(const Window& window) {
  window_ = window;
  if (!terminal_ || window.columns == 0) return;
  auto done =
      sys::set_window_size(terminal_.get(), {.columns = window.columns, .rows = window.rows});
  if (!done) LOG(kWarn, "window size", {{"container", plan_.name}, {"why", done.error().text}});
}

void ShimContainer::hang_up() {
  if (attachment_) attachment_->end();
}

Status ShimContainer::start(std::function<void()> on_exit, std::vector<TimedStep>& steps) {
  auto start = [&]() -> Status {
    TRY(loop_.watch(process_.pidfd.get(), EPOLLIN,
                    [on_exit = std::move(on_exit)](uint32_t) { on_exit(); }));
    return oci_.start(plan_.id);
  };
  auto started = timed(env_, steps, "start " + plan_.name, start);
  if (started) {
    started_at_ = format_rfc3339(env_.clock.wall());
    return {};
  }
  end_before_start();
  return wrap(std::move(started).error(), "CannotStartContainerError");
}

// The process that waits to become the program is ours to kill and reap; its exit code says
// nothing.
void ShimContainer::end_before_start() {
  if (!process_.pidfd) return;
  loop_.unwatch(process_.pidfd.get());
  kill();
  (void)sys::wait(process_);
  process_.pidfd.reset();
}

Status ShimContainer::watch_outputs() {
  for (Output& output : outputs_) {
    if (output.read) TRY(watch_output(output));
  }
  return {};
}

// A client at the terminal that does not read holds it, as one would that is not read.
Status ShimContainer::watch_output(Output& output) {
  TRY(sys::set_nonblocking(output.read.get()));
  loop_.unwatch(output.read.get());
  return loop_.watch(output.read.get(), EPOLLIN, [this, &output](uint32_t) {
    if (pump(output) == Pumped::kEnd) return close_output(output);
    if (attachment_ && attachment_->is_behind()) loop_.unwatch(output.read.get());
  });
}

// One read only: a container that never stops printing must not keep the loop from the rest.
ShimContainer::Pumped ShimContainer::pump(Output& output) {
  std::string chunk(kChunk, '\0');
  auto got = sys::read_some(output.read.get(), chunk.data(), chunk.size());
  if (!got && got.error().errno_value == EAGAIN) return Pumped::kNothing;
  WallTime now = env_.clock.wall();
  bool ended = !got || *got == 0;  // of a terminal an error, when nobody has it open any more
  if (!ended && attachment_) attachment_->show(std::string_view(chunk).substr(0, *got));
  auto written = ended ? log_->finish(output.stream, now)
                       : log_->write(output.stream, std::string_view(chunk).substr(0, *got), now);
  if (!written) {
    LOG(kError, "log write failed", {{"container", plan_.name}, {"why", written.error().text}});
  }
  return ended ? Pumped::kEnd : Pumped::kSome;
}

void ShimContainer::close_output(Output& output) {
  loop_.unwatch(output.read.get());
  output.read.reset();
}

// What shares its pid namespace with others is not ended by the kernel with its first process.
void ShimContainer::end_others() const {
  auto end = [&]() -> Status { return TRY(sys::Cgroups::detect()).at(plan_.cgroup).kill_all(); };
  auto ended = end();
  if (!ended) {
    LOG(kError, "processes of a container stay",
        {{"container", plan_.name}, {"why", ended.error().text}});
  }
}

// When the first process is reaped, every other one is gone: what the pipes hold now is all there
// will be.
void ShimContainer::drain() {
  for (Output& output : outputs_) {
    if (!output.read) continue;
    Pumped pumped = Pumped::kSome;
    while (pumped == Pumped::kSome) pumped = pump(output);
    // A failure to write has been told by pump().
    if (pumped == Pumped::kNothing) (void)log_->finish(output.stream, env_.clock.wall());
    close_output(output);
  }
}

void ShimContainer::signal_stop() {
  auto sent = sys::send_signal(process_, plan_.stop_signal);
  if (!sent) LOG(kWarn, "stop signal", {{"container", plan_.name}, {"why", sent.error().text}});
}

void ShimContainer::kill() {
  killed_by_us_ = true;
  // With the first process of a pid namespace the kernel kills all others; where it is none,
  // reap() does.
  auto sent = sys::send_signal(process_, SIGKILL);
  if (!sent) LOG(kError, "kill", {{"container", plan_.name}, {"why", sent.error().text}});
}

bool ShimContainer::was_killed_for_memory(int exit_code) const {
  if (exit_code != kKilled || killed_by_us_) return false;
  auto host = sys::Cgroups::detect();
  if (!host) return false;
  auto kills = host->at(plan_.cgroup).oom_kills();
  return kills && *kills > 0;
}

Result<ExitRecord> ShimContainer::reap() {
  loop_.unwatch(process_.pidfd.get());
  sys::ExitStatus status = TRY(sys::wait(process_));
  if (!plan_.own_pids) end_others();
  drain();
  ExitRecord record;
  record.container = plan_.name;
  record.exit_code = status.shell_code();
  record.oom_killed = was_killed_for_memory(status.shell_code());
  if (record.oom_killed) record.reason = kOutOfMemory;
  record.started_at = started_at_;
  record.finished_at = format_rfc3339(env_.clock.wall());
  record.restarts = restarts_;
  return record;
}

ExitRecord ShimContainer::refusal(const std::string& reason) {
  end_before_start();
  drain();
  ExitRecord record;
  record.container = plan_.name;
  record.reason = reason;
  record.finished_at = format_rfc3339(env_.clock.wall());
  return record;
}

// Before anyone is told: what was told is on disk as well. A full disk must not turn an exit code
// into none, so the record is told even if it could not be written.
void ShimContainer::keep(const ExitRecord& record) const {
  auto written = sys::write_replace(plan_.exit_file, render_exit_record(record), 0600);
  if (!written) {
    LOG(kError, "exit record not written",
        {{"container", plan_.name}, {"why", written.error().text}});
  }
}

// Not in the exit file, which says that the container has ended for good.
void ShimContainer::keep_of_earlier_run(const ExitRecord& record) {
  earlier_.push_back(render_exit_record(record));
  if (earlier_.size() > kEarlierRunsMax) earlier_.pop_front();
  std::string text;
  for (const std::string& line : earlier_) text += line;
  auto written = sys::write_replace(plan_.restarts_file, text, 0600);
  if (!written) {
    LOG(kError, "exit record not written",
        {{"container", plan_.name}, {"why", written.error().text}});
  }
}

Status ShimContainer::restart(const ExitRecord& ended, const Host& host,
                              std::function<void()> on_exit) {
  keep_of_earlier_run(ended);
  auto create = [&]() -> Status {
    TRY(oci_.remove(plan_.id));
    created_ = false;
    process_ = {};
    outputs_.clear();
    return create_process(host.supervisor);
  };
  auto created = create();
  if (!created) {
    end_before_start();
    drain();
    return wrap(std::move(created).error(), "CannotStartContainerError");
  }
  std::vector<TimedStep> steps;  // of a start only
  TRY(start(std::move(on_exit), steps));
  ++restarts_;
  return {};
}

Status ShimContainer::release() {
  attachment_.reset();
  if (created_) TRY(oci_.remove(plan_.id));
  created_ = false;
  return unmount_rootfs(plan_.rootfs);
}

}  // namespace berth::runtime
