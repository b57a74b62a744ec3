// berth pull, import, images, rmi.
#include "base/text.h"
#include "image/import.h"
#include "image/puller.h"
#include "image/store.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "tools/commands.h"
#include "tools/pull_progress.h"

#include <fcntl.h>

#include <cstdio>

namespace berth::tools {
namespace {

constexpr size_t kShownDigest = 19;  // "sha256:" and twelve digits

image::PullerConfig puller_config(const agent::Config& config) {
  image::PullerConfig puller;
  puller.registry.insecure_registries = config.insecure_registries;
  return puller;
}

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
  std::printf("%s@%s\n", pulled.reference.c_str(), pulled.manifest_digest.c_str());
  return {};
}

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
  image::Image imported = TRY(image::import_root_file_system(store, request, Env{clock, rng}));
  std::printf("%s@%s\n", imported.reference.c_str(), imported.manifest_digest.c_str());
  return {};
}

Status list_images(const agent::Config& config) {
  image::Store store = TRY(image::Store::open(config.root));
  std::vector<image::ImageRecord> images = TRY(store.list());
  size_t width = std::string_view("REFERENCE").size();
  for (const image::ImageRecord& image : images) width = std::max(width, image.reference.size());
  std::string table =
      fmt::format("{:<{}}  {:<19}  {:<12}  SIZE\n", "REFERENCE", width, "DIGEST", "PLATFORM");
  for (const image::ImageRecord& image : images) {
    table += fmt::format("{:<{}}  {:<19}  {:<12}  {}\n", image.reference, width,
                         image.manifest_digest.substr(0, kShownDigest), image.platform,
                         format_bytes(image.size));
  }
  std::fputs(table.c_str(), stdout);
  return {};
}

Status remove_image(const agent::Config& config, const std::string& text) {
  auto reference = TRY(image::Reference::parse(text));
  image::Store store = TRY(image::Store::open(config.root));
  TRY(store.remove(reference.to_string()));
  image::Garbage garbage = TRY(store.remove_garbage());
  std::printf("%s: removed with %zu layers and %zu blobs, %s\n", reference.to_string().c_str(),
              garbage.layers.size(), garbage.blobs.size(), format_bytes(garbage.bytes).c_str());
  return {};
}

int exit_code(const Status& status) {
  return status ? 0 : report(status.error());
}

}  // namespace

int pull_command(const agent::Config& config, const std::string& reference) {
  return exit_code(pull(config, reference));
}

int import_command(const agent::Config& config, const std::string& tar,
                   const std::string& reference) {
  return exit_code(import(config, tar, reference));
}

int images_command(const agent::Config& config) {
  return exit_code(list_images(config));
}

int rmi_command(const agent::Config& config, const std::string& reference) {
  return exit_code(remove_image(config, reference));
}

}  // namespace berth::tools
