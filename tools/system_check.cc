// berth system check: is the store as it was pulled, and are the leases readable?
#include "agent/paths.h"
#include "agent/registry_config.h"
#include "base/text.h"
#include "image/check.h"
#include "netns/ipam.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "tools/commands.h"
#include "tools/system_commands.h"

#include <nlohmann/json.hpp>

#include <cstdio>

namespace berth::tools {
namespace {

constexpr size_t kLeaseMax = 1024 * 1024;
constexpr std::string_view kLeaseSuffix = ".json";
constexpr int kExitDamaged = 1;

// A finding, wherever it is from.
struct Found {
  std::string kind;
  std::string name;
  std::string problem;
  bool is_repaired = false;
  std::string repair;
  std::vector<std::string> images;
};

// While a lease cannot be read no task starts: what it holds might be given out twice. It can go
// when its task is gone.
Status check_lease(const agent::Config& config, const std::string& name, image::Repair repair,
                   std::vector<Found>& found) {
  std::string path = config.root + "/leases/" + name;
  auto text = sys::read_file(path, kLeaseMax);
  if (!text && text.error().code == Errc::kNotFound) return {};  // released meanwhile
  if (text && (text->empty() || netns::parse_lease(*text))) return {};
  Found damage{.kind = "lease", .name = path, .problem = "cannot be read"};
  if (repair == image::Repair::kYes) {
    agent::InstancePaths paths = agent::paths_of(config);
    std::string lock_path = paths.task_lock(name.substr(0, name.size() - kLeaseSuffix.size()));
    bool is_running = sys::exists(lock_path) && !sys::FileLock::try_acquire(lock_path);
    if (is_running) {
      damage.repair = "its task runs; stop it and repeat";
    } else {
      TRY(sys::remove_file(path));
      damage.is_repaired = true;
      damage.repair = "removed; its task is gone";
    }
  }
  found.push_back(std::move(damage));
  return {};
}

Status check_leases(const agent::Config& config, image::Repair repair, std::vector<Found>& found) {
  std::string directory = config.root + "/leases";
  if (!sys::exists(directory)) return {};
  for (const std::string& name : TRY(sys::list_directory(directory))) {
    if (!name.ends_with(kLeaseSuffix) || name.starts_with(".")) continue;
    TRY(check_lease(config, name, repair, found));
  }
  return {};
}

std::string render_json(const image::CheckReport& report, const std::vector<Found>& found) {
  nlohmann::ordered_json out = {{"images", report.images},
                                {"blobs", report.blobs},
                                {"layers", report.layers},
                                {"damages", nlohmann::json::array()}};
  for (const Found& each : found) {
    out["damages"].push_back({{"kind", each.kind},
                              {"name", each.name},
                              {"problem", each.problem},
                              {"repaired", each.is_repaired},
                              {"repair", each.repair},
                              {"images", each.images}});
  }
  return out.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string render_text(const image::CheckReport& report, const std::vector<Found>& found) {
  std::string text;
  for (const Found& each : found) {
    text += fmt::format("{} {}: {}\n", each.kind, each.name, each.problem);
    if (!each.images.empty()) text += "  needed by " + join(each.images, ", ") + "\n";
    if (each.is_repaired) text += "  repaired: " + each.repair + "\n";
    if (!each.is_repaired && !each.repair.empty()) text += "  not repaired: " + each.repair + "\n";
  }
  return text +
         fmt::format("{} images, {} blobs, {} layers checked: {}\n", report.images, report.blobs,
                     report.layers,
                     found.empty() ? "all is well" : fmt::format("{} damaged", found.size()));
}

Result<int> check(const agent::Config& config, const CheckOptions& options) {
  sys::SystemClock clock;
  sys::SystemRng rng;
  auto repair = options.repair ? image::Repair::kYes : image::Repair::kNo;
  image::PullerConfig puller = agent::puller_config_of(config);
  image::Store store = TRY(image::Store::open(config.root));
  auto report = TRY(image::check_store(store, puller, Env{clock, rng}, repair));
  std::vector<Found> found;
  for (image::Damage& damage : report.damages) {
    found.push_back({image::name_of(damage.kind), std::move(damage.name), std::move(damage.problem),
                     damage.is_repaired, std::move(damage.repair), std::move(damage.images)});
  }
  TRY(check_leases(config, repair, found));
  std::string text = options.json ? render_json(report, found) : render_text(report, found);
  std::fputs(text.c_str(), stdout);
  for (const Found& each : found) {
    if (!each.is_repaired) return kExitDamaged;
  }
  return 0;
}

}  // namespace

int check_command(const agent::Config& config, const CheckOptions& options) {
  auto code = check(config, options);
  return code ? *code : report(code.error());
}

}  // namespace berth::tools
