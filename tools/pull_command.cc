// berth pull.
#include "agent/registry_config.h"
#include "image/puller.h"
#include "image/store.h"
#include "sys/clock.h"
#include "tools/commands.h"
#include "tools/pull_progress.h"
#include "tools/transfer_report.h"

namespace berth::tools {
namespace {

Result<Moved> pull(const agent::Config& config, const std::string& text,
                   const TransferOptions& options) {
  auto reference = TRY(image::Reference::parse(text));
  sys::SystemClock clock;
  sys::SystemRng rng;
  image::Store store = TRY(image::Store::open(config.root));
  image::Puller puller(store, agent::puller_config_of(config), Env{clock, rng});
  PullProgress progress(stream_of(options), style_of(options), clock);
  auto pulled =
      puller.pull({.reference = reference,
                   .platform = TRY(image::host_platform()),
                   .policy = image::Policy::kAlways,
                   .progress = [&](const image::Progress& layer) { progress.update(layer); },
                   .cancel = nullptr});
  // As `berth run` has it, and ECS.
  if (!pulled) return wrap(std::move(pulled).error(), "CannotPullContainerError");
  return Moved{pulled->reference, pulled->resolved_digest};
}

}  // namespace

int pull_command(const agent::Config& config, const std::string& reference,
                 const TransferOptions& options) {
  return report_transfer(options, pull(config, reference, options));
}

}  // namespace berth::tools
