#include "runtime/log_connection.h"

#include "sys/wait.h"

#include <algorithm>
#include <array>
#include <cerrno>

namespace berth::runtime {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kConnectPatience(3000);  // Docker's, to a receiver of fluentd
constexpr milliseconds kAnswerPatience(10000);
constexpr milliseconds kLastPatience(500);  // of what is left when the container has ended

}  // namespace

Status LogConnection::open() {
  fd_ = TRY(sys::connect_endpoint(receiver_, end_.has_come() ? kLastPatience : kConnectPatience));
  return {};
}

Status LogConnection::send(std::string_view message, std::string_view answer) {
  if (gave_up_) return fail(Errc::kUnavailable, "the receiver was given up");
  milliseconds wait = retries_.wait;
  for (uint64_t failures = 0;;) {
    auto sent = try_send(message, answer);
    if (sent) return sent;
    if (sent.error().errno_value == EMSGSIZE) return sent;  // no connection takes one so long
    fd_.reset();
    if (++failures > retries_.max) return sent;
    // Once the container has ended there is one more try, and no other.
    bool was_over = end_.has_come();
    gave_up_ = was_over && failures > 1;
    if (gave_up_) return sent;
    if (!was_over) (void)end_.comes_within(wait);
    wait = std::min(wait + wait / 2, retries_.longest_wait);
  }
}

Status LogConnection::try_send(std::string_view message, std::string_view answer) {
  if (fd_ && sys::is_hung_up(fd_.get())) fd_.reset();
  if (!fd_) TRY(open());
  TRY(send_all(message));
  return answer.empty() ? Status() : expect(answer);
}

Status LogConnection::send_all(std::string_view message) {
  while (!message.empty()) {
    auto sent = sys::send_some(fd_.get(), message);
    if (sent) {
      message.remove_prefix(*sent);
      continue;
    }
    if (sent.error().errno_value != EAGAIN) return tl::unexpected<Error>(std::move(sent).error());
    // Until it listens again: short waits, so that the end of the container is seen.
    bool is_over = end_.has_come();
    milliseconds patience = is_over ? kLastPatience : retries_.write_timeout;
    std::array<pollfd, 2> changes = {pollfd{fd_.get(), POLLOUT, 0},
                                     pollfd{is_over ? -1 : end_.fd(), POLLIN, 0}};
    int timeout = patience.count() == 0 ? -1 : static_cast<int>(patience.count());
    if (TRY(sys::wait_for(changes, timeout, "receiver")) == 0) {
      return fail(Errc::kUnavailable, "the receiver takes no more");
    }
  }
  return {};
}

Status LogConnection::expect(std::string_view answer) {
  std::string got;
  while (got.size() < answer.size()) {
    got += TRY(sys::receive_some(fd_.get(), answer.size() - got.size(),
                                 end_.has_come() ? kLastPatience : kAnswerPatience));
  }
  if (got == answer) return {};
  return fail(Errc::kCorrupt, "the receiver acknowledged something else");
}

}  // namespace berth::runtime
