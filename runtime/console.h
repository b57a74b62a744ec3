// process.terminal: the container's own pseudoterminal.
//
// The pair is made inside, from the container's devpts, so that its name means something there. The
// slave becomes 0, 1, 2 and the controlling terminal; for an init it is bound to /dev/console, too.
// The master goes out through a socket, to whoever will relay it: --console-socket, or ourselves in
// the foreground (runtime/attend.h).
#pragma once

#include "base/result.h"
#include "runtime/spec.h"
#include "sys/fd.h"

#include <optional>
#include <string>

namespace berth::runtime {

// Child-side plan of a terminal.
struct Console {
  int socket = -1;  // the master is sent here; -1: no terminal is wanted
  ConsoleSize size;
  bool plain_newlines = false;  // no carriage returns: who prints it will add them
  uint32_t uid = 0;             // whom the slave will belong to
};

enum class ConsoleUse { kInit, kExec };

// Child, after setsid(2). `root` is the container's root directory. Allocates nothing; dies on
// error.
void open_console(const Console& console, int root, ConsoleUse use);

// Parent: where the master will go.
class ConsoleChannel {
 public:
  // The socket of --console-socket, or with "" a pair whose other end we keep. kInvalid for
  // combinations that make no sense, in runc's words.
  enum class Relay { kEngine, kOurselves };
  static Result<ConsoleChannel> make(const ProcessSpec& process, const std::string& socket_path,
                                     Relay relay);

  // For the child.
  Console plan(const ProcessSpec& process) const;
  // After the program runs: the master when it is ours to relay, else empty.
  Result<sys::Fd> take_master();

 private:
  sys::Fd theirs_;
  sys::Fd ours_;
};

}  // namespace berth::runtime
