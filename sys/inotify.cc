#include "sys/inotify.h"

#include "sys/call.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace berth::sys {

Result<DirectoryWatch> DirectoryWatch::make(const std::string& directory) {
  Fd fd(TRY(call("inotify_init1", "", [] { return ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK); })));
  TRY(run("inotify_add_watch", directory, [&] {
    return ::inotify_add_watch(fd.get(), directory.c_str(),
                               IN_CREATE | IN_MODIFY | IN_MOVED_TO | IN_ONLYDIR);
  }));
  return DirectoryWatch(std::move(fd));
}

Result<DirectoryWatch::Changes> DirectoryWatch::take() {
  Changes changes;
  alignas(inotify_event) std::array<char, 16 * 1024> buffer{};
  while (true) {
    ssize_t got = ::read(fd_.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return changes;
    if (got <= 0) return fail_errno(errno, "read inotify");
    for (ssize_t at = 0; at < got;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      if ((event->mask & IN_Q_OVERFLOW) != 0) changes.overflowed = true;
      if (event->len == 0) continue;
      std::string name = event->name;
      if (std::find(changes.names.begin(), changes.names.end(), name) == changes.names.end()) {
        changes.names.push_back(std::move(name));
      }
    }
  }
}

}  // namespace berth::sys
