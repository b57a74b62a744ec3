#include "runtime/attachment.h"

#include "sys/file.h"
#include "sys/path.h"
#include "sys/wait.h"

#include <poll.h>
#include <sys/epoll.h>

#include <cerrno>
#include <utility>

namespace berth::runtime {
namespace {

constexpr size_t kInputChunk = 16 * 1024;
constexpr int kLastWordsMs = 2000;  // for a client to read what is left

bool would_block(const Result<size_t>& moved) {
  return !moved && moved.error().errno_value == EAGAIN;
}

}  // namespace

Attachment::Attachment(sys::Loop& loop, Client client, Handlers handlers)
    : loop_(loop), client_(std::move(client)), handlers_(std::move(handlers)) {}

Attachment::~Attachment() {
  end();
  while (client_.output && !unshown_.empty()) {
    pollfd writable{client_.output.get(), POLLOUT, 0};
    auto ready = sys::wait_for({&writable, 1}, kLastWordsMs, "client");
    if (!ready || *ready == 0) break;
    give_output();
  }
  if (client_.output) loop_.unwatch(client_.output.get());
}

Status Attachment::aim(sys::Fd target) {
  if (target_) loop_.unwatch(target_.get());
  target_ = std::move(target);
  unread_.clear();
  TRY(sys::set_nonblocking(target_.get()));
  if (client_.output) TRY(sys::set_nonblocking(client_.output.get()));
  if (!client_.input) return {};
  TRY(sys::set_nonblocking(client_.input.get()));
  loop_.unwatch(client_.input.get());
  return loop_.watch(client_.input.get(), EPOLLIN, [this](uint32_t) { take_input(); });
}

void Attachment::take_input() {
  std::string chunk(kInputChunk, '\0');
  auto got = sys::read_some(client_.input.get(), chunk.data(), chunk.size());
  if (would_block(got)) return;
  if (!got || *got == 0) {
    end_input();
    return handlers_.input_ended();
  }
  unread_.assign(chunk, 0, *got);
  give_input();
}

// While the container has not read it, the client is not listened to.
void Attachment::give_input() {
  auto written = sys::write_some(target_.get(), unread_);
  if (written) unread_.erase(0, *written);
  if (!written && !would_block(written)) {  // nobody has the other side open any more
    unread_.clear();
    return end_input();
  }
  if (!client_.input) return;
  if (unread_.empty()) {
    loop_.unwatch(target_.get());
    loop_.unwatch(client_.input.get());
    (void)loop_.watch(client_.input.get(), EPOLLIN, [this](uint32_t) { take_input(); });
  } else {
    loop_.unwatch(client_.input.get());
    loop_.unwatch(target_.get());
    (void)loop_.watch(target_.get(), EPOLLOUT, [this](uint32_t) { give_input(); });
  }
}

void Attachment::end_input() {
  if (target_) loop_.unwatch(target_.get());
  target_.reset();
  if (client_.input) loop_.unwatch(client_.input.get());
  client_.input.reset();
}

void Attachment::show(std::string_view bytes) {
  if (!client_.output) return;
  bool waits_already = !unshown_.empty();
  unshown_ += bytes;
  if (!waits_already) give_output();
}

void Attachment::give_output() {
  bool was_behind = is_behind();
  auto written = sys::write_some(client_.output.get(), unshown_);
  if (written) unshown_.erase(0, *written);
  if (!written && !would_block(written)) {  // the client has gone
    unshown_.clear();
    close_output();
  } else if (unshown_.empty() && ended_) {
    close_output();
  } else {
    loop_.unwatch(client_.output.get());
    if (!unshown_.empty()) {
      (void)loop_.watch(client_.output.get(), EPOLLOUT, [this](uint32_t) { give_output(); });
    }
  }
  if (was_behind && !is_behind()) handlers_.caught_up();
}

void Attachment::close_output() {
  loop_.unwatch(client_.output.get());
  client_.output.reset();
}

void Attachment::end() {
  if (ended_) return;
  ended_ = true;
  end_input();
  if (client_.output && unshown_.empty()) close_output();
}

}  // namespace berth::runtime
