// What a client of ExecuteCommand sends: read as it was written, and a session takes it or ends.
#include "aws/data_channel.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/targets.h"

namespace berth::fuzz {

void data_channel(std::string_view text) {
  auto message = aws::parse_channel_message(text);
  if (message) {
    auto again = aws::parse_channel_message(aws::render_channel_message(*message));
    CHECK(again && *again == *message);
  }
  ManualClock clock;
  SeededRng rng(1);
  aws::DataChannel channel("session", Env{clock, rng});
  (void)channel.open(text, "token");
  (void)channel.receive(text);
  // The same as a payload, under a header that is right.
  for (aws::PayloadType type : {aws::PayloadType::kSize, aws::PayloadType::kHandshakeResponse,
                                aws::PayloadType::kFlag, aws::PayloadType::kOutput}) {
    aws::ChannelMessage typed{.type = aws::kInputStreamData,
                              .id = "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
                              .payload_type = type,
                              .payload = std::string(text)};
    (void)channel.receive(aws::render_channel_message(typed));
  }
  channel.resend();
  for (const std::string& bytes : channel.take_outgoing()) {
    CHECK(aws::parse_channel_message(bytes));
  }
}

}  // namespace berth::fuzz
