#include "api/time_zones.h"

#include "base/text.h"
#include "sys/file.h"

#include <utility>

namespace berth::api {
namespace {

constexpr const char* kZoneDirectory = "/usr/share/zoneinfo/";
constexpr size_t kZoneNameShown = 100;

Result<scaling::TimeZone> read_zone(const std::string& name) {
  if (name.empty() || name == "UTC") return scaling::TimeZone();
  auto missing = [&] {
    return fail(Errc::kNotFound,
                "'{}' is no time zone of this host: names are those of tzdata, as Europe/Berlin",
                printable(name, kZoneNameShown));
  };
  if (!scaling::is_zone_name(name)) return missing();
  auto bytes = sys::read_file(kZoneDirectory + name, scaling::kZoneFileMax);
  if (!bytes) return missing();
  auto zone = scaling::TimeZone::parse(*bytes);
  if (!zone) return wrap(std::move(zone).error(), "{}{}", kZoneDirectory, name);
  return zone;
}

}  // namespace

Result<const scaling::TimeZone*> TimeZones::find(const std::string& name) {
  auto found = zones_.find(name);
  if (found == zones_.end()) found = zones_.emplace(name, TRY(read_zone(name))).first;
  return &found->second;
}

}  // namespace berth::api
