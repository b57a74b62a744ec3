// image_probe STORE REFERENCE always|if-missing: pulls an image and prints the trees of its layers,
// bottom first, for tests that speak to real and to fake registries.
//
// image_probe -: the same for each line "STORE REFERENCE" of standard input; answers each with a
// line, "ok DIRECTORY..." or "CODE: TEXT".
//
// The environment has what would be configured: CERTIFICATES, ATTEMPTS, BACKOFF_MS, ANSWER_MS,
// STALL_MS, LAYERS ("images" or "directories").
#include "base/text.h"
#include "image/puller.h"
#include "sys/clock.h"

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

namespace berth {
namespace {

Duration milliseconds_of(const char* name, Duration fallback) {
  const char* text = std::getenv(name);
  return text == nullptr ? fallback : std::chrono::milliseconds(parse_u64(text).value());
}

image::PullerConfig configuration() {
  image::PullerConfig config;
  config.registry.backoff = milliseconds_of("BACKOFF_MS", std::chrono::milliseconds(10));
  config.registry.answer_timeout = milliseconds_of("ANSWER_MS", config.registry.answer_timeout);
  config.registry.stall_timeout = milliseconds_of("STALL_MS", config.registry.stall_timeout);
  if (const char* directory = std::getenv("CERTIFICATES")) config.registry.certificates = directory;
  if (const char* layers = std::getenv("LAYERS"); layers != nullptr) {
    bool is_wanted = std::string_view(layers) == "directories";
    config.layers = is_wanted ? image::LayerFormat::kDirectory : image::LayerFormat::kImage;
  }
  if (const char* attempts = std::getenv("ATTEMPTS")) {
    config.registry.attempts = static_cast<int>(parse_u64(attempts).value());
  }
  return config;
}

Result<std::vector<std::string>> pull(const std::string& root, const std::string& name,
                                      image::Policy policy) {
  image::Store store = TRY(image::Store::open(root));
  sys::SystemClock clock;
  sys::SystemRng rng;
  image::Puller puller(store, configuration(), Env{clock, rng});
  image::Puller::Request request;
  request.reference = TRY(image::Reference::parse(name));
  request.platform = TRY(image::host_platform());
  request.policy = policy;
  return TRY(puller.pull(request)).layer_trees;
}

std::string text_of(const Error& error) {
  return fmt::format("{}: {}", name_of(error.code), error.text);
}

int pull_lines() {
  for (std::string line; std::getline(std::cin, line);) {
    size_t space = line.find(' ');
    auto done = pull(line.substr(0, space), line.substr(space + 1), image::Policy::kAlways);
    std::cout << (done ? "ok " + join(*done, " ") : text_of(done.error())) << std::endl;
  }
  return 0;
}

}  // namespace
}  // namespace berth

int main(int argc, char** argv) {
  using namespace berth;
  if (argc == 2 && std::string_view(argv[1]) == "-") return pull_lines();
  if (argc != 4) return 2;
  std::string_view policy = argv[3];
  auto done = policy == "always" ? pull(argv[1], argv[2], image::Policy::kAlways)
                                 : pull(argv[1], argv[2], image::Policy::kIfMissing);
  for (const std::string& directory : done ? *done : std::vector<std::string>()) {
    std::puts(directory.c_str());
  }
  if (done) return 0;
  std::fprintf(stderr, "%s\n", text_of(done.error()).c_str());
  return 1;
}
