// berth system prune: what of the image store goes, and why.
#include "base/text.h"
#include "image/collection.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/tree.h"
#include "tools/commands.h"
#include "tools/quantity.h"
#include "tools/system_commands.h"

#include <fcntl.h>
#include <nlohmann/json.hpp>

#include <cstdio>

namespace berth::tools {
namespace {

Result<image::CollectionPolicy> policy_of(const PruneOptions& options) {
  image::CollectionPolicy policy;
  policy.all_unused = options.all;
  if (!options.until.empty()) {
    auto age = parse_age(options.until);
    if (!age) return wrap(std::move(age).error(), "--until");
    policy.unused_for = *age;
  }
  if (!options.keep_size.empty()) {
    auto size = parse_size(options.keep_size);
    if (!size) return wrap(std::move(size).error(), "--keep-size");
    policy.keep_bytes = *size;
  }
  return policy;
}

std::string render_json(const image::CollectionPlan& plan, const PruneOptions& options) {
  nlohmann::ordered_json out = {{"dryRun", options.dry_run},
                                {"bytesBefore", plan.bytes_before},
                                {"bytesFreed", plan.bytes_freed},
                                {"decisions", nlohmann::json::array()}};
  for (const image::Decision& decision : plan.decisions) {
    out["decisions"].push_back({{"kind", image::name_of(decision.kind)},
                                {"name", decision.name},
                                {"bytes", decision.bytes},
                                {"goes", decision.goes},
                                {"reason", decision.reason}});
  }
  return out.dump(2) + "\n";
}

// A dry run lists everything, else what went.
std::string render_table(const image::CollectionPlan& plan, const PruneOptions& options) {
  std::string table;
  for (const image::Decision& decision : plan.decisions) {
    if (!options.dry_run && !decision.goes) continue;
    bool is_image = decision.kind == image::StoredKind::kImage;
    table += fmt::format("{:<5}  {:<5}  {:<71}  {:>9}  {}\n", decision.goes ? "goes" : "stays",
                         image::name_of(decision.kind), decision.name,
                         is_image ? "" : format_bytes(decision.bytes), decision.reason);
  }
  return table + fmt::format("{} {} of {}\n", options.dry_run ? "would free" : "freed",
                             format_bytes(plan.bytes_freed), format_bytes(plan.bytes_before));
}

Status prune(const agent::Config& config, const PruneOptions& options) {
  auto policy = TRY(policy_of(options));
  sys::SystemClock clock;
  image::Store store = TRY(image::Store::open(config.root));
  image::CollectionPlan plan;
  if (options.dry_run) {
    auto inventory = TRY(image::take_inventory(store, image::Measure::kDisk));
    plan = image::plan_collection(inventory, policy, clock.wall());
  } else {
    plan = TRY(image::collect(store, policy, clock.wall()));
  }
  std::string text = options.json ? render_json(plan, options) : render_table(plan, options);
  std::fputs(text.c_str(), stdout);
  return {};
}

// ---- as berth.json asks for, without being asked ----

// Its time is that of the last cycle.
std::string stamp_path(const agent::Config& config) {
  return config.root + "/locks/cleanup";
}

Status stamp(const agent::Config& config, WallTime now) {
  TRY(sys::create(stamp_path(config), O_WRONLY, 0600));
  auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  timespec time{.tv_sec = seconds, .tv_nsec = 0};
  return sys::set_times_at(AT_FDCWD, stamp_path(config), {time, time});
}

image::CollectionPolicy automatic_policy(const agent::ImageCleanup& cleanup, uint64_t bytes) {
  using std::chrono::minutes;
  image::CollectionPolicy policy;
  policy.minimum_age = minutes(cleanup.minimum_age_minutes);
  policy.images_max = cleanup.images_per_cycle;
  if (cleanup.high_bytes > 0) {
    if (bytes > cleanup.high_bytes) policy.keep_bytes = cleanup.low_bytes;
  } else if (cleanup.unused_for_minutes > 0) {
    policy.unused_for = minutes(cleanup.unused_for_minutes);
  } else {
    policy.all_unused = true;
  }
  return policy;
}

Status prune_automatically(const agent::Config& config) {
  sys::SystemClock clock;
  image::Store store = TRY(image::Store::open(config.root));
  TRY(stamp(config, clock.wall()));
  auto inventory = TRY(image::take_inventory(store, image::Measure::kDisk));
  uint64_t bytes = image::plan_collection(inventory, {}, clock.wall()).bytes_before;
  auto plan = image::collect(store, automatic_policy(config.image_cleanup, bytes), clock.wall());
  if (!plan && plan.error().code == Errc::kUnavailable) return {};  // the next cycle will do
  TRY(std::move(plan));
  return {};
}

}  // namespace

bool cleanup_is_due(const agent::Config& config, WallTime now) {
  if (!config.image_cleanup.enabled) return false;
  auto stamp = sys::stat(stamp_path(config));
  if (!stamp) return true;
  Duration since = now - WallTime(std::chrono::seconds(stamp->st_mtim.tv_sec));
  // A clock that was set back must not put it off for ever.
  return since < Duration(0) ||
         since >= std::chrono::minutes(config.image_cleanup.interval_minutes);
}

int prune_command(const agent::Config& config, const PruneOptions& options) {
  return exit_code(options.automatic ? prune_automatically(config) : prune(config, options));
}

}  // namespace berth::tools
