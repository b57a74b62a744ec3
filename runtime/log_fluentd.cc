#include "runtime/log_fluentd.h"

#include "base/msgpack.h"
#include "base/text.h"
#include "runtime/log_connection.h"

#include <fmt/core.h>

#include <utility>

namespace berth::runtime {
namespace {

constexpr uint8_t kEventTime = 0;  // Fluentd's extension type

std::chrono::milliseconds milliseconds_setting(const LogPlan& plan, const std::string& name,
                                               uint64_t otherwise) {
  return std::chrono::milliseconds(parse_u64(plan.setting(name)).value_or(otherwise));
}

void put_time(std::string& to, WallTime time, bool has_fraction) {
  auto ns = static_cast<uint64_t>(time.time_since_epoch().count());
  constexpr uint64_t kSecond = 1000000000;
  if (!has_fraction) return msgpack::put_unsigned(to, ns / kSecond);
  msgpack::put_extension(to, kEventTime, (ns / kSecond) << 32 | (ns % kSecond));
}

class FluentdDriver final : public LogDriver {
 public:
  FluentdDriver(LogPlan plan, LogConnection connection, Env env)
      : plan_(std::move(plan)),
        connection_(std::move(connection)),
        env_(env),
        wants_ack_(plan_.setting("ack") == "true") {}

  Status write(std::vector<LogEntry> entries) override {
    Status all;
    for (const LogEntry& entry : entries) {
      // Short enough that every encoder writes it in the same form: replies are compared as bytes.
      std::string chunk = wants_ack_ ? fmt::format("{:016x}", env_.rng.next()) : "";
      auto sent = connection_.send(render_forward(plan_, entry, chunk),
                                   wants_ack_ ? forward_ack_of(chunk) : "");
      if (!sent) all = std::move(sent);
    }
    return all;
  }

 private:
  LogPlan plan_;
  LogConnection connection_;
  Env env_;
  bool wants_ack_;
};

}  // namespace

std::string render_forward(const LogPlan& plan, const LogEntry& entry, const std::string& chunk) {
  std::string_view text = entry.text;
  bool is_piece = !text.ends_with('\n');
  if (!is_piece) text.remove_suffix(1);
  std::string message;
  msgpack::put_array(message, 4);
  msgpack::put_text(message, plan.setting("tag"));
  put_time(message, entry.time, plan.setting("sub_second") == "true");
  size_t pairs = 4 + plan.attributes.size() + (is_piece ? 1 : 0);
  msgpack::put_map(message, static_cast<uint32_t>(pairs));
  auto put_pair = [&message](std::string_view name, std::string_view value) {
    msgpack::put_text(message, name);
    msgpack::put_text(message, value);
  };
  put_pair("container_id", plan.setting("container_id"));
  put_pair("container_name", plan.setting("container_name"));
  put_pair("source", name_of(entry.stream));
  put_pair("log", text);
  if (is_piece) put_pair("partial_message", "true");
  for (const auto& [name, value] : plan.attributes) put_pair(name, value);
  msgpack::put_map(message, chunk.empty() ? 0 : 1);
  if (!chunk.empty()) put_pair("chunk", chunk);
  return message;
}

std::string forward_ack_of(const std::string& chunk) {
  std::string answer;
  msgpack::put_map(answer, 1);
  msgpack::put_text(answer, "ack");
  msgpack::put_text(answer, chunk);
  return answer;
}

Result<std::unique_ptr<LogDriver>> make_fluentd_driver(const LogPlan& plan, LogEnd end, Env env) {
  LogRetries retries;
  retries.wait = milliseconds_setting(plan, "retry_wait_ms", 1000);
  retries.max = parse_u64(plan.setting("max_retries")).value_or(UINT64_MAX);
  retries.write_timeout = milliseconds_setting(plan, "write_timeout_ms", 0);
  LogConnection connection(plan.receiver, retries, end);
  bool is_async = plan.setting("async") == "true";
  auto opened = connection.open();
  if (!opened && !is_async) return tl::unexpected<Error>(std::move(opened).error());
  return std::unique_ptr<LogDriver>(
      std::make_unique<FluentdDriver>(plan, std::move(connection), env));
}

}  // namespace berth::runtime
