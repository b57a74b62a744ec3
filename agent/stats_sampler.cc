#include "agent/stats_sampler.h"

#include "base/log.h"

namespace berth::agent {

bool StatsSampler::sample(const Wanted& wanted, Pair& pair) {
  bool is_fresh = pair.now && clock_.now() - pair.now->taken < kStatsApart;
  if (is_fresh) return pair.before.has_value();
  auto taken = take_stats_sample(wanted.source, clock_);
  if (!taken) {
    LOG(kWarn, "no statistics", {{"container", wanted.name.name}, {"why", taken.error().text}});
    pair = {};
    return true;  // waiting would not help
  }
  pair.before = std::move(pair.now);
  pair.now = std::move(*taken);
  return pair.before.has_value();
}

void StatsSampler::ask(std::vector<Wanted> wanted, Done done) {
  bool is_complete = true;
  for (const Wanted& each : wanted) {
    if (!sample(each, pairs_[each.name.id])) is_complete = false;
  }
  if (!is_complete) {
    loop_.after(kStatsApart,
                [this, wanted = std::move(wanted), done = std::move(done)] { ask(wanted, done); });
    return;
  }
  std::map<std::string, std::string> answers;
  for (const Wanted& each : wanted) {
    const Pair& pair = pairs_[each.name.id];
    if (!pair.now) continue;
    auto text = render_docker_stats(each.name, *pair.before, *pair.now);
    if (text) answers[each.name.id] = std::move(*text);
  }
  done(answers);
}

}  // namespace berth::agent
