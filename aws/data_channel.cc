#include "aws/data_channel.h"

#include "aws/hash.h"
#include "base/check.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/text.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace berth::aws {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kAgentVersion = "3.3.0.0";  // one that knows all that we speak
constexpr const char* kSessionType = "InteractiveCommands";
constexpr uint64_t kFirstAndLast = 3;
constexpr size_t kFlagSize = 4;
constexpr char kTerminateSession = 2;
constexpr int64_t kWindowSizeMax = 10000;  // columns or rows

uint64_t milliseconds_of(WallTime time) {
  auto since = time.time_since_epoch();
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(since).count());
}

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<uint16_t> size_of(const json::Node& root, std::string_view name) {
  int64_t value = TRY(root.i64_at(name));
  return static_cast<uint16_t>(std::clamp<int64_t>(value, 1, kWindowSizeMax));
}

}  // namespace

DataChannel::DataChannel(std::string session_id, Env env)
    : session_id_(std::move(session_id)), env_(env) {}

bool DataChannel::open(std::string_view message, const std::string& token) {
  auto document = json::Document::parse(message, {.name = "token"});
  if (!document) return false;
  auto shown = document->root().string_at("TokenValue");
  if (!shown || !is_same_secret(*shown, token)) return false;
  began_ = env_.clock.now();
  Json action = {
      {"ActionType", "SessionType"},
      {"ActionParameters", {{"SessionType", kSessionType}, {"Properties", Json::object()}}}};
  Json request = {{"AgentVersion", kAgentVersion},
                  {"RequestedClientActions", Json::array({std::move(action)})}};
  send_data(PayloadType::kHandshakeRequest, text_of(request));
  return true;
}

Result<std::vector<DataChannel::Event>> DataChannel::receive(std::string_view bytes) {
  ChannelMessage message = TRY(parse_channel_message(bytes));
  std::vector<Event> events;
  if (message.type == kAcknowledge) {
    TRY(take_acknowledgement(message));
    return events;
  }
  if (message.type != kInputStreamData) {
    return fail(Errc::kInvalid, "a message of type \"{}\"", printable(message.type, 40));
  }
  if (message.sequence > expected_) return events;  // one before it is on its way again
  bool is_new = message.sequence == expected_;
  if (is_new) {
    auto event = TRY(take_input(message));
    if (event) events.push_back(std::move(*event));
    ++expected_;
  }
  acknowledge(message);
  return events;
}

Result<std::optional<DataChannel::Event>> DataChannel::take_input(const ChannelMessage& message) {
  switch (message.payload_type) {
    case PayloadType::kHandshakeResponse:
      return take_handshake(message);
    case PayloadType::kOutput:
      return Event(Keys{message.payload});
    case PayloadType::kSize: {
      auto document = TRY(json::Document::parse(message.payload, {.name = "size"}));
      Size size;
      size.columns = TRY(size_of(document.root(), "cols"));
      size.rows = TRY(size_of(document.root(), "rows"));
      return Event(size);
    }
    case PayloadType::kFlag: {
      bool ends =
          message.payload.size() == kFlagSize && message.payload.back() == kTerminateSession;
      return ends ? std::optional<Event>(Terminated{}) : std::nullopt;
    }
    default:
      return std::optional<Event>();  // of a later plugin
  }
}

Result<std::optional<DataChannel::Event>> DataChannel::take_handshake(
    const ChannelMessage& message) {
  auto document = TRY(json::Document::parse(message.payload, {.name = "handshake response"}));
  std::vector<std::string> errors = TRY(document.root().find_strings("Errors"));
  if (!errors.empty()) {
    return fail(Errc::kUnsupported, "the plugin does not know this kind of session: {}",
                printable(errors.front(), 200));
  }
  if (std::exchange(is_open_, true)) return std::optional<Event>();
  auto took = std::chrono::duration_cast<std::chrono::nanoseconds>(env_.clock.now() - began_);
  Json complete = {{"HandshakeTimeToComplete", took.count()}, {"CustomerMessage", ""}};
  send_data(PayloadType::kHandshakeComplete, text_of(complete));
  return Event(Opened{});
}

Status DataChannel::take_acknowledgement(const ChannelMessage& message) {
  auto document = TRY(json::Document::parse(message.payload, {.name = "acknowledgement"}));
  int64_t sequence = TRY(document.root().i64_at("AcknowledgedMessageSequenceNumber"));
  std::erase_if(unacknowledged_, [&](const Sent& sent) { return sent.sequence == sequence; });
  return {};
}

void DataChannel::show(std::string bytes) {
  CHECK(is_open_ && bytes.size() <= kOutputMax);
  send_data(PayloadType::kOutput, std::move(bytes));
}

void DataChannel::close(const std::string& why) {
  uint64_t now = milliseconds_of(env_.clock.wall());
  ChannelMessage message = make(kChannelClosed, PayloadType::kNone, "");
  Json closed = {{"MessageId", message.id},
                 {"CreatedDate", std::to_string(now)},
                 {"DestinationId", ""},
                 {"SessionId", session_id_},
                 {"MessageType", kChannelClosed},
                 {"SchemaVersion", 1},
                 {"Output", why}};
  message.payload = text_of(closed);
  message.flags = kFirstAndLast;
  outgoing_.push_back(render_channel_message(message));
}

std::vector<std::string> DataChannel::take_outgoing() {
  return std::exchange(outgoing_, {});
}

void DataChannel::resend() {
  if (unacknowledged_.empty()) return;
  Sent& oldest = unacknowledged_.front();
  Instant now = env_.clock.now();
  if (now - oldest.at < kResendInterval) return;
  oldest.at = now;
  outgoing_.push_back(oldest.bytes);
}

ChannelMessage DataChannel::make(const char* type, PayloadType payload_type, std::string payload) {
  ChannelMessage message;
  message.type = type;
  message.created_ms = milliseconds_of(env_.clock.wall());
  message.id = make_uuid(env_.rng);
  message.payload_type = payload_type;
  message.payload = std::move(payload);
  return message;
}

void DataChannel::send_data(PayloadType payload_type, std::string payload) {
  ChannelMessage message = make(kOutputStreamData, payload_type, std::move(payload));
  message.sequence = next_++;
  std::string bytes = render_channel_message(message);
  unacknowledged_.push_back({message.sequence, bytes, env_.clock.now()});
  outgoing_.push_back(std::move(bytes));
}

void DataChannel::acknowledge(const ChannelMessage& message) {
  Json content = {{"AcknowledgedMessageType", message.type},
                  {"AcknowledgedMessageId", message.id},
                  {"AcknowledgedMessageSequenceNumber", message.sequence},
                  {"IsSequentialMessage", true}};
  ChannelMessage answer = make(kAcknowledge, PayloadType::kNone, text_of(content));
  answer.flags = kFirstAndLast;
  outgoing_.push_back(render_channel_message(answer));
}

}  // namespace berth::aws
