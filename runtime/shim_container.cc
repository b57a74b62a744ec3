#include "runtime/shim_container.h"

#include "base/log.h"
#include "runtime/rootfs.h"
#include "runtime/volumes.h"
#include "sys/cgroup.h"
#include "sys/file.h"
#include "sys/path.h"
#include "sys/socket.h"
#include "sys/terminal.h"

#include <sys/epoll.h>
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

namespace berth::runtime {
namespace {

// How long the end of a container waits for its log.
constexpr std::chrono::seconds kLogPatience(5);
// The same where the shim waits and does nothing else.
constexpr std::chrono::milliseconds kLogMoment(500);
// The longest between the death of a log process and the next one.
constexpr std::chrono::seconds kLogRestartMax(10);
// Of a read of what a client is shown beside the log.
constexpr size_t kShownChunk = 64 * 1024;
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
  clear_relays();
  if (log_timer_) loop_.cancel(*log_timer_);
  if (log_) loop_.unwatch(log_->pidfd());
  if (process_.pidfd) loop_.unwatch(process_.pidfd.get());
}

Status ShimContainer::create(const Host& host, std::vector<TimedStep>& steps) {
  if (create_result_) return *create_result_;
  auto mounted = timed(env_, steps, "rootfs " + plan_.name, [&] { return prepare_files(host); });
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

Status ShimContainer::prepare_files(const Host& host) const {
  TRY(mount_rootfs(plan_.rootfs, host.user_namespace));
  for (const FillPlan& fill : plan_.fills) {
    auto filled = fill_volume(fill, plan_.rootfs.target, host.ids);
    if (!filled) {
      return wrap(std::move(filled).error(), "fill the volume at {} with what the image has there",
                  fill.path);
    }
  }
  return {};
}

Status ShimContainer::create_process(int supervisor) {
  return plan_.console_socket.empty() ? create_on_pipes(supervisor)
                                      : create_on_terminal(supervisor);
}

Status ShimContainer::create_on_pipes(int supervisor) {
  sys::Pipe in;
  if (plan_.open_input) in = TRY(sys::make_pipe());
  sys::Pipe out = TRY(sys::make_pipe());
  sys::Pipe err = TRY(sys::make_pipe());
  out_ = std::move(out.read);
  err_ = std::move(err.read);
  if (plan_.open_input) {
    out_ = TRY(add_relay(std::move(out_)));
    err_ = TRY(add_relay(std::move(err_)));
  }
  TRY(start_log());
  // From here on, whatever comes of it: a runtime that is killed in its create leaves half of one.
  created_ = true;
  process_.pid = TRY(oci_.create(plan_.id, plan_.bundle,
                                 {.in = in.read.get(),
                                  .out = out.write.get(),
                                  .err = err.write.get(),
                                  .supervisor = supervisor}));
  process_.pidfd = TRY(sys::open_pidfd(process_.pid));
  input_ = std::move(in.write);
  TRY(aim_clients());
  return watch_relays();
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
  out_ = TRY(add_relay(std::move(message.fds[0])));
  TRY(start_log());
  resize(window_);
  TRY(aim_clients());
  return watch_relays();
}

Status ShimContainer::attach(Visitor visitor) {
  forget_clients();
  if (!plan_.open_input && plan_.console_socket.empty()) {
    return fail(Errc::kUnsupported, "container {} is neither interactive nor has a terminal",
                plan_.name);
  }
  if (attached_.size() >= kAttachmentsMax) {
    return fail(Errc::kExists, "container {} has {} clients already, which is the limit",
                plan_.name, attached_.size());
  }
  if (!plan_.open_input) visitor.client.input.reset();
  Attachment::Handlers handlers;
  bool is_owner = visitor.client.behind == Attachment::Behind::kContainerWaits;
  handlers.input_ended = [this, is_owner] {
    if (is_owner) input_ended();  // that of others leaves it open for those who come later
  };
  handlers.caught_up = [this] { (void)watch_relays(); };  // they were watched before
  handlers.missed = std::move(visitor.missed);
  auto client = std::make_unique<Attachment>(loop_, std::move(visitor.client), std::move(handlers));
  TRY(client->open());
  TRY(aim(*client));
  attached_.push_back({visitor.connection, std::move(client)});
  return {};
}

Status ShimContainer::aim(Attachment& client) {
  if (input_is_over_) client.end_input();
  const sys::Fd& target = plan_.console_socket.empty() ? input_ : terminal_;
  if (!target) return {};
  return client.aim(TRY(sys::duplicate(target.get())));
}

Status ShimContainer::aim_clients() {
  input_is_over_ = false;
  for (Attached& each : attached_) TRY(aim(*each.client));
  return {};
}

// The end of a terminal's client is no end of the terminal.
void ShimContainer::input_ended() {
  if (!plan_.console_socket.empty()) return;
  input_.reset();
  input_is_over_ = true;
  for (Attached& each : attached_) each.client->end_input();
}

bool ShimContainer::is_held() const {
  return std::ranges::any_of(attached_, [](const auto& each) { return each.client->is_behind(); });
}

void ShimContainer::forget_clients() {
  std::erase_if(attached_, [](const auto& each) { return each.client->is_over(); });
}

void ShimContainer::resize(const Window& window) {
  if (window.columns == 0) return;
  window_ = window;
  if (!terminal_) return;
  auto done =
      sys::set_window_size(terminal_.get(), {.columns = window.columns, .rows = window.rows});
  if (!done) LOG(kWarn, "window size", {{"container", plan_.name}, {"why", done.error().text}});
}

void ShimContainer::client_left(int connection) {
  for (Attached& each : attached_) {
    if (each.connection != connection) continue;
    each.connection = -1;
    each.client->client_left();
  }
  forget_clients();
}

void ShimContainer::hang_up() {
  for (Attached& each : attached_) each.client->end();
}

Status ShimContainer::start(std::function<void()> on_exit, std::vector<TimedStep>& steps) {
  on_exit_ = std::move(on_exit);
  auto start = [&]() -> Status {
    TRY(loop_.watch(process_.pidfd.get(), EPOLLIN, [this](uint32_t) { process_ended(); }));
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
  kill("it was not to start any more");
  (void)sys::wait(process_);
  process_.pidfd.reset();
}

// When the first process is reaped, every other one is gone, or is sent after it: what the pipes
// hold then is all there will be. The end is told when it is in the log, unless that takes too
// long: a disk that does not answer must not keep the task from stopping.
void ShimContainer::process_ended() {
  loop_.unwatch(process_.pidfd.get());
  auto status = sys::wait(process_);
  if (!plan_.own_pids) end_others();
  if (status) {
    end_ = record_of(*status);
  } else {
    end_ = tl::unexpected<Error>(status.error());
  }
  if (log_timer_) {  // between two log processes: the second one has the last words to deliver
    loop_.cancel(*log_timer_);
    log_timer_.reset();
    auto started = start_log_again();
    if (!started) LOG(kError, "last words lost", {{"why", started.error().text}});
  }
  if (!log_) return tell_end();
  finish_relays();
  log_timer_ = loop_.after(kLogPatience, [this] {
    log_timer_.reset();
    LOG(kError, "the log does not take what is left", {{"container", plan_.name}});
    tell_end();
  });
}

// ---- the log process ----

Status ShimContainer::start_log() {
  log_ = TRY(LogPump::start(plan_.log, {.out = out_.get(), .err = err_.get()}, env_));
  return loop_.watch(log_->pidfd(), EPOLLIN, [this](uint32_t) { log_ended(); });
}

Status ShimContainer::start_log_again() {
  log_ = TRY(LogPump::start_again(plan_.log, {.out = out_.get(), .err = err_.get()}, env_));
  return loop_.watch(log_->pidfd(), EPOLLIN, [this](uint32_t) { log_ended(); });
}

// In its time, or before it: then another one goes on, and the container does not notice.
void ShimContainer::log_ended() {
  loop_.unwatch(log_->pidfd());
  bool was_well = log_->reap();
  log_.reset();
  if (end_) return tell_end();
  if (was_well) return;  // the container has closed both of its streams
  replace_log();
}

// Again and again: a receiver may be away for long, and the output waits in its pipes meanwhile.
void ShimContainer::replace_log() {
  log_timer_ = loop_.after(log_pause_, [this] {
    log_timer_.reset();
    auto started = start_log_again();
    if (started) return;
    LOG(kError, "no log process: the output waits",
        {{"container", plan_.name}, {"why", started.error().text}});
    replace_log();
  });
  log_pause_ = std::min<std::chrono::milliseconds>(2 * log_pause_, kLogRestartMax);
}

void ShimContainer::end_log() {
  if (log_timer_) loop_.cancel(*log_timer_);
  log_timer_.reset();
  clear_relays();
  if (!log_) return;
  loop_.unwatch(log_->pidfd());
  log_->container_ended();
  if (log_->ends_within(kLogMoment)) {
    (void)log_->reap();  // it has told
  } else {
    log_->kill();
  }
  log_.reset();
}

// ---- what a client is shown beside the log ----

// What comes from `from` goes through us to the log process, by a pipe whose other end it reads.
Result<sys::Fd> ShimContainer::add_relay(sys::Fd from) {
  sys::Pipe pipe = TRY(sys::make_pipe());
  TRY(sys::set_nonblocking(from.get()));
  TRY(sys::set_nonblocking(pipe.write.get()));
  relays_.push_back({std::move(from), std::move(pipe.write), ""});
  return std::move(pipe.read);
}

Status ShimContainer::watch_relays() {
  for (size_t i = 0; i < relays_.size(); ++i) {
    Relay& relay = relays_[i];
    if (!relay.from || !relay.held.empty()) continue;
    loop_.unwatch(relay.from.get());
    TRY(loop_.watch(relay.from.get(), EPOLLIN, [this, i](uint32_t) { relay_more(i); }));
  }
  return {};
}

// A client that does not read holds it, as one would that is not read; so does a log that waits.
void ShimContainer::relay_more(size_t i) {
  Relay& relay = relays_[i];
  if (pump(i) == Pumped::kEnd) {
    loop_.unwatch(relay.from.get());
    relay.from.reset();
    relay.to.reset();
    return;
  }
  bool holds = !relay.held.empty() || is_held();
  if (holds) loop_.unwatch(relay.from.get());
  if (!relay.held.empty()) wait_for_log(i);
}

void ShimContainer::wait_for_log(size_t i) {
  auto watched = loop_.watch(relays_[i].to.get(), EPOLLOUT, [this, i](uint32_t) {
    give_held(relays_[i]);
    if (!relays_[i].held.empty()) return;
    loop_.unwatch(relays_[i].to.get());
    if (end_) return finish_relays();
    (void)watch_relays();  // they were watched before
  });
  if (!watched) LOG(kError, "log not watched", {{"why", watched.error().text}});
}

void ShimContainer::give_held(Relay& relay) {
  auto wrote = sys::write_some(relay.to.get(), relay.held);
  if (wrote) relay.held.erase(0, *wrote);
}

// One read only: a container that never stops printing must not keep the loop from the rest.
ShimContainer::Pumped ShimContainer::pump(size_t i) {
  Relay& relay = relays_[i];
  std::string chunk(kShownChunk, '\0');
  auto got = sys::read_some(relay.from.get(), chunk.data(), chunk.size());
  if (!got && got.error().errno_value == EAGAIN) return Pumped::kNothing;
  bool ended = !got || *got == 0;  // of a terminal an error, when nobody has it open any more
  if (ended) return Pumped::kEnd;
  chunk.resize(*got);
  auto stream = i == 0 ? Attachment::Stream::kOutput : Attachment::Stream::kError;
  for (Attached& each : attached_) each.client->show(stream, chunk);
  relay.held += chunk;
  give_held(relay);
  return Pumped::kSome;
}

// After the end of its processes: when the log process has all that there was, it is told so.
void ShimContainer::finish_relays() {
  for (size_t i = 0; i < relays_.size(); ++i) {
    Relay& relay = relays_[i];
    if (!relay.from) continue;
    loop_.unwatch(relay.from.get());
    while (relay.held.empty() && pump(i) == Pumped::kSome) {
    }
    if (!relay.held.empty()) return wait_for_log(i);
  }
  clear_relays();
  if (log_) log_->container_ended();
}

void ShimContainer::clear_relays() {
  for (Relay& relay : relays_) {
    if (relay.from) loop_.unwatch(relay.from.get());
    if (relay.to) loop_.unwatch(relay.to.get());
  }
  relays_.clear();
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

void ShimContainer::tell_end() {
  if (log_timer_) loop_.cancel(*log_timer_);
  log_timer_.reset();
  auto on_exit = std::exchange(on_exit_, {});
  if (on_exit) on_exit();
}

void ShimContainer::signal(int number) {
  if (!process_.pidfd || number == 0) return;
  auto sent = sys::send_signal(process_, number);
  if (!sent) LOG(kWarn, "signal", {{"container", plan_.name}, {"why", sent.error().text}});
}

void ShimContainer::signal_stop() {
  auto sent = sys::send_signal(process_, plan_.stop_signal);
  if (!sent) LOG(kWarn, "stop signal", {{"container", plan_.name}, {"why", sent.error().text}});
}

void ShimContainer::kill(const std::string& why) {
  if (!killed_) killed_ = why;
  // With the first process of a pid namespace the kernel kills all others; where it is none,
  // process_ended() does.
  auto sent = sys::send_signal(process_, SIGKILL);
  if (!sent) LOG(kError, "kill", {{"container", plan_.name}, {"why", sent.error().text}});
}

bool ShimContainer::was_killed_for_memory(int exit_code) const {
  if (exit_code != kKilled || killed_) return false;
  auto host = sys::Cgroups::detect();
  if (!host) return false;
  auto kills = host->at(plan_.cgroup).oom_kills();
  return kills && *kills > 0;
}

ExitRecord ShimContainer::record_of(sys::ExitStatus status) const {
  ExitRecord record;
  record.container = plan_.name;
  record.exit_code = status.shell_code();
  record.oom_killed = was_killed_for_memory(status.shell_code());
  if (record.oom_killed) record.reason = kOutOfMemory;
  bool is_killed = status.shell_code() == kKilled && !record.oom_killed;
  if (is_killed) record.killed = killed_.value_or("");
  record.started_at = started_at_;
  record.finished_at = format_rfc3339(env_.clock.wall());
  record.restarts = restarts_;
  return record;
}

Result<ExitRecord> ShimContainer::reap() {
  return *std::exchange(end_, std::nullopt);
}

ExitRecord ShimContainer::refusal(const std::string& reason) {
  end_before_start();
  end_log();
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
    end_log();  // one that did not end in time, whose last lines are lost
    return create_process(host.supervisor);
  };
  auto created = create();
  if (!created) {
    end_before_start();
    end_log();
    return wrap(std::move(created).error(), "CannotStartContainerError");
  }
  std::vector<TimedStep> steps;  // of a start only
  TRY(start(std::move(on_exit), steps));
  ++restarts_;
  return {};
}

Status ShimContainer::release() {
  attached_.clear();
  if (created_) TRY(oci_.remove(plan_.id));
  created_ = false;
  return unmount_rootfs(plan_.rootfs);
}

}  // namespace berth::runtime
