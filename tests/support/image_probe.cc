// image_probe STORE REFERENCE always|if-missing: pulls an image and prints its layer directories,
// bottom first, for tests that speak to real and to fake registries. With `resolve` it pulls
// nothing and prints the reference pinned to its digest.
#include "image/puller.h"
#include "sys/clock.h"

#include <cstdio>
#include <cstdlib>
#include <string>

namespace berth {
namespace {

Status pull(const std::string& root, const std::string& name, const std::string& policy) {
  image::Store store = TRY(image::Store::open(root));
  sys::SystemClock clock;
  sys::SystemRng rng;
  image::PullerConfig config;
  config.registry.backoff = std::chrono::milliseconds(10);
  if (const char* directory = std::getenv("CERTIFICATES")) config.registry.certificates = directory;
  image::Puller puller(store, config, Env{clock, rng});
  if (policy == "resolve") {
    image::Reference wanted = TRY(image::Reference::parse(name));
    std::puts(TRY(puller.resolve(wanted, nullptr)).to_string().c_str());
    return {};
  }
  image::Puller::Request request;
  request.reference = TRY(image::Reference::parse(name));
  request.platform = TRY(image::host_platform());
  request.policy = policy == "always" ? image::Policy::kAlways : image::Policy::kIfMissing;
  image::Image image = TRY(puller.pull(request));
  for (const std::string& directory : image.layer_directories) std::puts(directory.c_str());
  return {};
}

}  // namespace
}  // namespace berth

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  auto done = berth::pull(argv[1], argv[2], argv[3]);
  if (done) return 0;
  std::fprintf(stderr, "%s: %s\n", berth::name_of(done.error().code), done.error().text.c_str());
  return 1;
}
