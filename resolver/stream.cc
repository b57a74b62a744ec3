#include "resolver/stream.h"

#include "base/log.h"
#include "resolver/frame.h"
#include "sys/file.h"
#include "sys/tcp.h"

#include <sys/epoll.h>

#include <array>

namespace berth::resolver {
namespace {

constexpr size_t kStreamChunk = 16 * 1024;

}  // namespace

struct Streams::Connection {
  sys::Fd fd;
  std::string in;
  std::string out;
  size_t pending = 0;   // questions that are not answered
  bool taking = false;  // questions are being taken out of `in`
  bool ended = false;   // nothing more will come
  uint32_t events = 0;  // watched for
  sys::Loop::TimerId deadline = 0;
};

Streams::Streams(sys::Loop& loop, Ask ask) : loop_(loop), ask_(std::move(ask)) {}

Streams::~Streams() {
  for (const sys::Fd& listener : listeners_) loop_.unwatch(listener.get());
  while (!connections_.empty()) close(connections_.begin()->first);
}

Status Streams::listen(sys::Fd listener) {
  int fd = listener.get();
  listeners_.push_back(std::move(listener));
  return loop_.watch(fd, EPOLLIN, [this, fd](uint32_t) { accept(fd); });
}

void Streams::accept(int listener) {
  auto fd = sys::accept_tcp(listener);
  if (!fd) {
    LOG(kWarn, "a connection is not taken", {{"why", fd.error().text}});
    return;
  }
  bool is_one_too_many = connections_.size() >= kConnectionsMax;
  if (!*fd || is_one_too_many) return;  // which closes it
  auto adopted = adopt(std::move(*fd));
  if (!adopted) LOG(kWarn, "a connection is not taken", {{"why", adopted.error().text}});
}

Status Streams::adopt(sys::Fd fd) {
  uint64_t id = next_id_++;
  auto connection = std::make_unique<Connection>();
  connection->fd = std::move(fd);
  connection->events = EPOLLIN;
  TRY(loop_.watch(connection->fd.get(), EPOLLIN,
                  [this, id](uint32_t events) { serve(id, events); }));
  connection->deadline = loop_.after(kConnectionPatience, [this, id] { close(id); });
  connections_.emplace(id, std::move(connection));
  return {};
}

Streams::Connection* Streams::find(uint64_t id) {
  auto found = connections_.find(id);
  return found == connections_.end() ? nullptr : found->second.get();
}

void Streams::serve(uint64_t id, uint32_t events) {
  Connection* connection = find(id);
  if (connection == nullptr) return;
  if ((events & (EPOLLHUP | EPOLLERR)) != 0) return close(id);
  loop_.cancel(connection->deadline);
  connection->deadline = loop_.after(kConnectionPatience, [this, id] { close(id); });
  if ((events & EPOLLIN) != 0 && !read(*connection)) return close(id);
  if ((events & EPOLLOUT) != 0) write(id);
  take_questions(id);
}

Status Streams::read(Connection& connection) {
  std::array<char, kStreamChunk> buffer;
  auto got = TRY(sys::receive_some(connection.fd.get(), buffer.data(), buffer.size()));
  connection.ended = got.ended;
  connection.in.append(buffer.data(), got.bytes);
  return {};
}

void Streams::take_questions(uint64_t id) {
  Connection* connection = find(id);
  if (connection == nullptr || connection->taking) return;
  connection->taking = true;
  while (connection->pending < kPendingMax) {
    auto question = take_frame(connection->in);
    if (!question) break;
    ++connection->pending;
    ask_(*question, [this, id](const std::string& given) { answer(id, given); });
    connection = find(id);  // an answer that could not be written has closed it
    if (connection == nullptr) return;
  }
  connection->taking = false;
  watch_again(id);
}

void Streams::answer(uint64_t id, const std::string& answer) {
  Connection* connection = find(id);
  if (connection == nullptr) return;
  --connection->pending;
  if (!answer.empty()) connection->out += framed(answer);
  write(id);
  take_questions(id);
}

void Streams::write(uint64_t id) {
  Connection* connection = find(id);
  if (connection == nullptr || connection->out.empty()) return;
  auto sent = sys::send_part(connection->fd.get(), connection->out);
  if (!sent || sent->ended) return close(id);
  connection->out.erase(0, sent->bytes);
}

void Streams::watch_again(uint64_t id) {
  Connection* connection = find(id);
  bool has_more = !connection->ended && connection->pending < kPendingMax;
  bool is_over = connection->ended && connection->pending == 0 && connection->out.empty();
  if (is_over) return close(id);
  uint32_t events =
      (has_more ? uint32_t{EPOLLIN} : 0) | (connection->out.empty() ? 0 : uint32_t{EPOLLOUT});
  if (events == connection->events) return;
  connection->events = events;
  loop_.unwatch(connection->fd.get());
  auto watched =
      loop_.watch(connection->fd.get(), events, [this, id](uint32_t ready) { serve(id, ready); });
  if (!watched) close(id);
}

void Streams::close(uint64_t id) {
  Connection* connection = find(id);
  if (connection == nullptr) return;
  loop_.cancel(connection->deadline);
  loop_.unwatch(connection->fd.get());
  connections_.erase(id);
}

}  // namespace berth::resolver
