// berth pull.
#include "image/puller.h"
#include "image/store.h"
#include "sys/clock.h"
#include "tools/commands.h"
#include "tools/image_settings.h"
#include "tools/pull_progress.h"

#include <cstdio>

namespace berth::tools {
namespace {

Status pull(const agent::Config& config, const std::string& text) {
  auto reference = TRY(image::Reference::parse(text));
  sys::SystemClock clock;
  sys::SystemRng rng;
  image::Store store = TRY(image::Store::open(config.root));
  image::Puller puller(store, puller_config(config), Env{clock, rng});
  PullProgress progress(stderr);
  image::Image pulled =
      TRY(puller.pull({.reference = reference,
                       .platform = TRY(image::host_platform()),
                       .policy = image::Policy::kAlways,
                       .progress = [&](const image::Progress& layer) { progress.update(layer); },
                       .cancel = nullptr}));
  std::printf("%s@%s\n", pulled.reference.c_str(), pulled.resolved_digest.c_str());
  return {};
}

}  // namespace

int pull_command(const agent::Config& config, const std::string& reference) {
  return exit_code(pull(config, reference));
}

}  // namespace berth::tools
