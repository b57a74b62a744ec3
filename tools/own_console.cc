#include "tools/own_console.h"

#include "base/log.h"
#include "sys/file.h"
#include "sys/socket.h"

#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace berth::tools {
namespace {

constexpr size_t kTypedChunk = 16 * 1024;  // a message of the socket, which the shim takes whole
constexpr size_t kShownChunk = 64 * 1024;

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

OwnConsole::OwnConsole(const scheduler::ContainerDefinition& container, sys::Loop& loop)
    : container_(container.name),
      loop_(loop),
      shows_(container.pseudo_terminal),
      on_terminal_(::isatty(STDIN_FILENO) == 1) {}

Result<std::unique_ptr<OwnConsole>> OwnConsole::make(
    const scheduler::ContainerDefinition& container, sys::Loop& loop) {
  std::unique_ptr<OwnConsole> console(new OwnConsole(container, loop));
  sys::SocketPair input = TRY(sys::make_socket_pair());
  console->input_ = std::move(input.ours);
  console->their_input_ = std::move(input.theirs);
  TRY(sys::set_nonblocking(console->input_.get()));
  if (!console->shows_) return console;
  sys::Pipe output = TRY(sys::make_pipe());
  console->output_ = std::move(output.read);
  console->their_output_ = std::move(output.write);
  TRY(sys::set_nonblocking(console->output_.get()));
  TRY(loop.watch(console->output_.get(), EPOLLIN,
                 [self = console.get()](uint32_t) { (void)self->show_output(); }));
  return console;
}

OwnConsole::~OwnConsole() {
  end();
  close_output();
}

agent::ConsoleClient OwnConsole::client() {
  agent::ConsoleClient client;
  client.container = container_;
  client.input = std::move(their_input_);
  client.output = std::move(their_output_);
  client.window = window();
  return client;
}

runtime::Window OwnConsole::window() const {
  auto size = on_terminal_ ? sys::window_size(STDIN_FILENO) : sys::WindowSize{};
  if (!size) return {};
  return {.columns = size->columns, .rows = size->rows};
}

Status OwnConsole::begin() {
  if (shows_ && on_terminal_) {
    raw_.emplace(
        TRY(sys::RawMode::enter(TRY(sys::duplicate(STDIN_FILENO)), sys::Newlines::kAsTheyAre)));
  }
  await_input();
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
  unsent_.assign(chunk, 0, *got);
  send_input();
}

// A message goes as a whole or not at all.
void OwnConsole::send_input() {
  loop_.unwatch(input_.get());
  auto sent = sys::send_message(input_.get(), unsent_, {});
  if (sent) {
    unsent_.clear();
    return await_input();
  }
  if (sent.error().errno_value != EAGAIN) return end_input();  // nobody listens any more
  auto watched = loop_.watch(input_.get(), EPOLLOUT, [this](uint32_t) { send_input(); });
  if (!watched) end_input();
}

void OwnConsole::end_input() {
  loop_.unwatch(STDIN_FILENO);
  if (next_read_) loop_.cancel(*next_read_);
  next_read_.reset();
  if (input_) loop_.unwatch(input_.get());
  input_.reset();
}

bool OwnConsole::show_output() {
  std::string chunk(kShownChunk, '\0');
  auto got = sys::read_some(output_.get(), chunk.data(), chunk.size());
  if (!got && got.error().errno_value == EAGAIN) return false;
  if (!got || *got == 0) {
    end();
    close_output();
    return false;
  }
  auto shown = sys::write_all(STDOUT_FILENO, std::string_view(chunk).substr(0, *got));
  if (!shown) LOG(kDebug, "output is not shown", {{"why", shown.error().text}});
  return true;
}

std::string OwnConsole::line_for_terminal(std::string text) const {
  if (!raw_) return text;
  for (size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 2)) {
    text.insert(at, 1, '\r');
  }
  return text;
}

void OwnConsole::drain() {
  while (output_ && show_output()) {
  }
}

void OwnConsole::close_output() {
  if (output_) loop_.unwatch(output_.get());
  output_.reset();
}

void OwnConsole::end() {
  end_input();
  raw_.reset();
}

}  // namespace berth::tools
