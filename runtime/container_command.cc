#include "runtime/container_command.h"

#include "base/log.h"
#include "sys/call.h"
#include "sys/file.h"

#include <sys/epoll.h>

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

namespace berth::runtime {
namespace {

constexpr size_t kCommandChunk = 16 * 1024;
// How long a command that is not wanted any more may take to get into its container; it needs
// milliseconds.
constexpr std::chrono::milliseconds kCommandEntryPatience(1000);

}  // namespace

ContainerCommand::ContainerCommand(const ContainerPlan& plan, const OciProgram& oci,
                                   sys::Loop& loop, Place place)
    : plan_(plan), oci_(oci), loop_(loop), place_(place) {}

ContainerCommand::~ContainerCommand() {
  clear();
}

Status ContainerCommand::begin(const std::vector<std::string>& args,
                               std::function<void(End)> on_end) {
  on_end_ = std::move(on_end);
  text_.clear();
  is_begun_ = true;
  return enter(args);
}

// Limits are the container's: on v1 only the pids controller, which counts processes, tells the two
// groups apart; on v2 the group has no controllers of its own.
Result<sys::CgroupDir> ContainerCommand::group() const {
  auto host = TRY(sys::Cgroups::detect());
  return host.at(plan_.cgroup + "/" + place_.group);
}

Status ContainerCommand::enter(const std::vector<std::string>& args) {
  auto group = TRY(this->group());
  TRY(sys::make_directory(group.directory("pids"), 0755));
  sys::Pipe pipe = TRY(sys::make_pipe());
  output_ = std::move(pipe.read);
  TRY(sys::set_nonblocking(output_.get()));
  TRY(loop_.watch(output_.get(), EPOLLIN, [this](uint32_t) { read_output(); }));
  OciProgram::ExecRequest request;
  request.id = plan_.id;
  request.directory = plan_.bundle;
  request.name = place_.group;
  request.sub_cgroup = group.is_unified() ? place_.group : fmt::format("pids:{}", place_.group);
  request.args = args;
  request.streams.out = pipe.write.get();
  request.streams.err = pipe.write.get();
  entry_ = TRY(oci_.begin_exec(request));
  return loop_.watch(entry_->process.pidfd.get(), EPOLLIN, [this](uint32_t) { entered(); });
}

// berth-oci has ended: the command runs, or does not.
void ContainerCommand::entered() {
  loop_.unwatch(entry_->process.pidfd.get());
  auto pid = oci_.end_exec(*entry_);
  entry_.reset();
  auto watched = [&]() -> Status {
    command_.pid = TRY(std::move(pid));
    command_.pidfd = TRY(sys::open_pidfd(command_.pid));
    return loop_.watch(command_.pidfd.get(), EPOLLIN, [this](uint32_t) { ended(); });
  }();
  if (!watched) tell({.exit_code = std::nullopt, .text = watched.error().text});
}

void ContainerCommand::ended() {
  loop_.unwatch(command_.pidfd.get());
  auto status = sys::wait(command_);
  command_ = {};
  if (!status) return tell({.exit_code = std::nullopt, .text = status.error().text});
  tell({.exit_code = status->shell_code(), .text = ""});
}

// Whoever is told may begin the next one.
void ContainerCommand::tell(End end) {
  auto told = std::exchange(on_end_, nullptr);
  if (told) told(std::move(end));
}

void ContainerCommand::clear() {
  if (!is_begun_) return;
  is_begun_ = false;
  if (entry_) {
    loop_.unwatch(entry_->process.pidfd.get());
    auto in_time = sys::ends_within(entry_->process, kCommandEntryPatience);
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
void ContainerCommand::kill_group() {
  auto kill = [&]() -> Status {
    auto group = TRY(this->group());
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
    LOG(kError, "command not cleared",
        {{"container", plan_.name}, {"what", place_.group}, {"why", killed.error().text}});
  }
}

// All of it is read, so that no command waits for us; the beginning is kept.
void ContainerCommand::read_output() {
  while (true) {
    std::string chunk(kCommandChunk, '\0');
    auto got = sys::read_some(output_.get(), chunk.data(), chunk.size());
    if (!got && got.error().errno_value == EAGAIN) return;
    if (!got || *got == 0) break;
    size_t room = place_.output_max - std::min(place_.output_max, text_.size());
    text_.append(chunk, 0, std::min(room, *got));
    if (command_.pid > 0 || entry_) return;  // one read only: others have their turn
  }
  loop_.unwatch(output_.get());
  output_.reset();
}

}  // namespace berth::runtime
