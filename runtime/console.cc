#include "runtime/console.h"

#include "runtime/child.h"
#include "sys/socket.h"
#include "sys/terminal.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cstring>

namespace berth::runtime {
namespace {

using child::attempt;
using child::die;
using child::must;

constexpr const char* kPtmx = "/dev/pts/ptmx";
constexpr const char* kName = "/dev/ptmx";  // what runc calls the master when it sends it
constexpr const char* kConsole = "/dev/console";
constexpr long kDevptsMagic = 0x1cd1;  // DEVPTS_SUPER_MAGIC

// What an image put in the place of ptmx must not be taken for one: its driver would be ours to
// wake (and its name ours to hand to the engine).
void check_ptmx(int ptmx) {
  struct stat there {};
  struct statfs file_system {};
  must(kPtmx, [&] { return ::fstat(ptmx, &there); });
  must(kPtmx, [&] { return ::fstatfs(ptmx, &file_system); });
  bool real = file_system.f_type == kDevptsMagic && S_ISCHR(there.st_mode) &&
              there.st_rdev == ::makedev(5, 2);
  if (!real) die(ENODEV, kPtmx);
}

int open_master(int root) {
  int found = child::open_in_root(root, kPtmx, O_PATH | O_NOFOLLOW);
  if (found < 0) die(errno, kPtmx);
  check_ptmx(found);
  ::close(found);
  // Looked at again when open: a hostile container may have swapped it meanwhile. Non-blocking only
  // because a fifo in its place would hold us up.
  int master = child::open_in_root(root, kPtmx, O_RDWR | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK);
  if (master < 0) die(errno, kPtmx);
  check_ptmx(master);
  must(kPtmx, [&] { return ::fcntl(master, F_SETFL, 0); });
  int unlock = 0;
  must("TIOCSPTLCK", [&] { return ::ioctl(master, TIOCSPTLCK, &unlock); });
  return master;
}

void send_master(int socket, int master) {
  iovec part{const_cast<char*>(kName), std::strlen(kName)};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  cmsghdr* rights = CMSG_FIRSTHDR(&header);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(rights), &master, sizeof(int));
  must("console socket", [&] { return ::sendmsg(socket, &header, MSG_NOSIGNAL); });
}

// The slave over /dev/console, which is made if it is missing and must be no symlink.
void bind_to_dev_console(int root, int slave) {
  int parent = child::ensure_parent(root, kConsole);
  const char* name = child::last_name(kConsole);
  constexpr int kCreate = O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC;
  long made = attempt([&] { return ::openat(parent, name, kCreate, 0600); });
  if (made >= 0) ::close(static_cast<int>(made));
  if (made < 0 && errno != EEXIST) die(errno, kConsole);
  constexpr int kFind = O_PATH | O_NOFOLLOW | O_CLOEXEC;
  int target = static_cast<int>(must(kConsole, [&] { return ::openat(parent, name, kFind); }));
  struct stat there {};
  must(kConsole, [&] { return ::fstat(target, &there); });
  if (S_ISLNK(there.st_mode)) die(ELOOP, kConsole);
  int mount = static_cast<int>(must(kConsole, [&] {
    return ::syscall(SYS_open_tree, slave, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
  }));
  must(kConsole, [&] {
    return ::syscall(SYS_move_mount, mount, "", target, "",
                     MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
  });
  ::close(mount);
  ::close(target);
  ::close(parent);
}

}  // namespace

void open_console(const Console& console, int root, ConsoleUse use) {
  if (console.socket < 0) return;
  child::position.stage = Stage::kConsole;
  int master = open_master(root);
  // By the master, not by a name that the container could have changed (Linux >= 4.13).
  int slave = static_cast<int>(must(
      "TIOCGPTPEER", [&] { return ::ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC); }));
  must("owner", [&] { return ::fchown(slave, console.uid, static_cast<gid_t>(-1)); });
  if (console.size.width != 0 || console.size.height != 0) {
    winsize size{.ws_row = console.size.height, .ws_col = console.size.width};
    must("TIOCSWINSZ", [&] { return ::ioctl(master, TIOCSWINSZ, &size); });
  }
  if (console.plain_newlines) {
    termios settings{};
    must("tcgetattr", [&] { return ::tcgetattr(slave, &settings); });
    settings.c_oflag &= ~static_cast<tcflag_t>(ONLCR);
    must("tcsetattr", [&] { return ::tcsetattr(slave, TCSANOW, &settings); });
  }
  if (use == ConsoleUse::kInit) bind_to_dev_console(root, slave);
  send_master(console.socket, master);
  ::close(master);
  ::close(console.socket);
  must("TIOCSCTTY", [&] { return ::ioctl(slave, TIOCSCTTY, 0); });
  for (int fd = 0; fd < 3; ++fd) {
    must("dup3", [&] { return ::dup3(slave, fd, 0); });
  }
  ::close(slave);
}

Result<ConsoleChannel> ConsoleChannel::make(const ProcessSpec& process,
                                            const std::string& socket_path, Relay relay) {
  ConsoleChannel channel;
  bool by_engine = relay == Relay::kEngine;
  if (!socket_path.empty() && !(by_engine && process.terminal)) {
    return fail(Errc::kInvalid,
                "cannot use console socket if berth-oci will not detach or allocate tty");
  }
  if (!process.terminal) return channel;
  if (by_engine && socket_path.empty()) {
    return fail(Errc::kInvalid,
                "cannot allocate tty if berth-oci will detach without setting console socket");
  }
  if (by_engine) {
    channel.theirs_ = TRY(sys::connect_stream(socket_path));
  } else {
    sys::SocketPair pair = TRY(sys::make_socket_pair());
    channel.theirs_ = std::move(pair.theirs);
    channel.ours_ = std::move(pair.ours);
  }
  return channel;
}

Console ConsoleChannel::plan(const ProcessSpec& process) const {
  Console console{.socket = theirs_.get(),
                  .size = process.console_size,
                  .plain_newlines = static_cast<bool>(ours_),
                  .uid = process.user.uid};
  if (!ours_) return console;
  auto terminal = sys::own_terminal();
  auto ours = terminal ? sys::window_size(terminal->get()) : sys::WindowSize{};
  if (ours && ours->columns != 0) {
    console.size = {.width = ours->columns, .height = ours->rows};
  }
  return console;
}

Result<sys::Fd> ConsoleChannel::take_master() {
  theirs_.reset();
  if (!ours_) return sys::Fd();
  sys::Message message = TRY(sys::receive_message(ours_.get()));
  if (message.fds.size() != 1) return fail(Errc::kInternal, "console: no master came");
  return std::move(message.fds[0]);
}

}  // namespace berth::runtime
