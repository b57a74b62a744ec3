// DataChannel: a session of Session Manager, as the agent's side of it speaks with
// session-manager-plugin: pure. Messages go in, what they mean and what is to be sent come out.
//
//   plugin                            us
//   {"TokenValue": ...}  (text)  ->   is it the session's?
//                                <-   handshake request: which kind of session
//   handshake response           ->
//                                <-   handshake complete
//   keys, size of its terminal   ->   Events
//                                <-   output, channel_closed
//
// Both sides number what they send and acknowledge what they got. The plugin drops output for which
// it is not ready yet and acknowledges nothing then, so the oldest that is not acknowledged is sent
// again after a while.
#pragma once

#include "aws/channel_message.h"
#include "base/env.h"
#include "base/result.h"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace berth::aws {

class DataChannel {
 public:
  struct Opened {};  // the handshake is over
  struct Keys {
    std::string bytes;
  };
  struct Size {
    uint16_t columns = 0;
    uint16_t rows = 0;
  };
  struct Terminated {};  // the user wants an end
  using Event = std::variant<Opened, Keys, Size, Terminated>;

  // Borrows `env`'s; `session_id` is the one that ExecuteCommand answered.
  DataChannel(std::string session_id, Env env);

  // Whether the first, textual message has that token; then the handshake begins.
  bool open(std::string_view message, const std::string& token);
  // Errors: what is no message of the protocol. Repeated messages are acknowledged and mean
  // nothing.
  Result<std::vector<Event>> receive(std::string_view bytes);

  // Once the handshake is over. At most kOutputMax bytes, and only while is_ready().
  void show(std::string bytes);
  bool is_ready() const { return unacknowledged_.size() < kWindow; }
  // Everything that was shown has come.
  bool is_settled() const { return unacknowledged_.empty(); }
  // The end, with a sentence for the user, or "".
  void close(const std::string& why);

  // What is to be sent now, oldest first.
  std::vector<std::string> take_outgoing();
  // Sends the oldest again if it has waited long enough; to be called every kResendInterval.
  void resend();

  static constexpr size_t kOutputMax = 1024;
  static constexpr size_t kWindow = 64;  // messages on their way
  static constexpr Duration kResendInterval = std::chrono::milliseconds(200);

 private:
  struct Sent {
    int64_t sequence = 0;
    std::string bytes;
    Instant at{};
  };
  ChannelMessage make(const char* type, PayloadType payload_type, std::string payload);
  void send_data(PayloadType payload_type, std::string payload);
  void acknowledge(const ChannelMessage& message);
  Status take_acknowledgement(const ChannelMessage& message);
  Result<std::optional<Event>> take_input(const ChannelMessage& message);
  Result<std::optional<Event>> take_handshake(const ChannelMessage& message);

  std::string session_id_;
  Env env_;
  bool is_open_ = false;
  Instant began_{};
  int64_t expected_ = 0;  // of the next input
  int64_t next_ = 0;      // of the next output
  std::deque<Sent> unacknowledged_;
  std::vector<std::string> outgoing_;
};

}  // namespace berth::aws
