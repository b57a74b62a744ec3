#include "metrics/alarm_book.h"

#include "base/log.h"
#include "sys/file.h"

#include <nlohmann/json.hpp>

namespace berth::metrics {
namespace {

constexpr int64_t kAlarmFileVersion = 1;
constexpr size_t kAlarmFileMax = 64 * 1024 * 1024;

}  // namespace

Result<AlarmBook> AlarmBook::open(const std::string& root) {
  TRY(sys::make_directories(root + "/metrics", 0700));
  AlarmBook book(root + "/metrics/alarms.json");
  if (!sys::exists(book.path_)) return book;
  std::string text = TRY(sys::read_file(book.path_, kAlarmFileMax));
  auto document = TRY(json::Document::parse(text, {.name = book.path_, .text_max = kAlarmFileMax}));
  int64_t version = TRY(document.root().i64_at("version"));
  if (version != kAlarmFileVersion) {
    return fail(Errc::kUnsupported, "{}: version {}, this berth reads {}", book.path_, version,
                kAlarmFileVersion);
  }
  for (const json::Node& node : TRY(document.root().find_array("alarms"))) {
    Alarm alarm = TRY(parse_alarm(node));
    book.alarms_[alarm.name] = std::move(alarm);
  }
  return book;
}

Status AlarmBook::save(std::map<std::string, Alarm> alarms) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const auto& [name, alarm] : alarms) list.push_back(render_alarm(alarm));
  nlohmann::ordered_json json = {{"version", kAlarmFileVersion}, {"alarms", std::move(list)}};
  TRY(sys::write_atomic(
      path_, json.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n",
      0600));
  alarms_ = std::move(alarms);
  return {};
}

Status AlarmBook::put(Alarm alarm) {
  std::map<std::string, Alarm> alarms = alarms_;
  alarms[alarm.name] = std::move(alarm);
  if (alarms.size() > kAlarmsMax) {
    return fail(Errc::kExhausted, "there are {} alarms, and there may be no more", kAlarmsMax);
  }
  return save(std::move(alarms));
}

Status AlarmBook::remove(const std::vector<std::string>& names) {
  std::map<std::string, Alarm> alarms = alarms_;
  for (const std::string& name : names) alarms.erase(name);
  return save(std::move(alarms));
}

Status AlarmBook::evaluate(const MetricStore& store, WallTime now) {
  int64_t seconds =
      std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  std::map<std::string, Alarm> alarms = alarms_;
  bool has_changed = false;
  for (auto& [name, alarm] : alarms) {
    auto verdict = metrics::evaluate(alarm, store, seconds);
    if (!verdict) continue;
    LOG(kInfo, "alarm", {{"name", name}, {"state", name_of(verdict->state)}});
    alarm.state = verdict->state;
    alarm.state_reason = std::move(verdict->reason);
    alarm.state_reason_data.clear();
    alarm.state_at = seconds;
    has_changed = true;
  }
  return has_changed ? save(std::move(alarms)) : Status();
}

}  // namespace berth::metrics
