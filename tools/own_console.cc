#include "tools/own_console.h"

#include "base/log.h"
#include "sys/file.h"
#include "sys/pipe.h"
#include "sys/socket.h"
#include "sys/wait.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace berth::tools {
namespace {

constexpr size_t kTypedChunk = 16 * 1024;  // a message of the socket, which the shim takes whole
constexpr size_t kShownChunk = 64 * 1024;
constexpr int kLastWordsMs = 2000;  // that a supervisor has, each time, for more of what is left
constexpr Duration kLastWordsTotal = std::chrono::seconds(10);  // and in all
constexpr int kShownRoom = 1024 * 1024;  // what a pipe may have without asking (fs.pipe-max-size)

bool has_somebody_at_it(int fd) {
  if (::isatty(fd) == 1) return true;
  auto there = sys::stat_fd(fd);
  return there && !S_ISCHR(there->st_mode);
}

}  // namespace

const scheduler::ContainerDefinition* console_container(const scheduler::TaskDefinition& definition,
                                                        const std::string& named) {
  if (!has_somebody_at_it(STDIN_FILENO)) return nullptr;
  const scheduler::ContainerDefinition* found = nullptr;
  for (const auto& container : definition.container_definitions) {
    if (!container.interactive) continue;
    if (container.name == named) return &container;
    if (found != nullptr) return nullptr;
    found = &container;
  }
  return named.empty() ? found : nullptr;
}

OwnConsole::OwnConsole(ConsoleOptions options, sys::Loop& loop, Clock& clock)
    : options_(std::move(options)),
      loop_(loop),
      clock_(clock),
      on_terminal_(::isatty(STDIN_FILENO) == 1),
      outlets_{Outlet{{}, STDOUT_FILENO}, Outlet{{}, STDERR_FILENO}} {}

Result<std::unique_ptr<OwnConsole>> OwnConsole::make(ConsoleOptions options, sys::Loop& loop,
                                                     Clock& clock) {
  std::unique_ptr<OwnConsole> console(new OwnConsole(std::move(options), loop, clock));
  const ConsoleOptions& wanted = console->options_;
  sys::SocketPair input = TRY(sys::make_socket_pair());
  console->theirs_.input = std::move(input.theirs);
  if (wanted.reads) {  // else it has ended before it began
    console->input_ = std::move(input.ours);
    TRY(sys::set_nonblocking(console->input_.get()));
  }
  if (console->shows_anything()) console->theirs_.output = TRY(console->open_outlet(0));
  if (wanted.shows_streams && !wanted.has_terminal) {
    console->theirs_.error = TRY(console->open_outlet(1));
  }
  return console;
}

// The other end of a pipe that we show. It holds much, so that who is shown something seldom misses
// any of it.
Result<sys::Fd> OwnConsole::open_outlet(size_t i) {
  sys::Pipe pipe = TRY(sys::make_pipe());
  TRY(sys::set_pipe_room(pipe.read.get(), kShownRoom));
  TRY(sys::set_nonblocking(pipe.read.get()));
  outlets_[i].from = std::move(pipe.read);
  TRY(loop_.watch(outlets_[i].from.get(), EPOLLIN, [this, i](uint32_t) { (void)show_output(i); }));
  return std::move(pipe.write);
}

OwnConsole::~OwnConsole() {
  end();
  for (Outlet& outlet : outlets_) {
    if (outlet.from) loop_.unwatch(outlet.from.get());
  }
}

agent::ConsoleClient OwnConsole::client() {
  theirs_.container = options_.container;
  theirs_.window = window();
  return std::move(theirs_);
}

runtime::Window OwnConsole::window() const {
  auto size = on_terminal_ ? sys::window_size(STDIN_FILENO) : sys::WindowSize{};
  if (!size) return {};
  return {.columns = size->columns, .rows = size->rows};
}

Status OwnConsole::begin() {
  has_begun_ = true;
  if (options_.has_terminal && options_.reads && on_terminal_) {
    raw_.emplace(
        TRY(sys::RawMode::enter(TRY(sys::duplicate(STDIN_FILENO)), sys::Newlines::kAsTheyAre)));
  }
  if (options_.reads) await_input();
  return {};
}

void OwnConsole::await_input() {
  if (can_wait_) {
    auto watched = loop_.watch(STDIN_FILENO, EPOLLIN, [this](uint32_t) { read_input(); });
    if (watched) return;
    can_wait_ = false;
  }
  next_read_ = loop_.after(Duration::zero(), [this] {
    next_read_.reset();
    read_input();
  });
}

void OwnConsole::read_input() {
  loop_.unwatch(STDIN_FILENO);
  std::string chunk(kTypedChunk, '\0');
  auto got = sys::read_some(STDIN_FILENO, chunk.data(), chunk.size());
  if (!got && got.error().errno_value == EAGAIN) return await_input();
  if (!got || *got == 0) return end_input();
  take_typed(std::string_view(chunk).substr(0, *got));
}

void OwnConsole::take_typed(std::string_view typed) {
  if (raw_ && options_.keys) {
    DetachKeys::Typed taken = options_.keys->take(typed);
    unsent_ = std::move(taken.text);
    detach_when_sent_ = taken.detached;
  } else {
    unsent_ = typed;
  }
  send_input();
}

// A message goes as a whole or not at all.
void OwnConsole::send_input() {
  loop_.unwatch(input_.get());
  auto sent = unsent_.empty() ? Status{} : sys::send_message(input_.get(), unsent_, {});
  if (sent) {
    unsent_.clear();
    return detach_when_sent_ ? detach() : await_input();
  }
  if (sent.error().errno_value != EAGAIN) return end_input();  // nobody listens any more
  auto watched = loop_.watch(input_.get(), EPOLLOUT, [this](uint32_t) { send_input(); });
  if (!watched) end_input();
}

void OwnConsole::detach() {
  end();
  if (std::exchange(has_detached_, true)) return;
  if (options_.on_detach) options_.on_detach();
}

void OwnConsole::end_input() {
  loop_.unwatch(STDIN_FILENO);
  if (next_read_) loop_.cancel(*next_read_);
  next_read_.reset();
  if (input_) loop_.unwatch(input_.get());
  input_.reset();
}

bool OwnConsole::show_output(size_t i) {
  Outlet& outlet = outlets_[i];
  std::string chunk(kShownChunk, '\0');
  auto got = sys::read_some(outlet.from.get(), chunk.data(), chunk.size());
  if (!got && got.error().errno_value == EAGAIN) return false;
  if (!got || *got == 0) {
    if (options_.has_terminal) end();
    close_output(i);
    return false;
  }
  auto shown = sys::write_all(outlet.to, std::string_view(chunk).substr(0, *got));
  if (shown) return true;
  LOG(kDebug, "output is not shown", {{"why", shown.error().text}});
  if (!options_.on_detach) return true;
  detach();
  return false;
}

std::string OwnConsole::line_for_terminal(std::string text) const {
  if (!raw_) return text;
  for (size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 2)) {
    text.insert(at, 1, '\r');
  }
  return text;
}

void OwnConsole::drain() {
  for (size_t i = 0; i < outlets_.size(); ++i) {
    while (outlets_[i].from && (show_output(i) || has_last_words(i))) {
    }
  }
}

// Before it has begun, the other ends may be with nobody who would close them.
bool OwnConsole::has_last_words(size_t i) {
  if (!has_begun_ || has_detached_ || !outlets_[i].from || waited_ >= kLastWordsTotal) return false;
  pollfd readable{outlets_[i].from.get(), POLLIN, 0};
  Instant before = clock_.now();
  auto ready = sys::wait_for({&readable, 1}, kLastWordsMs, "last words");
  waited_ += clock_.now() - before;
  return ready && *ready > 0;
}

void OwnConsole::close_output(size_t i) {
  loop_.unwatch(outlets_[i].from.get());
  outlets_[i].from.reset();
  if (has_shown_all() && options_.on_shown) options_.on_shown();
}

void OwnConsole::end() {
  end_input();
  raw_.reset();
}

}  // namespace berth::tools
