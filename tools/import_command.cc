// berth import.
#include "agent/registry_config.h"
#include "image/import.h"
#include "image/store.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "tools/commands.h"

#include <fcntl.h>

#include <cstdio>

namespace berth::tools {
namespace {

Status import(const agent::Config& config, const std::string& tar, const std::string& text) {
  auto reference = TRY(image::Reference::parse(text));
  if (reference.transport != image::Transport::kRegistry || !reference.digest.empty()) {
    return fail(Errc::kInvalid, "{}: name the imported image as NAME[:TAG]", text);
  }
  sys::SystemClock clock;
  sys::SystemRng rng;
  image::Store store = TRY(image::Store::open(config.root));
  sys::Fd file;
  if (tar != "-") file = TRY(sys::open(tar, O_RDONLY));
  image::ImportRequest request;
  request.tar_fd = tar == "-" ? 0 : file.get();
  request.reference = reference;
  request.platform = TRY(image::host_platform());
  request.layers = agent::puller_config_of(config).layers;
  image::Image imported = TRY(image::import_root_file_system(store, request, Env{clock, rng}));
  std::printf("%s@%s\n", imported.reference.c_str(), imported.manifest_digest.c_str());
  return {};
}

}  // namespace

int import_command(const agent::Config& config, const std::string& tar,
                   const std::string& reference) {
  return exit_code(import(config, tar, reference));
}

}  // namespace berth::tools
