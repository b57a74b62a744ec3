// berth referrers.
#include "image/referrers.h"

#include "agent/registry_config.h"
#include "base/text.h"
#include "sys/clock.h"
#include "sys/spawn.h"
#include "tools/commands.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>

namespace berth::tools {
namespace {

std::string type_of(const image::Referrer& referrer) {
  return referrer.artifact_type.empty() ? referrer.media_type : referrer.artifact_type;
}

std::string render_table(const image::Referrers& found) {
  size_t width = std::string_view("TYPE").size();
  for (const auto& each : found.referrers) width = std::max(width, type_of(each).size());
  std::string table = fmt::format("{:<71}  {:<{}}  SIZE\n", "DIGEST", "TYPE", width);
  for (const auto& each : found.referrers) {
    table += fmt::format("{:<71}  {:<{}}  {}\n", each.digest, printable(type_of(each), 200), width,
                         format_bytes(each.size));
  }
  return table;
}

// In the names of the image specification's descriptors.
std::string render_json(const image::Referrers& found) {
  auto list = nlohmann::ordered_json::array();
  for (const auto& each : found.referrers) {
    list.push_back({{"digest", each.digest},
                    {"mediaType", each.media_type},
                    {"artifactType", each.artifact_type},
                    {"size", each.size},
                    {"annotations", each.annotations}});
  }
  nlohmann::ordered_json out = {{"subject", found.subject}, {"referrers", std::move(list)}};
  return out.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

Status list(const agent::Config& config, const ReferrersOptions& options) {
  auto reference = TRY(image::Reference::parse(options.reference));
  if (reference.transport != image::Transport::kRegistry) {
    return fail(Errc::kInvalid, "{}: only registries know what refers to an image",
                options.reference);
  }
  sys::SystemClock clock;
  sys::SystemRng rng;
  auto registry = agent::registry_config_of(config, sys::own_environment());
  image::Referrers found = TRY(
      image::list_referrers(reference, options.artifact_type, registry, Env{clock, rng}, nullptr));
  std::fputs((options.json ? render_json(found) : render_table(found)).c_str(), stdout);
  return {};
}

}  // namespace

int referrers_command(const agent::Config& config, const ReferrersOptions& options) {
  return exit_code(list(config, options));
}

}  // namespace berth::tools
