#include "agent/log_follower.h"

#include <sys/epoll.h>

#include <algorithm>
#include <utility>

namespace berth::agent {

LogFollower::~LogFollower() {
  for (auto& [path, directory] : directories_) loop_.unwatch(directory.watch.fd());
}

Result<std::unique_ptr<LogFollower>> LogFollower::start(sys::Loop& loop, const LogPaths& logs,
                                                        const Sink& sink) {
  std::unique_ptr<LogFollower> follower(new LogFollower(loop));
  // The watches come before the first read, so that nothing falls between.
  for (const auto& [container, path] : logs) TRY(follower->follow(container, path, sink));
  follower->drain();
  return follower;
}

Status LogFollower::follow(const std::string& container, const std::string& path,
                           const Sink& sink) {
  size_t slash = path.rfind('/');
  std::string directory = path.substr(0, slash);
  std::string base = path.substr(slash + 1);
  if (!directories_.contains(directory)) TRY(watch(directory));
  LogTail tail = TRY(LogTail::open(
      directory, base, [container, sink](const LogRecord& record) { sink(container, record); }));
  directories_.at(directory).tails.push_back({std::move(base), std::move(tail)});
  return {};
}

Status LogFollower::watch(const std::string& directory) {
  auto watch = TRY(sys::DirectoryWatch::make(directory));
  Directory& made = directories_.emplace(directory, Directory{std::move(watch), {}}).first->second;
  return loop_.watch(made.watch.fd(), EPOLLIN, [&made](uint32_t) { look_at(made); });
}

void LogFollower::look_at(Directory& directory) {
  auto changes = directory.watch.take();
  bool look_at_all = !changes || changes->overflowed;
  for (Tail& each : directory.tails) {
    bool changed = look_at_all || std::ranges::any_of(changes->names, [&](const auto& name) {
                     return name.starts_with(each.base);  // itself, or one that was rotated
                   });
    if (changed) each.tail.read_more();
  }
}

void LogFollower::drain() {
  for (auto& [path, directory] : directories_) {
    for (Tail& each : directory.tails) each.tail.read_more();
  }
}

}  // namespace berth::agent
