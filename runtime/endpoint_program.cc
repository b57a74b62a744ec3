#include "runtime/endpoint_program.h"

#include "base/log.h"
#include "sys/file.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <csignal>

namespace berth::runtime {

EndpointProgram::EndpointProgram(std::vector<std::string> command, sys::Loop& loop, Env env)
    : command_(std::move(command)), loop_(loop), env_(env) {}

EndpointProgram::~EndpointProgram() {
  end();
}

Status EndpointProgram::watch(std::vector<Socket> sockets) {
  sockets_ = std::move(sockets);
  return watch_sockets();
}

void EndpointProgram::end() {
  unwatch_sockets();
  sockets_.clear();
  if (pause_) loop_.cancel(*pause_);
  pause_.reset();
  if (!process_.pidfd) return;
  loop_.unwatch(process_.pidfd.get());
  (void)sys::send_signal(process_, SIGKILL);  // gone already is as good
  (void)sys::wait(process_);                  // its exit code says nothing
  process_ = {};
}

Status EndpointProgram::watch_sockets() {
  for (const Socket& socket : sockets_) {
    if (socket.starts) TRY(loop_.watch(socket.fd, EPOLLIN, [this](uint32_t) { start(); }));
  }
  return {};
}

void EndpointProgram::unwatch_sockets() {
  for (const Socket& socket : sockets_) {
    if (socket.starts) loop_.unwatch(socket.fd);
  }
}

void EndpointProgram::start() {
  unwatch_sockets();
  started_at_ = env_.clock.now();
  auto spawned = spawn();
  if (spawned) return;
  LOG(kError, "who asks is not answered",
      {{"program", command_.front()}, {"why", spawned.error().text}});
  ended();
}

Status EndpointProgram::spawn() {
  sys::Fd null = TRY(sys::open("/dev/null", O_RDONLY));
  sys::Program program;
  program.path = command_.front();
  program.arguments = command_;
  program.descriptors = {
      {null.get(), STDIN_FILENO}, {STDERR_FILENO, STDOUT_FILENO}, {STDERR_FILENO, STDERR_FILENO}};
  int next = kEndpointFirstFd;
  for (const Socket& socket : sockets_) program.descriptors.emplace_back(socket.fd, next++);
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
    auto watched = watch_sockets();
    if (!watched) LOG(kError, "sockets are not watched", {{"why", watched.error().text}});
  };
  Duration ran = env_.clock.now() - started_at_;
  if (ran >= kEndpointPause) return again();
  pause_ = loop_.after(kEndpointPause - ran, again);
}

}  // namespace berth::runtime
