// berth push.
#include "agent/registry_config.h"
#include "image/lookup.h"
#include "image/pusher.h"
#include "image/store.h"
#include "sys/clock.h"
#include "tools/commands.h"
#include "tools/pull_progress.h"
#include "tools/transfer_report.h"

namespace berth::tools {
namespace {

Result<Moved> push(const agent::Config& config, const PushOptions& options) {
  sys::SystemClock clock;
  sys::SystemRng rng;
  image::Store store = TRY(image::Store::open(config.root));
  image::ImageRecord record = TRY(image::find_image(store, options.image));
  std::string name = options.destination.empty() ? record.reference : options.destination;
  image::Reference destination = TRY(image::Reference::parse(name));
  image::Pusher pusher(store, agent::puller_config_of(config), Env{clock, rng});
  PullProgress progress(stream_of(options.transfer), style_of(options.transfer), clock);
  std::string digest =
      TRY(pusher.push({.image = record,
                       .destination = destination,
                       .progress = [&](const image::Progress& blob) { progress.update(blob); },
                       .cancel = nullptr}));
  destination.digest.clear();
  return Moved{destination.to_string(), digest};
}

}  // namespace

int push_command(const agent::Config& config, const PushOptions& options) {
  return report_transfer(options.transfer, push(config, options));
}

}  // namespace berth::tools
