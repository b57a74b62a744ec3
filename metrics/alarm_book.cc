#include "metrics/alarm_book.h"

#include "base/log.h"
#include "base/text.h"
#include "sys/file.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace berth::metrics {
namespace {

constexpr int64_t kAlarmFileVersion = 1;
constexpr size_t kNamesTold = 10;
// Of what the history could not take; the oldest go. What a change says itself is not cut.
constexpr size_t kUntoldMax = 1000;
constexpr size_t kUntoldBytesMax = 8 * 1024 * 1024;

std::string told(std::vector<std::string> names) {
  bool is_whole = names.size() <= kNamesTold;
  if (!is_whole) names.resize(kNamesTold);
  return printable(join(names, ", "), kAlarmRuleMax) + (is_whole ? "" : ", ...");
}

std::vector<HistoryItem> latest(const std::vector<HistoryItem>& untold) {
  size_t first = untold.size();
  size_t bytes = 0;
  while (first > 0 && untold.size() - first < kUntoldMax) {
    bytes += size_of(untold[first - 1]);
    if (bytes > kUntoldBytesMax) break;
    --first;
  }
  return {untold.begin() + static_cast<std::ptrdiff_t>(first), untold.end()};
}

size_t expression_bytes(const std::map<std::string, Alarm>& alarms) {
  size_t bytes = 0;
  for (const auto& [name, alarm] : alarms) {
    for (const MathQuery& query : alarm.queries) bytes += query.expression_text.size();
  }
  return bytes;
}

}  // namespace

Result<AlarmBook> AlarmBook::open(const std::string& root, size_t file_max) {
  TRY(sys::make_directories(root + "/metrics", 0700));
  AlarmBook book(root + "/metrics/alarms.json", file_max, TRY(AlarmHistory::open(root)));
  if (sys::exists(book.path_)) TRY(book.load());
  return book;
}

Status AlarmBook::load() {
  std::string text = TRY(sys::read_file(path_, file_max_));
  auto document = TRY(json::Document::parse(text, {.name = path_, .text_max = file_max_}));
  int64_t version = TRY(document.root().i64_at("version"));
  if (version != kAlarmFileVersion) {
    return fail(Errc::kUnsupported, "{}: version {}, this berth reads {}", path_, version,
                kAlarmFileVersion);
  }
  for (const json::Node& node : TRY(document.root().find_array("alarms"))) {
    Alarm alarm = TRY(parse_alarm(node));
    content_.alarms[alarm.name] = std::move(alarm);
  }
  for (const json::Node& node : TRY(document.root().find_array("compositeAlarms"))) {
    CompositeAlarm alarm = TRY(parse_composite(node));
    content_.composites[alarm.name] = std::move(alarm);
  }
  std::vector<HistoryItem> items;
  for (const json::Node& node : TRY(document.root().find_array("history"))) {
    items.push_back(TRY(parse_history_item(node)));
  }
  if (items.empty()) return {};
  auto added = history_.add(items, items.back().at);
  if (added) return {};
  // A full disk, say, on which tasks run all the same.
  LOG(kWarn, "alarm history is told later", {{"why", added.error().text}});
  untold_ = std::move(items);
  return {};
}

const AlarmBase* AlarmBook::Content::find(const std::string& name) const {
  auto found = alarms.find(name);
  if (found != alarms.end()) return &found->second;
  auto composite = composites.find(name);
  return composite != composites.end() ? &composite->second : nullptr;
}

AlarmBase* AlarmBook::Content::find(const std::string& name) {
  auto found = alarms.find(name);
  if (found != alarms.end()) return &found->second;
  auto composite = composites.find(name);
  return composite != composites.end() ? &composite->second : nullptr;
}

void AlarmBook::Content::settle(std::set<std::string> changed, const std::string& put,
                                int64_t now) {
  auto state_of = [this](const std::string& name) {
    const AlarmBase* alarm = std::as_const(*this).find(name);
    return alarm != nullptr ? std::optional(alarm->state) : std::nullopt;
  };
  for (const std::string& name : in_order_of_rules(composites)) {
    CompositeAlarm& alarm = composites.at(name);
    bool is_concerned = name == put || std::ranges::any_of(changed, [&](const std::string& each) {
                          return alarm.is_about(each);
                        });
    auto verdict = is_concerned ? metrics::evaluate(alarm, state_of) : std::nullopt;
    if (!verdict) continue;
    LOG(kInfo, "alarm", {{"name", name}, {"state", name_of(verdict->state)}});
    enter_state(alarm, std::move(*verdict), now);
    changed.insert(name);
  }
  suppress(now);
}

// Behind all of them: who suppresses is in no order with those whose actions it does.
void AlarmBook::Content::suppress(int64_t now) {
  for (auto& [name, alarm] : composites) {
    const AlarmBase* suppressor = std::as_const(*this).find(alarm.suppressor.alarm);
    auto state = suppressor != nullptr ? std::optional(suppressor->state) : std::nullopt;
    alarm.suppression = follow(alarm.suppression, alarm.suppressor, alarm.state, state, now);
  }
}

const AlarmBase* AlarmBook::find(const std::string& name) const {
  return content_.find(name);
}

std::set<std::string> AlarmBook::raised() const {
  std::set<std::string> names;
  auto add = [&](const AlarmBase& alarm) {
    if (alarm.state == AlarmState::kAlarm) names.insert(alarm.name);
  };
  for (const auto& [name, alarm] : content_.alarms) add(alarm);
  for (const auto& [name, alarm] : content_.composites) add(alarm);
  return names;
}

std::vector<std::string> AlarmBook::parents_of(const std::string& name) const {
  std::vector<std::string> parents;
  for (const auto& [parent, alarm] : content_.composites) {
    if (alarm.is_about(name) || alarm.suppressor.alarm == name) parents.push_back(parent);
  }
  return parents;
}

std::string AlarmBook::render(const Content& content, const std::vector<HistoryItem>& items) {
  nlohmann::ordered_json alarms = nlohmann::ordered_json::array();
  for (const auto& [name, alarm] : content.alarms) alarms.push_back(render_alarm(alarm));
  nlohmann::ordered_json composites = nlohmann::ordered_json::array();
  for (const auto& [name, alarm] : content.composites) {
    composites.push_back(render_composite(alarm));
  }
  nlohmann::ordered_json history = nlohmann::ordered_json::array();
  for (const HistoryItem& item : items) history.push_back(render_history_item(item));
  nlohmann::ordered_json json = {{"version", kAlarmFileVersion},
                                 {"alarms", std::move(alarms)},
                                 {"compositeAlarms", std::move(composites)},
                                 {"history", std::move(history)}};
  return json.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

Status AlarmBook::save(Content content, const std::string& configured, int64_t now) {
  if (content.alarms.size() + content.composites.size() > kAlarmsMax) {
    return fail(Errc::kExhausted, "there are {} alarms, and there may be no more", kAlarmsMax);
  }
  std::vector<HistoryItem> items = latest(untold_);
  AlarmChange change{.configured = configured, .at = now};
  change.next_number = (items.empty() ? history_.last_number() : items.back().number) + 1;
  for (HistoryItem& item :
       changes_between({content_.alarms, content_.composites}, {content.alarms, content.composites},
                       change, why_not_called_)) {
    items.push_back(std::move(item));
  }
  std::string text = render(content, items);
  // An alarm that is deleted is told of in more bytes than it had: that must not keep it.
  if (text.size() > file_max_) text = render(content, {});
  if (text.size() > file_max_) {
    return fail(Errc::kExhausted, "all alarms together may take {} bytes on the disk, not {}",
                file_max_, text.size());
  }
  TRY(sys::write_atomic(path_, text, 0600));
  content_ = std::move(content);
  untold_ = std::move(items);
  auto added = history_.add(untold_, now);
  if (added) untold_.clear();
  if (!added) LOG(kWarn, "alarm history is told later", {{"why", added.error().text}});
  return {};
}

Status AlarmBook::put(Alarm alarm) {
  if (content_.composites.contains(alarm.name)) {
    return fail(Errc::kExists, "there is a composite alarm {}: choose another name, or delete it",
                alarm.name);
  }
  Content content = content_;
  Alarm& kept = content.alarms[alarm.name];
  AlarmState before = kept.state;
  kept = std::move(alarm);
  size_t expressions = expression_bytes(content.alarms);
  if (expressions > std::max(kAlarmExpressionsMax, expression_bytes(content_.alarms))) {
    return fail(Errc::kExhausted,
                "the expressions of all alarms together may have {} characters, not {}",
                kAlarmExpressionsMax, expressions);
  }
  if (kept.state != before) content.settle({kept.name}, "", kept.state_at);
  std::string name = kept.name;
  int64_t now = kept.configured_at;
  return save(std::move(content), name, now);
}

Status AlarmBook::check(const CompositeAlarm& alarm) const {
  if (content_.alarms.contains(alarm.name)) {
    return fail(Errc::kExists, "there is a metric alarm {}: choose another name, or delete it",
                alarm.name);
  }
  std::set<std::string> wanted = alarm.rule.children();
  if (!alarm.suppressor.alarm.empty()) wanted.insert(alarm.suppressor.alarm);
  std::vector<std::string> absent;
  for (const std::string& name : wanted) {
    bool is_there = name == alarm.name || content_.find(name) != nullptr;
    if (!is_there) absent.push_back(name);
    std::vector<std::string> parents = parents_of(name);
    std::erase(parents, alarm.name);
    if (parents.size() >= kCompositesOfAlarmMax) {
      return fail(Errc::kExhausted, "{} composite alarms are about {}, and there may be no more",
                  parents.size(), name);
    }
  }
  if (!absent.empty()) {
    return fail(Errc::kNotFound,
                "Could not save the composite alarm as alarms [{}] in the alarm rule do not exist",
                told(absent));
  }
  if (is_in_circle(alarm, content_.composites)) {
    return fail(Errc::kInvalid,
                "AlarmRule: what {} is about is, directly or over other composite alarms, about {} "
                "again: its state would hang on itself",
                alarm.name, alarm.name);
  }
  return {};
}

Status AlarmBook::put(CompositeAlarm alarm, int64_t now) {
  TRY(check(alarm));
  Content content = content_;
  std::string name = alarm.name;
  CompositeAlarm& kept = content.composites[name];
  alarm.suppression = kept.suppression;
  kept = std::move(alarm);
  content.settle({}, name, now);
  return save(std::move(content), name, now);
}

Status AlarmBook::set_state(const std::string& name, Verdict verdict, int64_t now) {
  Content content = content_;
  AlarmBase* alarm = content.find(name);
  if (alarm == nullptr) return fail(Errc::kNotFound, "there is no alarm {}", name);
  bool has_changed = alarm->state != verdict.state;
  enter_state(*alarm, std::move(verdict), now);
  // A composite alarm stays as it was set until one of those that it is about changes.
  if (has_changed) content.settle({name}, "", now);
  return save(std::move(content), "", now);
}

Status AlarmBook::set_tags(const std::string& name, std::map<std::string, std::string> tags,
                           int64_t now) {
  Content content = content_;
  AlarmBase* alarm = content.find(name);
  if (alarm == nullptr) return fail(Errc::kNotFound, "there is no alarm {}", name);
  alarm->tags = std::move(tags);
  return save(std::move(content), "", now);
}

Status AlarmBook::enable_actions(const std::vector<std::string>& names, bool are_enabled,
                                 int64_t now) {
  Content content = content_;
  bool has_changed = false;
  for (const std::string& name : names) {
    AlarmBase* alarm = content.find(name);
    if (alarm == nullptr || alarm->actions_enabled == are_enabled) continue;
    alarm->actions_enabled = are_enabled;
    alarm->configured_at = now;
    has_changed = true;
  }
  return has_changed ? save(std::move(content), "", now) : Status();
}

Status AlarmBook::remove(const std::vector<std::string>& names, int64_t now) {
  std::set<std::string> gone(names.begin(), names.end());
  for (const std::string& name : gone) {
    std::vector<std::string> parents = parents_of(name);
    std::erase_if(parents, [&](const std::string& parent) { return gone.contains(parent); });
    if (parents.empty()) continue;
    return fail(Errc::kInvalid,
                "alarm {} cannot be deleted: composite alarms [{}] are about it; change their "
                "rules or delete them first",
                name, told(parents));
  }
  Content content = content_;
  for (const std::string& name : gone) {
    content.alarms.erase(name);
    content.composites.erase(name);
  }
  return save(std::move(content), "", now);
}

Status AlarmBook::evaluate(const MetricStore& store, WallTime now) {
  int64_t seconds =
      std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  Content content = content_;
  std::set<std::string> changed;
  for (auto& [name, alarm] : content.alarms) {
    auto verdict = metrics::evaluate(alarm, store, seconds);
    if (!verdict) continue;
    LOG(kInfo, "alarm", {{"name", name}, {"state", name_of(verdict->state)}});
    enter_state(alarm, std::move(*verdict), seconds);
    changed.insert(name);
  }
  if (changed.empty()) return end_suppressions(now);
  content.settle(std::move(changed), "", seconds);
  return save(std::move(content), "", seconds);
}

Status AlarmBook::end_suppressions(WallTime now) {
  int64_t seconds =
      std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  bool is_over = std::ranges::any_of(content_.composites, [&](const auto& entry) {
    return entry.second.suppression.is_over(seconds);
  });
  if (!is_over) return {};
  Content content = content_;
  content.suppress(seconds);
  return save(std::move(content), "", seconds);
}

}  // namespace berth::metrics
