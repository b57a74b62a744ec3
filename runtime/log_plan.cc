#include "runtime/log_plan.h"

#include <nlohmann/json.hpp>

#include <limits>

namespace berth::runtime {
namespace {

using LogJson = nlohmann::ordered_json;

struct DriverWord {
  LogDriverKind kind;
  const char* word;
};
constexpr DriverWord kDriverWords[] = {
    {LogDriverKind::kJsonFile, "json-file"}, {LogDriverKind::kAwslogs, "awslogs"},
    {LogDriverKind::kSyslog, "syslog"},      {LogDriverKind::kJournald, "journald"},
    {LogDriverKind::kFluentd, "fluentd"},    {LogDriverKind::kGelf, "gelf"}};

Result<LogDriverKind> driver_of(const json::Node& node) {
  std::string word = TRY(node.as_string());
  for (const DriverWord& driver : kDriverWords) {
    if (word == driver.word) return driver.kind;
  }
  return fail(Errc::kInvalid, "{}: no such log driver", node.path());
}

LogJson render_log_file(const LogFilePlan& file) {
  return {{"path", file.path},
          {"maxBytes", file.max_bytes},
          {"maxFiles", file.max_files},
          {"compress", file.compress}};
}

Result<LogFilePlan> parse_log_file(const json::Node& node) {
  LogFilePlan file;
  file.path = TRY(node.string_at("path"));
  file.max_bytes = TRY(TRY(node.at("maxBytes")).as_u64());
  json::Node max_files = TRY(node.at("maxFiles"));
  uint64_t count = TRY(max_files.as_u64());
  if (count > std::numeric_limits<uint32_t>::max()) {
    return fail(Errc::kInvalid, "{}: {} is out of range", max_files.path(), count);
  }
  file.max_files = static_cast<uint32_t>(count);
  file.compress = TRY(TRY(node.at("compress")).as_bool());
  return file;
}

struct TransportWord {
  sys::Transport transport;
  const char* word;
};
constexpr TransportWord kTransportWords[] = {{sys::Transport::kUdp, "udp"},
                                             {sys::Transport::kTcp, "tcp"},
                                             {sys::Transport::kUnixStream, "unix"},
                                             {sys::Transport::kUnixDatagram, "unixgram"},
                                             {sys::Transport::kForeignUnixStream, "foreign"}};

LogJson render_receiver(const sys::Endpoint& receiver) {
  LogJson json = {{"address", receiver.address}, {"port", receiver.port}};
  for (const TransportWord& each : kTransportWords) {
    if (each.transport == receiver.transport) json["transport"] = each.word;
  }
  return json;
}

Result<sys::Endpoint> parse_receiver(const berth::json::Node& node) {
  sys::Endpoint receiver;
  receiver.address = TRY(node.string_at("address"));
  int64_t port = TRY(node.i64_at("port"));
  if (port < 0 || port > std::numeric_limits<uint16_t>::max()) {
    return fail(Errc::kInvalid, "{}.port: {} is no port", node.path(), port);
  }
  receiver.port = static_cast<uint16_t>(port);
  std::string word = TRY(node.string_at("transport"));
  for (const TransportWord& each : kTransportWords) {
    if (word != each.word) continue;
    receiver.transport = each.transport;
    return receiver;
  }
  return fail(Errc::kInvalid, "{}.transport: no such transport", node.path());
}

}  // namespace

std::string LogPlan::setting(const std::string& name) const {
  auto found = settings.find(name);
  return found == settings.end() ? std::string() : found->second;
}

LogJson render_log_plan(const LogPlan& plan) {
  LogJson json = {{"mode", plan.mode == LogMode::kBlocking ? "blocking" : "non-blocking"},
                  {"bufferBytes", plan.buffer_bytes},
                  {"bufferLines", plan.buffer_lines},
                  {"lineMax", plan.line_max},
                  {"receiver", render_receiver(plan.receiver)},
                  {"settings", plan.settings},
                  {"file", render_log_file(plan.file)},
                  {"eventPattern", plan.event_pattern}};
  for (const DriverWord& driver : kDriverWords) {
    if (driver.kind == plan.driver) json["driver"] = driver.word;
  }
  LogJson attributes = LogJson::array();
  for (const auto& [name, value] : plan.attributes) attributes.push_back({name, value});
  json["attributes"] = attributes;
  return json;
}

Result<LogPlan> parse_log_plan(const json::Node& node) {
  LogPlan plan;
  plan.driver = TRY(driver_of(TRY(node.at("driver"))));
  std::string mode = TRY(node.string_at("mode"));
  if (mode != "blocking" && mode != "non-blocking") {
    return fail(Errc::kInvalid, "{}.mode: must be blocking or non-blocking", node.path());
  }
  plan.mode = mode == "blocking" ? LogMode::kBlocking : LogMode::kNonBlocking;
  plan.buffer_bytes = TRY(TRY(node.at("bufferBytes")).as_u64());
  plan.buffer_lines = TRY(TRY(node.at("bufferLines")).as_u64());
  plan.receiver = TRY(parse_receiver(TRY(node.at("receiver"))));
  for (auto& [name, value] : TRY(TRY(node.at("settings")).as_string_map())) {
    plan.settings[name] = value;
  }
  plan.line_max = TRY(TRY(node.at("lineMax")).as_u64());
  if (plan.line_max < kLogLineMin) {
    return fail(Errc::kInvalid, "{}.lineMax: must be at least {}", node.path(), kLogLineMin);
  }
  plan.file = TRY(parse_log_file(TRY(node.at("file"))));
  plan.event_pattern = TRY(node.string_at("eventPattern"));
  for (const json::Node& attribute : TRY(node.find_array("attributes"))) {
    std::vector<std::string> pair = TRY(attribute.as_strings());
    if (pair.size() != 2) return fail(Errc::kInvalid, "{}: must be a pair", attribute.path());
    plan.attributes.emplace_back(pair[0], pair[1]);
  }
  return plan;
}

}  // namespace berth::runtime
