#include "resolver/forwarder.h"

namespace berth::resolver {

Forwarder::Forwarder(Upstreams upstreams, sys::Loop& loop, Rng& rng)
    : upstreams_(std::move(upstreams)), loop_(loop), rng_(rng) {}

void Forwarder::forward(ForwardedQuestion question, Answered answered) {
  auto servers = upstreams_.in_order();
  if (servers.empty() || exchanges_.size() >= kExchangesMax) return answered(std::nullopt);
  uint64_t id = next_id_++;
  auto done = [this, id, answered = std::move(answered)](Exchange::Outcome outcome) {
    if (outcome.from) upstreams_.note_answer(*outcome.from);
    answered(std::move(outcome.answer));
    loop_.post([this, id] { exchanges_.erase(id); });  // it is still at work while it tells us
  };
  auto& exchange = exchanges_[id];
  exchange = std::make_unique<Exchange>(std::move(question), std::move(servers), loop_, rng_,
                                        std::move(done));
  exchange->begin();
}

}  // namespace berth::resolver
