#include "runtime/shim_protocol.h"

#include "base/json.h"
#include "base/text.h"

#include <nlohmann/json.hpp>

#include <array>
#include <limits>

namespace berth::runtime {
namespace {

using Json = nlohmann::ordered_json;
using Kind = ShimEvent::Kind;

constexpr size_t kShownMax = 60;  // bytes of what is quoted in an error
constexpr int kSignalMax = 64;

template <class Value>
struct Word {
  Value value;
  const char* text;
};

constexpr std::array kRequests = {Word<ShimRequest>{ShimRequest::kStart, "start"},
                                  Word<ShimRequest>{ShimRequest::kStop, "stop"},
                                  Word<ShimRequest>{ShimRequest::kKill, "kill"},
                                  Word<ShimRequest>{ShimRequest::kHold, "hold"},
                                  Word<ShimRequest>{ShimRequest::kResume, "resume"},
                                  Word<ShimRequest>{ShimRequest::kAttach, "attach"},
                                  Word<ShimRequest>{ShimRequest::kResize, "resize"},
                                  Word<ShimRequest>{ShimRequest::kSignal, "signal"}};

constexpr std::array kEventKinds = {Word<Kind>{Kind::kNamespaces, "namespaces"},
                                    Word<Kind>{Kind::kContainerCreated, "container_created"},
                                    Word<Kind>{Kind::kContainerStarted, "container_started"},
                                    Word<Kind>{Kind::kContainerHealth, "container_health"},
                                    Word<Kind>{Kind::kContainerRestarted, "container_restarted"},
                                    Word<Kind>{Kind::kPreStopEnded, "pre_stop_ended"},
                                    Word<Kind>{Kind::kContainerExited, "container_exited"},
                                    Word<Kind>{Kind::kStopRequested, "stop_requested"},
                                    Word<Kind>{Kind::kTaskStopping, "task_stopping"},
                                    Word<Kind>{Kind::kTaskStopped, "task_stopped"},
                                    Word<Kind>{Kind::kFailed, "failed"},
                                    Word<Kind>{Kind::kAttachRefused, "attach_refused"},
                                    Word<Kind>{Kind::kOutputMissed, "output_missed"},
                                    Word<Kind>{Kind::kUpToDate, "up_to_date"}};

constexpr std::array kHealthWords = {Word<HealthStatus>{HealthStatus::kUnknown, "UNKNOWN"},
                                     Word<HealthStatus>{HealthStatus::kHealthy, "HEALTHY"},
                                     Word<HealthStatus>{HealthStatus::kUnhealthy, "UNHEALTHY"}};

template <class Words, class Value>
const char* text_of(const Words& words, Value value) {
  for (const auto& word : words) {
    if (word.value == value) return word.text;
  }
  return "";
}

template <class Words>
auto value_of(const Words& words, const json::Node& node)
    -> Result<std::decay_t<decltype(words[0].value)>> {
  std::string text = TRY(node.as_string());
  for (const auto& word : words) {
    if (text == word.text) return word.value;
  }
  return fail(Errc::kInvalid, "{}: \"{}\" is not known", node.path(), printable(text, kShownMax));
}

// A process id, or an exit code: absent, or what fits.
Result<std::optional<int>> find_int(const json::Node& node, std::string_view key) {
  auto value = TRY(node.find_i64(key));
  if (!value) return std::nullopt;
  if (*value < 0 || *value > std::numeric_limits<int>::max()) {
    return fail(Errc::kInvalid, "{}: {} is out of range", TRY(node.at(key)).path(), *value);
  }
  return static_cast<int>(*value);
}

Result<uint16_t> window_side_of(const json::Node& node, std::string_view key) {
  int cells = TRY(find_int(node, key)).value_or(0);
  if (cells <= std::numeric_limits<uint16_t>::max()) return static_cast<uint16_t>(cells);
  return fail(Errc::kInvalid, "{}: {} is out of range", TRY(node.at(key)).path(), cells);
}

Json json_of(const ExitRecord& record) {
  Json json = {{"container", record.container},
               {"oomKilled", record.oom_killed},
               {"reason", record.reason},
               {"startedAt", record.started_at},
               {"finishedAt", record.finished_at}};
  if (record.exit_code) json["exitCode"] = *record.exit_code;
  if (record.killed) json["killed"] = *record.killed;
  if (record.restarts != 0) json["restarts"] = record.restarts;
  return json;
}

Result<ExitRecord> exit_record_of(const json::Node& node) {
  ExitRecord record;
  record.container = TRY(node.string_at("container"));
  record.oom_killed = TRY(TRY(node.at("oomKilled")).as_bool());
  record.reason = TRY(node.string_at("reason"));
  record.started_at = TRY(node.string_at("startedAt"));
  record.finished_at = TRY(node.string_at("finishedAt"));
  record.exit_code = TRY(find_int(node, "exitCode"));
  record.killed = TRY(node.find_string("killed"));
  record.restarts = TRY(find_int(node, "restarts")).value_or(0);
  return record;
}

Json json_of(const HealthReport& report) {
  Json json = {{"status", text_of(kHealthWords, report.status)}, {"output", report.output}};
  if (report.exit_code) json["exitCode"] = *report.exit_code;
  return json;
}

Result<HealthReport> health_report_of(const json::Node& node) {
  HealthReport report;
  report.status = TRY(value_of(kHealthWords, TRY(node.at("status"))));
  report.output = TRY(node.string_at("output"));
  report.exit_code = TRY(find_int(node, "exitCode"));
  return report;
}

// Texts may quote what a container printed: bytes that are no UTF-8 are replaced, not refused.
std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string render_order(const ShimOrder& order) {
  Json json = {{"request", text_of(kRequests, order.request)}};
  if (!order.container.empty()) {
    json["container"] = order.container;
    json["columns"] = order.window.columns;
    json["rows"] = order.window.rows;
  }
  if (order.signal != 0) json["signal"] = order.signal;
  if (order.in_the_foreground) json["inTheForeground"] = true;
  return dump(json);
}

std::string render_request(ShimRequest request) {
  return render_order({.request = request});
}

Result<ShimOrder> parse_order(std::string_view text) {
  auto document = TRY(json::Document::parse(text, {.name = "request"}));
  json::Node root = document.root();
  ShimOrder order;
  order.request = TRY(value_of(kRequests, TRY(root.at("request"))));
  order.container = TRY(root.find_string("container")).value_or("");
  order.window.columns = TRY(window_side_of(root, "columns"));
  order.window.rows = TRY(window_side_of(root, "rows"));
  order.signal = TRY(find_int(root, "signal")).value_or(0);
  if (order.signal > kSignalMax) {
    return fail(Errc::kInvalid, "signal: {} is out of range", order.signal);
  }
  order.in_the_foreground = TRY(root.find_bool("inTheForeground")).value_or(false);
  return order;
}

std::string render_exit_record(const ExitRecord& record) {
  return dump(json_of(record)) + "\n";
}

Result<ExitRecord> parse_exit_record(std::string_view text) {
  auto document = TRY(json::Document::parse(text, {.name = "exit record"}));
  return exit_record_of(document.root());
}

std::string render_event(const ShimEvent& event) {
  Json json = {{"event", text_of(kEventKinds, event.kind)}, {"at", event.at}};
  if (!event.namespaces.empty()) json["namespaces"] = event.namespaces;
  if (!event.container.empty()) json["container"] = event.container;
  if (event.pid != 0) json["pid"] = event.pid;
  if (event.exit) json["exit"] = json_of(*event.exit);
  if (event.health) json["health"] = json_of(*event.health);
  if (!event.text.empty()) json["text"] = event.text;
  Json steps = Json::array();
  for (const TimedStep& step : event.steps) {
    steps.push_back({{"name", step.name}, {"ns", step.took.count()}});
  }
  if (!steps.empty()) json["steps"] = steps;
  return dump(json);
}

Result<ShimEvent> parse_event(std::string_view text) {
  auto document = TRY(json::Document::parse(text, {.name = "event"}));
  json::Node root = document.root();
  ShimEvent event;
  event.kind = TRY(value_of(kEventKinds, TRY(root.at("event"))));
  event.at = TRY(root.string_at("at"));
  event.namespaces = TRY(root.find_strings("namespaces"));
  event.container = TRY(root.find_string("container")).value_or("");
  event.pid = TRY(find_int(root, "pid")).value_or(0);
  if (auto exit = root.find("exit")) event.exit = TRY(exit_record_of(*exit));
  if (auto health = root.find("health")) event.health = TRY(health_report_of(*health));
  event.text = TRY(root.find_string("text")).value_or("");
  for (const json::Node& step : TRY(root.find_array("steps"))) {
    TimedStep taken;
    taken.name = TRY(step.string_at("name"));
    taken.took = Duration(TRY(step.i64_at("ns")));
    event.steps.push_back(std::move(taken));
  }
  return event;
}

}  // namespace berth::runtime
