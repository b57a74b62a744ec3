#include "runtime/log_gelf.h"

#include "base/text.h"
#include "runtime/gzip.h"
#include "runtime/log_connection.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace berth::runtime {
namespace {

using GelfJson = nlohmann::ordered_json;

constexpr int kGelfError = 3;  // syslog's severities
constexpr int kGelfInfo = 6;
constexpr std::string_view kChunkMagic = "\x1e\x0f";
constexpr size_t kChunkHeader = 12;  // the magic, the message's id, the number, how many
constexpr size_t kChunkData = kGelfChunkMax - kChunkHeader;
constexpr uint64_t kReconnects = 3;  // Docker's, and each after
constexpr uint64_t kReconnectDelayMs = 1000;

bool is_empty_line(const LogEntry& entry) {
  return entry.text.empty() || entry.text == "\n";
}

// Docker's: a connection is made again so often, after the same time each. Over UDP an error tells
// of the datagram before, and the socket is good for the next.
LogRetries retries_of(const LogPlan& plan) {
  if (plan.receiver.transport == sys::Transport::kUdp) {
    return {.wait = std::chrono::milliseconds(0), .max = 1};
  }
  std::chrono::milliseconds delay(
      parse_u64(plan.setting("reconnect_delay_ms")).value_or(kReconnectDelayMs));
  return {.wait = delay,
          .max = parse_u64(plan.setting("max_reconnect")).value_or(kReconnects),
          .longest_wait = delay};
}

class GelfDriver final : public LogDriver {
 public:
  GelfDriver(LogPlan plan, LogConnection connection, Env env)
      : plan_(std::move(plan)), connection_(std::move(connection)), env_(env) {}

  // The specification wants a short_message that says something: empty lines are left out, as by
  // Docker.
  Status write(std::vector<LogEntry> entries) override {
    Status all;
    for (const LogEntry& entry : entries) {
      auto sent = is_empty_line(entry) ? Status() : send(render_gelf(plan_, entry));
      if (!sent) all = std::move(sent);
    }
    return all;
  }

 private:
  Status send(std::string message) {
    if (plan_.receiver.transport == sys::Transport::kTcp) {
      message += '\0';
      return connection_.send(message, "");
    }
    std::string packed = TRY(pack(std::move(message)));
    for (const std::string& datagram : TRY(gelf_datagrams(std::move(packed), env_.rng.next()))) {
      TRY(connection_.send(datagram, ""));
    }
    return {};
  }

  Result<std::string> pack(std::string message) const {
    std::string form = plan_.setting("compression");
    if (form == "none") return message;
    int level = static_cast<int>(parse_i64(plan_.setting("compression_level")).value_or(1));
    return compress(std::move(message), {form == "zlib" ? ZipForm::kZlib : ZipForm::kGzip, level});
  }

  LogPlan plan_;
  LogConnection connection_;
  Env env_;
};

}  // namespace

std::string render_gelf(const LogPlan& plan, const LogEntry& entry) {
  std::string_view text = entry.text;
  if (text.ends_with('\n')) text.remove_suffix(1);
  std::map<std::string, std::string> fields;
  for (const auto& [name, value] : plan.settings) {
    if (name.starts_with('_')) fields[name] = value;
  }
  for (const auto& [name, value] : plan.attributes) {
    fields[name.starts_with('_') ? name : "_" + name] = value;
  }
  int64_t ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(entry.time.time_since_epoch()).count();
  GelfJson message = {{"version", "1.1"},
                      {"host", plan.setting("hostname")},
                      {"short_message", text},
                      {"timestamp", static_cast<double>(ms) / 1000},
                      {"level", entry.stream == LogStream::kStdout ? kGelfInfo : kGelfError}};
  for (const auto& [name, value] : fields) message[name] = value;
  return message.dump(-1, ' ', false, GelfJson::error_handler_t::replace);
}

Result<std::vector<std::string>> gelf_datagrams(std::string message, uint64_t id) {
  std::vector<std::string> datagrams;
  if (message.size() <= kGelfChunkMax) {
    datagrams.push_back(std::move(message));
    return datagrams;
  }
  size_t count = (message.size() + kChunkData - 1) / kChunkData;
  if (count > kGelfChunksMax) {
    return fail(Errc::kInvalid,
                "a message of GELF over UDP has at most {} chunks; this would have {}",
                kGelfChunksMax, count);
  }
  for (size_t i = 0; i < count; ++i) {
    std::string datagram(kChunkMagic);
    for (int shift = 56; shift >= 0; shift -= 8) datagram += static_cast<char>(id >> shift);
    datagram += static_cast<char>(i);
    datagram += static_cast<char>(count);
    datagrams.push_back(datagram + message.substr(i * kChunkData, kChunkData));
  }
  return datagrams;
}

Result<std::unique_ptr<LogDriver>> make_gelf_driver(const LogPlan& plan, LogEnd end, Env env) {
  LogConnection connection(plan.receiver, retries_of(plan), end);
  TRY(connection.open());
  return std::unique_ptr<LogDriver>(std::make_unique<GelfDriver>(plan, std::move(connection), env));
}

}  // namespace berth::runtime
