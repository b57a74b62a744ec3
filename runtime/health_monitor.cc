#include "runtime/health_monitor.h"

#include "base/log.h"
#include "sys/call.h"
#include "sys/cgroup.h"
#include "sys/file.h"

#include <sys/epoll.h>

#include <cerrno>
#include <csignal>

namespace berth::runtime {
namespace {

using std::chrono::milliseconds;

constexpr const char* kGroupName = "health";
constexpr size_t kOutputChunk = 16 * 1024;
// How long a check that is not wanted any more may take to get into its container; it needs
// milliseconds.
constexpr milliseconds kEntryPatience(1000);

// Limits are the container's: on v1 only the pids controller, which counts processes, tells the two
// groups apart; on v2 the group has no controllers of its own.
Result<sys::CgroupDir> check_group_of(const ContainerPlan& plan) {
  auto host = TRY(sys::Cgroups::detect());
  return host.at(plan.cgroup + "/" + kGroupName);
}

}  // namespace

HealthMonitor::HealthMonitor(const ContainerPlan& plan, const OciProgram& oci, sys::Loop& loop,
                             Env env, std::function<void()> on_change)
    : plan_(plan),
      check_(*plan.health_check),
      oci_(oci),
      loop_(loop),
      env_(env),
      on_change_(std::move(on_change)) {}

HealthMonitor::~HealthMonitor() {
  end();
}

void HealthMonitor::begin() {
  active_ = true;
  started_at_ = env_.clock.now();
  health_ = {};
  last_exit_code_.reset();
  last_output_.clear();
  wait();
}

void HealthMonitor::end() {
  if (!active_) return;
  active_ = false;
  clear();
}

HealthReport HealthMonitor::report() const {
  HealthReport report;
  report.status = health_.status;
  report.exit_code = last_exit_code_;
  report.output = last_output_;
  return report;
}

void HealthMonitor::wait() {
  timer_ = loop_.after(milliseconds(check_.interval_ms), [this] {
    timer_.reset();
    start_check();
  });
}

void HealthMonitor::start_check() {
  begun_ = env_.clock.now();
  text_.clear();
  auto entering = enter();
  if (!entering) return conclude({.exit_code = std::nullopt, .text = entering.error().text});
  timer_ = loop_.after(milliseconds(check_.timeout_ms), [this] {
    timer_.reset();
    conclude({.exit_code = std::nullopt,
              .text = fmt::format(
                  "Health check exceeded timeout ({} s)\n",
                  std::chrono::duration<double>(milliseconds(check_.timeout_ms)).count())});
  });
}

Status HealthMonitor::enter() {
  auto group = TRY(check_group_of(plan_));
  TRY(sys::make_directory(group.directory("pids"), 0755));
  sys::Pipe pipe = TRY(sys::make_pipe());
  output_ = std::move(pipe.read);
  TRY(sys::set_nonblocking(output_.get()));
  TRY(loop_.watch(output_.get(), EPOLLIN, [this](uint32_t) { read_output(); }));
  OciProgram::ExecRequest request;
  request.id = plan_.id;
  request.directory = plan_.bundle;
  request.name = kGroupName;
  request.sub_cgroup = group.is_unified() ? kGroupName : fmt::format("pids:{}", kGroupName);
  request.args = check_.args;
  request.streams.out = pipe.write.get();
  request.streams.err = pipe.write.get();
  entry_ = TRY(oci_.begin_exec(request));
  return loop_.watch(entry_->process.pidfd.get(), EPOLLIN, [this](uint32_t) { entered(); });
}

// berth-oci has ended: the command runs, or does not.
void HealthMonitor::entered() {
  loop_.unwatch(entry_->process.pidfd.get());
  auto pid = oci_.end_exec(*entry_);
  entry_.reset();
  auto watched = [&]() -> Status {
    command_.pid = TRY(std::move(pid));
    command_.pidfd = TRY(sys::open_pidfd(command_.pid));
    return loop_.watch(command_.pidfd.get(), EPOLLIN, [this](uint32_t) { ended(); });
  }();
  if (!watched) conclude({.exit_code = std::nullopt, .text = watched.error().text});
}

void HealthMonitor::ended() {
  loop_.unwatch(command_.pidfd.get());
  auto status = sys::wait(command_);
  command_ = {};
  if (!status) return conclude({.exit_code = std::nullopt, .text = status.error().text});
  conclude({.exit_code = status->shell_code(), .text = ""});
}

void HealthMonitor::conclude(Finding finding) {
  clear();
  last_exit_code_ = finding.exit_code;
  last_output_ = (finding.text + text_).substr(0, kHealthOutputMax);
  HealthRule rule{.retries = check_.retries, .start_period = milliseconds(check_.start_period_ms)};
  Health before = health_;
  health_ =
      after_check(rule, before, {.passed = finding.exit_code == 0, .began = begun_ - started_at_});
  if (health_.status != before.status) on_change_();
  if (active_) wait();
}

// Nothing of a check, or of the wait for one, remains.
void HealthMonitor::clear() {
  if (timer_) loop_.cancel(*timer_);
  timer_.reset();
  if (entry_) {
    loop_.unwatch(entry_->process.pidfd.get());
    auto in_time = sys::ends_within(entry_->process, kEntryPatience);
    // Its child gives up with it, or is found in the group.
    if (!in_time || !*in_time) (void)sys::send_signal(entry_->process, SIGKILL);
    if (auto pid = oci_.end_exec(*entry_)) command_.pid = *pid;
    entry_.reset();
  }
  if (command_.pidfd) loop_.unwatch(command_.pidfd.get());
  kill_group();
  command_ = {};
  if (!output_) return;
  read_output();
  if (output_) loop_.unwatch(output_.get());
  output_.reset();
}

// Also what the command started and left: it could live as long as the container.
void HealthMonitor::kill_group() {
  auto kill = [&]() -> Status {
    auto group = TRY(check_group_of(plan_));
    if (!sys::exists(group.directory("pids"))) return {};
    std::vector<pid_t> members = TRY(group.processes());
    TRY(group.kill_all());
    if (command_.pid > 0) members.push_back(command_.pid);
    // The command is our child (we are a subreaper); what it started is its container's to reap.
    for (pid_t pid : members) (void)sys::try_wait(pid);
    return group.remove();
  };
  auto killed = kill();
  if (!killed) {
    LOG(kError, "health check not cleared",
        {{"container", plan_.name}, {"why", killed.error().text}});
  }
}

// All of it is read, so that no check waits for us; the beginning is kept.
void HealthMonitor::read_output() {
  while (true) {
    std::string chunk(kOutputChunk, '\0');
    auto got = sys::read_some(output_.get(), chunk.data(), chunk.size());
    if (!got && got.error().errno_value == EAGAIN) return;
    if (!got || *got == 0) break;
    size_t room = kHealthOutputMax - std::min(kHealthOutputMax, text_.size());
    text_.append(chunk, 0, std::min(room, *got));
    if (command_.pid > 0 || entry_) return;  // one read only: others have their turn
  }
  loop_.unwatch(output_.get());
  output_.reset();
}

}  // namespace berth::runtime
