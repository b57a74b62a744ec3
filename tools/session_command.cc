// berth system session: one session of ExecuteCommand. Not for people: berthd starts it with the
// client's connection (tools/exec_sessions.h).
//
//   WebSocket <-> data channel <-> our end of a terminal | its end: `berth exec --tty` in the task
#include "aws/data_channel.h"
#include "base/log.h"
#include "base/text.h"
#include "http/websocket_stream.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/path.h"
#include "sys/spawn.h"
#include "sys/terminal.h"
#include "tools/commands.h"
#include "tools/exec_sessions.h"
#include "tools/session_archive.h"
#include "tools/session_transcript.h"
#include "tools/system_commands.h"

#include <sys/epoll.h>

#include <cerrno>
#include <csignal>
#include <memory>
#include <optional>
#include <utility>

namespace berth::tools {
namespace {

constexpr size_t kSessionRecordMax = 1024 * 1024;
constexpr Duration kTokenPatience = std::chrono::seconds(10);
constexpr Duration kGoodbyePatience = std::chrono::seconds(5);
constexpr Duration kIdlePatience = std::chrono::minutes(20);  // as AWS ends idle sessions
constexpr size_t kTypedMax = 64 * 1024;                       // what the program does not read yet
constexpr sys::WindowSize kFirstSize{.columns = 80, .rows = 24};  // until the client tells its own
constexpr Duration kTranscriptInterval = std::chrono::seconds(5);
constexpr const char* kBroken = "the session broke the rules of its protocol";

class ExecSession {
 public:
  ExecSession(SessionRecord record, const agent::Config& config, sys::Loop& loop, Env env)
      : record_(std::move(record)),
        config_(config),
        loop_(loop),
        env_(env),
        channel_(record_.id, env) {}

  Status run(sys::Fd connection) {
    TRY(loop_.on_signals({SIGTERM, SIGINT, SIGHUP, SIGPIPE}, [this](int signal) {
      if (signal != SIGPIPE) end("the host ends the session");
    }));
    TRY(sys::set_nonblocking(connection.get()));
    stream_ = TRY(http::WebSocketStream::serve(
        std::move(connection), loop_,
        {[this](std::string_view message, bool is_text) { hear(message, is_text); },
         [this] { loop_.stop(); }}));
    token_deadline_ = loop_.after(kTokenPatience, [this] { loop_.stop(); });
    Status served = loop_.run();
    hang_up();
    if (transcript_) check_kept(transcript_->finish());
    if (archive_) check_kept(archive_->finish());
    return served;
  }

 private:
  void hear(std::string_view message, bool is_text) {
    if (is_over_) return;
    if (is_text) return hear_token(message);
    if (!has_token_) return loop_.stop();
    auto events = channel_.receive(message);
    if (!events) {
      LOG(kWarn, "a session broke", {{"id", record_.id}, {"why", events.error().text}});
      return end(kBroken);
    }
    for (const aws::DataChannel::Event& event : *events) {
      std::visit([this](const auto& each) { take(each); }, event);
    }
    flush();
    show_more();  // what was acknowledged makes room
    if (is_finished_ && channel_.is_settled()) end("");
  }

  void hear_token(std::string_view message) {
    if (has_token_ || !channel_.open(message, record_.token)) return loop_.stop();
    has_token_ = true;
    loop_.cancel(token_deadline_);
    resend_later();
    be_busy();
    flush();
  }

  void take(const aws::DataChannel::Opened&) {
    auto started = start();
    if (!started) end("The command cannot be started: " + started.error().text);
  }
  void take(const aws::DataChannel::Keys& keys) {
    be_busy();
    if (typed_.size() + keys.bytes.size() > kTypedMax) return;  // as a terminal that is full
    typed_ += keys.bytes;
    type_more();
  }
  void take(const aws::DataChannel::Size& size) {
    if (!terminal_) return;
    auto sized = sys::set_window_size(terminal_.get(), {size.columns, size.rows});
    if (!sized) LOG(kWarn, "a terminal keeps its size", {{"why", sized.error().text}});
  }
  void take(const aws::DataChannel::Terminated&) { end(""); }

  Status start() {
    if (record_.log) {
      transcript_.emplace(TRY(SessionTranscript::begin(*record_.log, record_.id, env_.clock)));
      keep_more();
    }
    if (record_.archive) {
      archive_.emplace(TRY(SessionArchive::begin(config_, *record_.archive, env_.clock)));
    }
    sys::Terminal terminal = TRY(sys::make_terminal(kFirstSize));
    sys::Program program;
    program.path = record_.command.front();
    program.arguments = record_.command;
    program.descriptors = {
        {terminal.theirs.get(), 0}, {terminal.theirs.get(), 1}, {terminal.theirs.get(), 2}};
    program.new_session = true;
    program.controlling_terminal = 0;
    program.working_directory = "/";
    TRY(sys::spawn(program));
    terminal_ = std::move(terminal.ours);
    LOG(kInfo, "a session began", {{"id", record_.id}, {"command", join(record_.command, " ")}});
    return watch_terminal();
  }

  // A death costs what was shown since the last time.
  void keep_more() {
    loop_.after(kTranscriptInterval, [this] {
      check_kept(transcript_->flush());
      keep_more();
    });
  }
  static void check_kept(const Status& kept) {
    if (!kept) LOG(kError, "what a session shows is not kept", {{"why", kept.error().text}});
  }

  Status watch_terminal() {
    uint32_t wanted = (channel_.is_ready() ? EPOLLIN : 0u) | (typed_.empty() ? 0u : EPOLLOUT);
    // Of a terminal that nobody has open any more epoll(7) tells without being asked, for ever.
    if (wanted == 0) {
      loop_.unwatch(terminal_.get());
      return {};
    }
    return loop_.watch(terminal_.get(), wanted, [this](uint32_t) {
      type_more();
      show_more();
    });
  }
  void watch_again() {
    if (!terminal_ || is_over_) return;
    auto watched = watch_terminal();
    if (!watched) end(watched.error().text);
  }

  void type_more() {
    if (!terminal_ || typed_.empty()) return;
    auto taken = sys::write_some(terminal_.get(), typed_);
    bool waits = !taken && taken.error().errno_value == EAGAIN;
    if (!waits) typed_.erase(0, taken.value_or(typed_.size()));  // nobody reads what is left
    watch_again();
  }

  // Until the terminal has no more, or too much is on its way to the client.
  void show_more() {
    if (!terminal_ || is_over_) return;
    while (channel_.is_ready()) {
      std::string bytes(aws::DataChannel::kOutputMax, '\0');
      auto got = sys::read_some(terminal_.get(), bytes.data(), bytes.size());
      if (!got && got.error().errno_value == EAGAIN) break;
      if (!got || *got == 0) return finish();
      bytes.resize(*got);
      if (transcript_) check_kept(transcript_->add(bytes));
      if (archive_) archive_->add(bytes);
      channel_.show(std::move(bytes));
      be_busy();
    }
    flush();
    watch_again();
  }

  void flush() {
    for (const std::string& message : channel_.take_outgoing()) stream_->send(message);
  }

  void resend_later() {
    loop_.after(aws::DataChannel::kResendInterval, [this] {
      if (is_over_) return;
      channel_.resend();
      flush();
      resend_later();
    });
  }

  void be_busy() {
    loop_.cancel(idle_);
    idle_ = loop_.after(kIdlePatience, [this] { end("the session was idle for 20 minutes"); });
  }

  // A terminal that is open nowhere else gives EIO: the program and all that it left behind have
  // gone. The client is told once it has seen everything.
  void finish() {
    hang_up();
    flush();
    is_finished_ = true;
    if (channel_.is_settled()) return end("");
    loop_.after(kGoodbyePatience, [this] { end(""); });
  }

  // What was shown goes before the end; a client that does not take it waits no longer than we do.
  void end(const std::string& why) {
    if (std::exchange(is_over_, true)) return;
    LOG(kInfo, "a session ends", {{"id", record_.id}, {"why", why}});
    loop_.cancel(idle_);
    hang_up();
    channel_.close(why);
    flush();
    stream_->close();
    loop_.after(kGoodbyePatience, [this] { loop_.stop(); });
  }

  // Whatever runs on the terminal gets SIGHUP.
  void hang_up() {
    if (!terminal_) return;
    loop_.unwatch(terminal_.get());
    terminal_.reset();
  }

  SessionRecord record_;
  const agent::Config& config_;
  sys::Loop& loop_;
  Env env_;
  aws::DataChannel channel_;
  std::optional<SessionTranscript> transcript_;
  std::optional<SessionArchive> archive_;
  std::unique_ptr<http::WebSocketStream> stream_;
  bool has_token_ = false;
  bool is_finished_ = false;  // the program
  bool is_over_ = false;      // the session
  sys::Loop::TimerId token_deadline_ = 0;
  sys::Loop::TimerId idle_ = 0;
  sys::Fd terminal_;
  std::string typed_;
};

Status serve_session(const agent::Config& config) {
  SessionRecord record = TRY(parse_session_record(
      TRY(sys::read_file(sys::proc_path(kSessionRecordFd), kSessionRecordMax))));
  TRY(sys::set_cloexec(kSessionConnectionFd));
  sys::SystemClock clock;
  sys::SystemRng rng;
  auto loop = TRY(sys::Loop::make(clock));
  return ExecSession(std::move(record), config, *loop, Env{clock, rng})
      .run(sys::Fd(kSessionConnectionFd));
}

}  // namespace

int session_command(const agent::Config& config) {
  return exit_code(serve_session(config));
}

}  // namespace berth::tools
