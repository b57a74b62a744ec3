// Messages against bytes written down from the plugin's source, and a session with a plugin that
// loses, repeats and reorders.
#include "aws/data_channel.h"

#include "aws/hash.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace berth::aws {
namespace {

using Sent = nlohmann::json;
using testing::HasSubstr;

const std::string kToken = "secret";
const std::string kTokenMessage = R"({"MessageSchemaVersion": "1.0", "TokenValue": "secret"})";

ChannelMessage typed(int64_t sequence, PayloadType type, std::string payload) {
  return {.type = kInputStreamData,
          .created_ms = 1700000000000,
          .sequence = sequence,
          .id = "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
          .payload_type = type,
          .payload = std::move(payload)};
}

class Session : public testing::Test {
 protected:
  // What is sent, parsed.
  std::vector<ChannelMessage> sent() {
    std::vector<ChannelMessage> messages;
    for (const std::string& bytes : channel_.take_outgoing()) {
      messages.push_back(parse_channel_message(bytes).value());
    }
    return messages;
  }
  std::vector<DataChannel::Event> tell(const ChannelMessage& message) {
    auto events = channel_.receive(render_channel_message(message));
    EXPECT_TRUE(events) << events.error().text;
    return events.value_or(std::vector<DataChannel::Event>{});
  }
  void acknowledge(const ChannelMessage& message) {
    ChannelMessage answer = typed(0, PayloadType::kNone, "");
    answer.type = kAcknowledge;
    answer.payload = Sent({{"AcknowledgedMessageType", message.type},
                           {"AcknowledgedMessageId", message.id},
                           {"AcknowledgedMessageSequenceNumber", message.sequence},
                           {"IsSequentialMessage", true}})
                         .dump();
    tell(answer);
  }
  void shake_hands() {
    ASSERT_TRUE(channel_.open(kTokenMessage, kToken));
    auto request = sent();
    ASSERT_EQ(request.size(), 1u);
    acknowledge(request[0]);
    auto events = tell(typed(0, PayloadType::kHandshakeResponse, R"({"ClientVersion": "1.2"})"));
    ASSERT_EQ(events.size(), 1u);
    EXPECT_TRUE(std::holds_alternative<DataChannel::Opened>(events[0]));
    auto complete = sent();
    ASSERT_EQ(complete.size(), 2u);
    acknowledge(complete[0]);
  }

  ManualClock clock_;
  SeededRng rng_{1};
  DataChannel channel_{"ecs-execute-command-1", Env{clock_, rng_}};
};

TEST(ChannelMessage, IsTheBytesOfThePlugin) {
  std::string bytes = render_channel_message(typed(258, PayloadType::kSize, "{}"));
  ASSERT_EQ(bytes.size(), 122u);
  EXPECT_EQ(bytes.substr(0, 4), std::string("\0\0\0t", 4));
  EXPECT_EQ(bytes.substr(4, 32), "input_stream_data               ");
  EXPECT_EQ(bytes.substr(36, 4), std::string("\0\0\0\1", 4));
  EXPECT_EQ(bytes.substr(40, 8), std::string("\0\0\x01\x8b\xcf\xe5\x68\0", 8));
  EXPECT_EQ(bytes.substr(48, 8), std::string("\0\0\0\0\0\0\1\2", 8));
  // The less significant half of the UUID comes first.
  EXPECT_EQ(bytes.substr(64, 8), std::string("\x80\xb4\x00\xc0\x4f\xd4\x30\xc8", 8));
  EXPECT_EQ(bytes.substr(72, 8), std::string("\x6b\xa7\xb8\x10\x9d\xad\x11\xd1", 8));
  EXPECT_EQ(bytes.substr(112, 4), std::string("\0\0\0\3", 4));
  EXPECT_EQ(bytes.substr(116, 4), std::string("\0\0\0\2", 4));
  EXPECT_EQ(parse_channel_message(bytes).value(), typed(258, PayloadType::kSize, "{}"));
}

TEST(ChannelMessage, IsRefusedWhenItIsDamaged) {
  std::string bytes = render_channel_message(typed(0, PayloadType::kOutput, "abc"));
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(parse_channel_message(bytes.substr(0, size))) << size;
  }
  std::string other = bytes;
  other.back() = 'x';
  EXPECT_THAT(parse_channel_message(other).error().text, HasSubstr("SHA-256"));
  other = bytes;
  other[119] = 9;
  EXPECT_THAT(parse_channel_message(other).error().text, HasSubstr("says it has 9"));
}

TEST_F(Session, BeginsWithTheTokenOnly) {
  EXPECT_FALSE(channel_.open(R"({"TokenValue": "guess"})", kToken));
  EXPECT_FALSE(channel_.open("{}", kToken));
  EXPECT_FALSE(channel_.open("\x01", kToken));
  EXPECT_TRUE(sent().empty());
  ASSERT_TRUE(channel_.open(kTokenMessage, kToken));
  auto messages = sent();
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(messages[0].payload_type, PayloadType::kHandshakeRequest);
  Sent request = Sent::parse(messages[0].payload);
  EXPECT_EQ(request["RequestedClientActions"][0]["ActionParameters"]["SessionType"],
            "InteractiveCommands");
}

TEST_F(Session, CarriesKeysSizesAndOutputInOrder) {
  shake_hands();
  auto keys = tell(typed(1, PayloadType::kOutput, "ls\r"));
  ASSERT_EQ(keys.size(), 1u);
  EXPECT_EQ(std::get<DataChannel::Keys>(keys[0]).bytes, "ls\r");
  EXPECT_EQ(sent().size(), 1u);                                       // the acknowledgement
  EXPECT_TRUE(tell(typed(1, PayloadType::kOutput, "ls\r")).empty());  // again: acknowledged only
  EXPECT_EQ(sent().size(), 1u);
  EXPECT_TRUE(tell(typed(3, PayloadType::kOutput, "late")).empty());  // one is missing
  EXPECT_TRUE(sent().empty());
  auto size = tell(typed(2, PayloadType::kSize, R"({"cols": 132, "rows": 70000})"));
  EXPECT_EQ(std::get<DataChannel::Size>(size[0]).columns, 132);
  EXPECT_EQ(std::get<DataChannel::Size>(size[0]).rows, 10000);
  auto end = tell(typed(3, PayloadType::kFlag, std::string("\0\0\0\2", 4)));
  EXPECT_TRUE(std::holds_alternative<DataChannel::Terminated>(end[0]));
  sent();
  channel_.show("one");
  channel_.show("two");
  auto shown = sent();
  ASSERT_EQ(shown.size(), 2u);
  EXPECT_EQ(shown[0].sequence + 1, shown[1].sequence);
  EXPECT_EQ(shown[1].payload, "two");
}

TEST_F(Session, SendsAgainWhatIsNotAcknowledgedAndWaitsForTheRest) {
  shake_hands();
  EXPECT_TRUE(channel_.is_ready());
  while (channel_.is_ready()) channel_.show("x");
  auto shown = sent();  // with the handshake's end: a window
  channel_.resend();
  EXPECT_TRUE(sent().empty());  // not yet
  clock_.advance(DataChannel::kResendInterval);
  channel_.resend();
  auto again = sent();
  ASSERT_EQ(again.size(), 1u);
  for (const ChannelMessage& message : shown) acknowledge(message);
  acknowledge(again[0]);
  EXPECT_TRUE(channel_.is_ready());
  clock_.advance(DataChannel::kResendInterval);
  channel_.resend();
  EXPECT_TRUE(sent().empty());
  channel_.close("over");
  auto closed = sent();
  EXPECT_EQ(closed[0].type, kChannelClosed);
  EXPECT_EQ(Sent::parse(closed[0].payload)["Output"], "over");
}

TEST_F(Session, EndsWithAPluginThatCannot) {
  ASSERT_TRUE(channel_.open(kTokenMessage, kToken));
  auto refused = channel_.receive(render_channel_message(
      typed(0, PayloadType::kHandshakeResponse, R"({"Errors": ["Unknown session type"]})")));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().text, HasSubstr("Unknown session type"));
  EXPECT_FALSE(channel_.receive("garbage"));
}

}  // namespace
}  // namespace berth::aws
