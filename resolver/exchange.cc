#include "resolver/exchange.h"

#include "resolver/frame.h"
#include "sys/tcp.h"

#include <sys/epoll.h>

#include <algorithm>
#include <array>

namespace berth::resolver {
namespace {

constexpr uint64_t kIdMask = 0xffff;

bool is_refusal(dns::Rcode rcode) {
  return rcode != dns::kNoError && rcode != dns::kNxDomain;
}

}  // namespace

struct Exchange::Try {
  sys::Fd fd;
  size_t place = 0;  // of the server
  uint16_t id = 0;
  std::string out;  // of a connection: what is not sent yet
  std::string in;   // likewise
};

Exchange::Exchange(ForwardedQuestion question, std::vector<dns::ServerAddress> servers,
                   sys::Loop& loop, Rng& rng, Done done)
    : question_(std::move(question)),
      servers_(std::move(servers)),
      refused_(servers_.size()),
      loop_(loop),
      rng_(rng),
      done_(std::move(done)) {}

Exchange::~Exchange() {
  stop();
}

void Exchange::begin() {
  deadline_ = loop_.after(kAnswerPatience, [this] {
    deadline_.reset();
    finish({refusal_, std::nullopt});
  });
  try_next();
}

void Exchange::try_next() {
  if (try_timer_) loop_.cancel(*try_timer_);
  try_timer_.reset();
  while (tried_ < kTriesMax) {
    auto place = next_place();
    if (!place) break;
    ++tried_;
    if (open_try(*place)) {
      try_timer_ = loop_.after(kTryPatience, [this] {
        try_timer_.reset();
        try_next();
      });
      return;
    }
    refused_[*place] = true;  // no way there, or nobody listens
  }
  if (tries_.empty()) finish({refusal_, std::nullopt});
}

// Round and round, those that refused left out.
std::optional<size_t> Exchange::next_place() {
  for (size_t i = 0; i < servers_.size(); ++i) {
    size_t place = (next_ + i) % servers_.size();
    if (refused_[place]) continue;
    next_ = place + 1;
    return place;
  }
  return std::nullopt;
}

Status Exchange::open_try(size_t place) {
  const dns::ServerAddress& server = servers_[place];
  auto attempt = std::make_unique<Try>();
  attempt->place = place;
  attempt->id = static_cast<uint16_t>(rng_.next() & kIdMask);
  attempt->fd = TRY(sys::begin_connect({question_.transport, server.address, server.port}));
  std::string bytes = question_.bytes;
  dns::set_id(bytes, attempt->id);
  Try& added = *attempt;
  if (question_.transport == sys::Transport::kTcp) {
    added.out = framed(bytes);
    TRY(watch(added, EPOLLOUT));
  } else {
    auto sent = TRY(sys::send_part(added.fd.get(), bytes));
    if (sent.ended) return fail(Errc::kUnavailable, "{}: refused", dns::to_text(server));
    TRY(watch(added, EPOLLIN));
  }
  tries_.push_back(std::move(attempt));
  return {};
}

Status Exchange::watch(Try& attempt, uint32_t events) {
  return loop_.watch(attempt.fd.get(), events,
                     [this, &attempt](uint32_t ready) { hear(attempt, ready); });
}

void Exchange::drop(const Try& attempt) {
  loop_.unwatch(attempt.fd.get());
  std::erase_if(tries_, [&](const auto& each) { return each.get() == &attempt; });
}

void Exchange::hear(Try& attempt, uint32_t events) {
  size_t place = attempt.place;
  if ((events & EPOLLOUT) != 0 && !attempt.out.empty()) {
    auto sent = send_rest(attempt);
    if (!sent || !*sent) return refuse(place, std::nullopt);
    return;
  }
  auto answer = receive(attempt);
  if (!answer) return refuse(place, std::nullopt);
  if (*answer) judge(attempt, std::move(**answer));
}

// False: the connection is no more.
Result<bool> Exchange::send_rest(Try& attempt) {
  auto sent = TRY(sys::send_part(attempt.fd.get(), attempt.out));
  if (sent.ended) return false;
  attempt.out.erase(0, sent.bytes);
  if (!attempt.out.empty()) return true;
  loop_.unwatch(attempt.fd.get());
  TRY(watch(attempt, EPOLLIN));
  return true;
}

// One message, if it is whole.
Result<std::optional<std::string>> Exchange::receive(Try& attempt) {
  std::array<char, dns::kMessageMax + 1> buffer;
  auto got = TRY(sys::receive_some(attempt.fd.get(), buffer.data(), buffer.size()));
  if (got.ended) return fail(Errc::kUnavailable, "{}", dns::to_text(servers_[attempt.place]));
  if (got.bytes == 0) return std::nullopt;
  std::string bytes(buffer.data(), got.bytes);
  if (question_.transport == sys::Transport::kUdp) return bytes;
  attempt.in += bytes;
  return take_frame(attempt.in);
}

void Exchange::judge(Try& attempt, std::string answer) {
  if (!dns::is_answer_to(answer, attempt.id, question_.question)) {
    if (question_.transport == sys::Transport::kTcp) refuse(attempt.place, std::nullopt);
    return;
  }
  dns::set_id(answer, dns::id_of(question_.bytes));
  if (is_refusal(dns::parse_header(answer)->rcode)) {
    return refuse(attempt.place, std::move(answer));
  }
  finish({std::move(answer), servers_[attempt.place]});
}

void Exchange::refuse(size_t place, std::optional<std::string> answer) {
  refused_[place] = true;
  if (!refusal_) refusal_ = std::move(answer);
  for (size_t i = tries_.size(); i > 0; --i) {
    if (tries_[i - 1]->place == place) drop(*tries_[i - 1]);
  }
  try_next();
}

void Exchange::finish(Outcome outcome) {
  if (!done_) return;
  stop();
  Done done = std::move(done_);
  done_ = nullptr;
  done(std::move(outcome));
}

void Exchange::stop() {
  while (!tries_.empty()) drop(*tries_.back());
  if (try_timer_) loop_.cancel(*try_timer_);
  if (deadline_) loop_.cancel(*deadline_);
  try_timer_.reset();
  deadline_.reset();
}

}  // namespace berth::resolver
