#include "sys/oom_watch.h"

#include "base/text.h"
#include "sys/call.h"
#include "sys/file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>

namespace berth::sys {
namespace {

constexpr size_t kEventsMax = 4096;

Result<uint64_t> kills_in(int events) {
  std::array<char, kEventsMax> buffer{};
  long got = TRY(call("pread", "memory.events",
                      [&] { return ::pread(events, buffer.data(), buffer.size(), 0); }));
  for (const std::string& line :
       split(std::string_view(buffer.data(), static_cast<size_t>(got)), '\n')) {
    if (line.starts_with("oom_kill ")) return parse_u64(line.substr(9)).value_or(0);
  }
  return 0;
}

Result<Fd> register_v1(const std::string& directory) {
  Fd event(TRY(call("eventfd", "", [] { return ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); })));
  Fd control = TRY(open(directory + "/memory.oom_control", O_RDONLY));
  TRY(write_to(directory + "/cgroup.event_control",
               fmt::format("{} {}", event.get(), control.get())));
  return event;
}

}  // namespace

Result<OomWatch> OomWatch::make(const CgroupDir& group) {
  std::string directory = group.directory("memory");
  if (directory.empty()) return fail(Errc::kUnsupported, "this host has no memory cgroup");
  if (!group.is_unified()) return OomWatch(TRY(register_v1(directory)), false);
  OomWatch watch(TRY(open(directory + "/memory.events", O_RDONLY)), true);
  TRY(watch.take());  // what was before; reading arms the poll
  return watch;
}

short OomWatch::poll_events() const {
  return unified_ ? POLLPRI : POLLIN;
}

Result<uint64_t> OomWatch::take() {
  if (unified_) {
    uint64_t kills = TRY(kills_in(fd_.get()));
    return kills - std::exchange(seen_, kills);
  }
  uint64_t news = 0;
  ssize_t got = ::read(fd_.get(), &news, sizeof(news));
  return got == sizeof(news) ? news : 0;
}

}  // namespace berth::sys
