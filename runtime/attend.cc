#include "runtime/attend.h"

#include "sys/file.h"
#include "sys/path.h"
#include "sys/terminal.h"
#include "sys/wait.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <optional>
#include <string>

namespace berth::runtime {
namespace {

constexpr size_t kRelayChunk = 16 * 1024;

// Copies between a master and our standard streams. Input that the program does not read waits in
// `pending_`, a chunk at most, so that its output flows on.
class TerminalRelay {
 public:
  static Result<TerminalRelay> make(sys::Fd master) {
    TRY(sys::set_nonblocking(master.get()));
    TerminalRelay relay(std::move(master));
    if (auto terminal = sys::own_terminal()) {
      relay.raw_.emplace(
          TRY(sys::RawMode::enter(std::move(*terminal), sys::Newlines::kTranslated)));
      relay.resize();
    }
    return relay;
  }

  // What to wait for: {input, master}; a negative descriptor is none.
  std::array<pollfd, 2> wanted() const {
    bool reads_input = input_open_ && pending_.empty();
    short of_master = static_cast<short>(POLLIN | (pending_.empty() ? 0 : POLLOUT));
    return {{{.fd = reads_input ? STDIN_FILENO : -1, .events = POLLIN},
             {.fd = master_open_ ? master_.get() : -1, .events = of_master}}};
  }

  Status serve(const std::array<pollfd, 2>& ready) {
    if (ready[0].revents != 0) TRY(take_input());
    if ((ready[1].revents & POLLOUT) != 0) TRY(give_input());
    if ((ready[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0) TRY(copy_output());
    return {};
  }

  // What the program left in the terminal when it ended.
  Status drain() {
    while (master_open_ && TRY(copy_output())) {
    }
    return {};
  }

  // Our terminal may have gone: then the program's keeps its size.
  void resize() {
    if (raw_) (void)sys::copy_window_size(raw_->terminal(), master_.get());
  }

 private:
  explicit TerminalRelay(sys::Fd master) : master_(std::move(master)) {}

  Status take_input() {
    std::array<char, kRelayChunk> buffer;  // NOLINT(*-member-init): the read fills it
    auto got = sys::read_some(STDIN_FILENO, buffer.data(), buffer.size());
    if (!got || *got == 0) {
      input_open_ = false;  // the end of input, or a terminal that hung up
      return {};
    }
    pending_.assign(buffer.data(), *got);
    return give_input();
  }

  Status give_input() {
    auto written = sys::write_some(master_.get(), pending_);
    if (written) {
      pending_.erase(0, *written);
    } else if (written.error().errno_value != EAGAIN) {
      pending_.clear();  // nobody has the other side open any more
    }
    return {};
  }

  // True when there may be more.
  Result<bool> copy_output() {
    std::array<char, kRelayChunk> buffer;  // NOLINT(*-member-init): the read fills it
    auto got = sys::read_some(master_.get(), buffer.data(), buffer.size());
    if (!got && got.error().errno_value == EAGAIN) return false;
    if (!got || *got == 0) {
      master_open_ = false;  // EIO: the last process closed the other side
      return false;
    }
    TRY(sys::write_all(STDOUT_FILENO, {buffer.data(), *got}));
    return true;
  }

  sys::Fd master_;
  std::optional<sys::RawMode> raw_;
  std::string pending_;
  bool input_open_ = true;
  bool master_open_ = true;
};

Status pass_signals(int signals, const sys::Process& process, TerminalRelay* relay) {
  int signal = TRY(sys::read_signal(signals));
  if (signal == SIGCHLD) return {};
  if (signal == SIGWINCH && relay != nullptr) {
    relay->resize();
    return {};
  }
  return sys::send_signal(process, signal);
}

}  // namespace

ConsoleChannel::Relay relay_of(RunMode mode) {
  return mode == RunMode::kDetached ? ConsoleChannel::Relay::kEngine
                                    : ConsoleChannel::Relay::kOurselves;
}

Result<int> attend(const sys::Process& process, sys::Fd master) {
  sys::Fd signals = TRY(sys::open_signals());
  std::optional<TerminalRelay> relay;
  if (master) relay.emplace(TRY(TerminalRelay::make(std::move(master))));
  while (true) {
    auto ended = TRY(sys::try_wait(process.pid));
    if (ended) {
      if (relay) TRY(relay->drain());
      return ended->shell_code();
    }
    std::array<pollfd, 2> streams{{{.fd = -1}, {.fd = -1}}};
    if (relay) streams = relay->wanted();
    std::array<pollfd, 3> all_of{{{.fd = signals.get(), .events = POLLIN}, streams[0], streams[1]}};
    TRY(sys::wait_for(all_of, -1, ""));
    if (relay) TRY(relay->serve({all_of[1], all_of[2]}));
    if (all_of[0].revents != 0) {
      TRY(pass_signals(signals.get(), process, relay ? &*relay : nullptr));
    }
  }
}

}  // namespace berth::runtime
