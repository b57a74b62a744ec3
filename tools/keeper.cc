#include "tools/keeper.h"

#include "base/log.h"
#include "sys/become.h"
#include "sys/file.h"
#include "sys/socket.h"
#include "sys/spawn.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

namespace berth::tools {

Result<int> start_keeper(const RunOptions& options) {
  sys::SocketPair report = TRY(sys::make_socket_pair());
  sys::Fd null = TRY(sys::open("/dev/null", O_RDWR));
  sys::Program program;
  program.path = options.keeper.front();
  program.arguments = options.keeper;
  bool reads_input = options.file == "-";
  program.descriptors = {{reads_input ? STDIN_FILENO : null.get(), STDIN_FILENO},
                         {null.get(), STDOUT_FILENO},
                         {STDERR_FILENO, STDERR_FILENO},
                         {report.theirs.get(), kKeeperReportFd}};
  program.new_session = true;
  sys::Process keeper = TRY(sys::spawn(program));
  report.theirs.reset();
  sys::Message message = TRY(sys::receive_message(report.ours.get()));
  if (message.bytes.empty()) return TRY(sys::wait(keeper)).shell_code();
  std::printf("%s\n", message.bytes.c_str());
  return 0;
}

KeeperReport::KeeperReport(int fd, sys::Loop& loop, std::function<void()> lost)
    : fd_(fd), loop_(loop) {
  if (!fd_) return;
  auto watched = loop_.watch(fd_.get(), EPOLLIN, [this, lost = std::move(lost)](uint32_t) {
    loop_.unwatch(fd_.get());
    lost();
  });
  if (!watched) LOG(kWarn, "who started us is not watched", {{"why", watched.error().text}});
}

KeeperReport::~KeeperReport() {
  if (fd_) loop_.unwatch(fd_.get());
}

Status KeeperReport::tell(const std::string& task_id) {
  loop_.unwatch(fd_.get());
  sys::Fd fd = std::move(fd_);
  TRY(sys::silence(STDERR_FILENO));
  return sys::send_message(fd.get(), task_id, {});
}

}  // namespace berth::tools
