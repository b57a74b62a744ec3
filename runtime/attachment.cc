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
// For a client to read what is left, once. One that the container does not wait for gets less: its
// pipe holds more than a terminal does, and the end of the task should not wait for it.
constexpr int kLastWordsMs = 2000;
constexpr int kLastGlanceMs = 300;

bool would_block(const Result<size_t>& moved) {
  return !moved && moved.error().errno_value == EAGAIN;
}

}  // namespace

Attachment::Attachment(sys::Loop& loop, Client client, Handlers handlers)
    : loop_(loop), client_(std::move(client)), handlers_(std::move(handlers)) {
  outlets_[static_cast<size_t>(Stream::kOutput)].to = std::move(client_.output);
  outlets_[static_cast<size_t>(Stream::kError)].to = std::move(client_.error);
}

Attachment::~Attachment() {
  end();
  int patience = client_.behind == Behind::kContainerWaits ? kLastWordsMs : kLastGlanceMs;
  for (size_t i = 0; i < outlets_.size(); ++i) {
    Outlet& outlet = outlets_[i];
    while (outlet.to && !outlet.unshown.empty()) {
      pollfd writable{outlet.to.get(), POLLOUT, 0};
      auto ready = sys::wait_for({&writable, 1}, patience, "client");
      if (!ready || *ready == 0) break;
      give_output(i);
    }
    if (outlet.to) loop_.unwatch(outlet.to.get());
  }
}

Status Attachment::open() {
  for (Outlet& outlet : outlets_) {
    if (outlet.to) TRY(sys::set_nonblocking(outlet.to.get()));
  }
  if (client_.input) TRY(sys::set_nonblocking(client_.input.get()));
  return {};
}

Status Attachment::aim(sys::Fd target) {
  if (target_) loop_.unwatch(target_.get());
  target_ = std::move(target);
  unread_.clear();
  TRY(sys::set_nonblocking(target_.get()));
  if (!client_.input) return {};
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

void Attachment::show(Stream stream, std::string_view bytes) {
  auto i = static_cast<size_t>(stream);
  Outlet& outlet = outlets_[i];
  if (!outlet.to) return;
  bool has_room = outlet.unshown.size() + bytes.size() <= kBehindMax;
  if (client_.behind == Behind::kClientMisses && !has_room) {
    missed_ += bytes.size();
    return;
  }
  bool waits_already = !outlet.unshown.empty();
  outlet.unshown += bytes;
  if (!waits_already) give_output(i);
}

bool Attachment::is_behind() const {
  if (client_.behind == Behind::kClientMisses) return false;
  return outlets_[0].unshown.size() >= kBehindMax || outlets_[1].unshown.size() >= kBehindMax;
}

void Attachment::give_output(size_t i) {
  Outlet& outlet = outlets_[i];
  bool was_behind = is_behind();
  auto written = sys::write_some(outlet.to.get(), outlet.unshown);
  if (written) outlet.unshown.erase(0, *written);
  if (!written && !would_block(written)) {  // the client has gone
    outlet.unshown.clear();
    close_output(outlet);
  } else if (outlet.unshown.empty()) {
    tell_missed();
    loop_.unwatch(outlet.to.get());
    if (ended_) close_output(outlet);
  } else {
    loop_.unwatch(outlet.to.get());
    (void)loop_.watch(outlet.to.get(), EPOLLOUT, [this, i](uint32_t) { give_output(i); });
  }
  if (was_behind && !is_behind()) handlers_.caught_up();
}

void Attachment::tell_missed() {
  if (missed_ == 0) return;
  handlers_.missed(std::exchange(missed_, 0));
}

void Attachment::close_output(Outlet& outlet) {
  if (!outlet.to) return;
  loop_.unwatch(outlet.to.get());
  outlet.to.reset();
}

void Attachment::end() {
  if (ended_) return;
  ended_ = true;
  end_input();
  for (Outlet& outlet : outlets_) {
    if (outlet.unshown.empty()) close_output(outlet);
  }
  tell_missed();
}

void Attachment::client_left() {
  bool was_behind = is_behind();
  for (Outlet& outlet : outlets_) {
    outlet.unshown.clear();
    close_output(outlet);
  }
  if (was_behind) handlers_.caught_up();
}

}  // namespace berth::runtime
