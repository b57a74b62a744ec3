#include "runtime/endpoint_program.h"

#include "base/log.h"
#include "sys/file.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <csignal>

namespace berth::runtime {

EndpointProgram::EndpointProgram(const EndpointPlan& plan, sys::Loop& loop, Env env)
    : plan_(plan), loop_(loop), env_(env) {}

EndpointProgram::~EndpointProgram() {
  end();
}

Status EndpointProgram::watch(std::vector<int> listeners) {
  listeners_ = std::move(listeners);
  return watch_listeners();
}

void EndpointProgram::end() {
  unwatch_listeners();
  listeners_.clear();
  if (pause_) loop_.cancel(*pause_);
  pause_.reset();
  if (!process_.pidfd) return;
  loop_.unwatch(process_.pidfd.get());
  (void)sys::send_signal(process_, SIGKILL);  // gone already is as good
  (void)sys::wait(process_);                  // its exit code says nothing
  process_ = {};
}

Status EndpointProgram::watch_listeners() {
  for (int listener : listeners_) {
    TRY(loop_.watch(listener, EPOLLIN, [this](uint32_t) { start(); }));
  }
  return {};
}

void EndpointProgram::unwatch_listeners() {
  for (int listener : listeners_) loop_.unwatch(listener);
}

void EndpointProgram::start() {
  unwatch_listeners();
  started_at_ = env_.clock.now();
  auto spawned = spawn();
  if (spawned) return;
  LOG(kError, "the endpoint of the task is not served", {{"why", spawned.error().text}});
  ended();
}

Status EndpointProgram::spawn() {
  sys::Fd null = TRY(sys::open("/dev/null", O_RDONLY));
  sys::Program program;
  program.path = plan_.command.front();
  program.arguments = plan_.command;
  program.descriptors = {
      {null.get(), STDIN_FILENO}, {STDERR_FILENO, STDOUT_FILENO}, {STDERR_FILENO, STDERR_FILENO}};
  int next = kEndpointFirstFd;
  for (int listener : listeners_) program.descriptors.emplace_back(listener, next++);
  program.dies_with_us = true;
  process_ = TRY(sys::spawn(program));
  return loop_.watch(process_.pidfd.get(), EPOLLIN, [this](uint32_t) { ended(); });
}

void EndpointProgram::ended() {
  if (process_.pidfd) {
    loop_.unwatch(process_.pidfd.get());
    (void)sys::wait(process_);  // it ended because it was idle, or it said why in our log
    process_ = {};
  }
  auto again = [this] {
    pause_.reset();
    auto watched = watch_listeners();
    if (!watched) LOG(kError, "the endpoint is not watched", {{"why", watched.error().text}});
  };
  Duration ran = env_.clock.now() - started_at_;
  if (ran >= kEndpointPause) return again();
  pause_ = loop_.after(kEndpointPause - ran, again);
}

}  // namespace berth::runtime
