// The server turn by turn of its loop, in this thread and by a clock of the test: what happens
// between two turns is decided here, so races come out the same each time.
#include "http/server.h"
#include "sys/file.h"
#include "sys/socket.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>

namespace berth::http {
namespace {

constexpr Duration kTurnPatience = std::chrono::seconds(30);
constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

// One that answers the request's method, path and body.
class ServerTurnsTest : public testing::Test {
 protected:
  ServerTurnsTest() {
    server_ = std::make_unique<Server>(
        *loop_, clock_,
        [](const Request& request, size_t, const Server::Reply& reply) {
          reply({.body = request.method + " " + request.path + " " + request.body + "\n"});
        },
        Limits{.connections = 2, .patience = kTurnPatience});
    EXPECT_TRUE(server_->listen(sys::listen_stream(path_).value()));
  }

  sys::Fd connect() { return sys::connect_stream(path_).value(); }

  // What is ready is handled, once.
  void turn() {
    loop_->post([this] { loop_->post([this] { loop_->stop(); }); });
    ASSERT_TRUE(loop_->run());
  }
  void turns() {
    for (int i = 0; i < 20; ++i) turn();
  }

  struct Heard {
    std::string text;
    int ended = 0;  // 0: not yet, 1: in order, -1: reset
  };
  // All that the peer has said by now.
  Heard hear(const sys::Fd& from) {
    turns();
    Heard heard;
    char c = 0;
    for (;;) {
      ssize_t count = ::recv(from.get(), &c, 1, MSG_DONTWAIT);
      if (count == 1) {
        heard.text += c;
        continue;
      }
      if (count == 0) heard.ended = 1;
      if (count < 0 && errno != EAGAIN) heard.ended = -1;
      return heard;
    }
  }
  static bool say(const sys::Fd& to, std::string_view text) {
    ssize_t sent = ::send(to.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent == static_cast<ssize_t>(text.size());
  }
  Heard ask(const sys::Fd& of, std::string_view text) {
    EXPECT_TRUE(say(of, text));
    return hear(of);
  }

  sys::TemporaryDirectory directory_ =
      sys::TemporaryDirectory::make("/tmp", "berth-server-").value();
  std::string path_ = directory_.path() + "/socket";
  ManualClock clock_;
  std::unique_ptr<sys::Loop> loop_ = std::move(*sys::Loop::make(clock_));
  std::unique_ptr<Server> server_;
};

bool is_ok(const std::string& text, const std::string& body) {
  return text.starts_with("HTTP/1.1 200 OK\r\n") && text.ends_with("\r\n\r\n" + body + "\n");
}

TEST_F(ServerTurnsTest, WhoseRequestHasComeIsNotTakenForIdle) {
  sys::Fd first = connect();
  sys::Fd second = connect();
  EXPECT_TRUE(is_ok(ask(first, kGet).text, "GET / "));
  EXPECT_TRUE(is_ok(ask(second, kGet).text, "GET / "));
  sys::Fd third = connect();
  turns();  // there is no room
  // The pause is over; before anything is read, the oldest has sent its next request.
  clock_.advance(std::chrono::seconds(2));
  loop_->after(Duration::zero(), [&] { EXPECT_TRUE(say(first, kGet)); });
  Heard heard = hear(first);
  EXPECT_TRUE(is_ok(heard.text, "GET / ")) << heard.text;
  EXPECT_EQ(heard.ended, 0);
  EXPECT_EQ(hear(second).ended, 1) << "the one that had nothing to say gave way";
  EXPECT_TRUE(is_ok(ask(third, kGet).text, "GET / "));
}

TEST_F(ServerTurnsTest, WhoGivesWayIsNotReset) {
  sys::Fd first = connect();
  sys::Fd second = connect();
  ask(first, kGet);
  ask(second, kGet);
  sys::Fd third = connect();
  turns();
  clock_.advance(std::chrono::seconds(2));
  EXPECT_EQ(hear(first).ended, 1);
  // It has not seen that yet.
  EXPECT_EQ(ask(first, kGet).ended, 1);
  EXPECT_TRUE(is_ok(ask(third, kGet).text, "GET / "));
  EXPECT_EQ(server_->connections(), 2u);
  // Nobody is waited for for ever.
  clock_.advance(kDepartureMax + std::chrono::seconds(1));
  turns();
  EXPECT_FALSE(say(first, kGet));
}

TEST_F(ServerTurnsTest, ARefusalIsHeardByWhoIsStillSending) {
  sys::Fd peer = connect();
  std::string large(kBodyMax, 'a');
  EXPECT_TRUE(
      say(peer, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 65537\r\n\r\n" + large + "a"));
  Heard heard = hear(peer);
  EXPECT_TRUE(heard.text.starts_with("HTTP/1.1 413 Content Too Large\r\n")) << heard.text;
  EXPECT_NE(heard.text.find("\r\nConnection: close\r\n"), std::string::npos);
  EXPECT_EQ(heard.ended, 1);
}

TEST_F(ServerTurnsTest, WhoSendsWithoutEndIsCutOff) {
  sys::Fd peer = connect();
  EXPECT_TRUE(say(peer, "no request\r\n\r\n"));
  turns();
  std::string more(16 * 1024, 'a');
  bool is_taken = true;
  for (size_t sent = 0; is_taken && sent <= 4 * kBodyMax; sent += more.size()) {
    is_taken = say(peer, more);
    turns();
  }
  EXPECT_FALSE(is_taken);
}

TEST_F(ServerTurnsTest, WhoDoesNotComeToAnEndIsToldSo) {
  sys::Fd slow = connect();
  EXPECT_TRUE(say(slow, kGet.substr(0, 10)));
  sys::Fd silent = connect();
  turns();
  clock_.advance(kTurnPatience);
  Heard heard = hear(slow);
  EXPECT_TRUE(heard.text.starts_with("HTTP/1.1 408 Request Timeout\r\n")) << heard.text;
  EXPECT_EQ(heard.ended, 1);
  heard = hear(silent);
  EXPECT_EQ(heard.text, "");
  EXPECT_EQ(heard.ended, 1);
}

TEST_F(ServerTurnsTest, ARequestHasItsOwnTime) {
  sys::Fd peer = connect();
  ask(peer, kGet);
  clock_.advance(kTurnPatience - std::chrono::seconds(1));
  EXPECT_EQ(ask(peer, kGet.substr(0, 10)).ended, 0);
  clock_.advance(kTurnPatience - std::chrono::seconds(1));
  EXPECT_TRUE(is_ok(ask(peer, kGet.substr(10)).text, "GET / "));
}

// The last moment of patience, and the request that came in it.
TEST_F(ServerTurnsTest, ARequestThatHasComeIsNotLate) {
  sys::Fd peer = connect();
  ask(peer, kGet);
  EXPECT_TRUE(say(peer, kGet));
  clock_.advance(kTurnPatience);
  EXPECT_TRUE(is_ok(hear(peer).text, "GET / "));
}

TEST_F(ServerTurnsTest, ABodyInChunksIsOneAndTheNextRequestFollows) {
  sys::Fd peer = connect();
  std::string chunked =
      "PUT /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n";
  EXPECT_EQ(ask(peer, chunked).text, "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(ask(peer, "3\r\nab").text, "");
  std::string text = ask(peer, "c\r\n0\r\nT: x\r\n\r\n" + std::string(kGet)).text;
  size_t second = text.find("HTTP/1.1 200", 1);
  ASSERT_NE(second, std::string::npos) << text;
  EXPECT_TRUE(is_ok(text.substr(0, second), "PUT /x abc"));
  EXPECT_TRUE(is_ok(text.substr(second), "GET / "));
}

TEST_F(ServerTurnsTest, NothingBehindASmuggledBodyIsARequest) {
  sys::Fd peer = connect();
  Heard heard = ask(peer,
                    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: "
                    "chunked\r\n\r\n0\r\n\r\n" +
                        std::string(kGet));
  EXPECT_TRUE(heard.text.starts_with("HTTP/1.1 400 ")) << heard.text;
  EXPECT_EQ(heard.text.find("HTTP/1.1", 1), std::string::npos);
  EXPECT_EQ(heard.ended, 1);
}

TEST_F(ServerTurnsTest, AnOldClientIsToldThatItsConnectionIsKept) {
  sys::Fd peer = connect();
  std::string_view kept = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
  for (int i = 0; i < 2; ++i) {
    Heard heard = ask(peer, kept);
    EXPECT_NE(heard.text.find("\r\nConnection: keep-alive\r\n"), std::string::npos) << heard.text;
    EXPECT_EQ(heard.ended, 0);
  }
  EXPECT_EQ(ask(peer, "GET / HTTP/1.0\r\n\r\n").ended, 1);
}

TEST_F(ServerTurnsTest, AProtocolThatNobodySpeaksHereIsNoReasonToRefuse) {
  server_->on_upgrade([](const Request&, size_t) -> tl::expected<Server::Switch, Response> {
    return tl::unexpected(Response{.status = 404});
  });
  std::string upgrade = "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: ";
  EXPECT_TRUE(is_ok(ask(connect(), upgrade + "h2c\r\n\r\n").text, "GET / "));
  EXPECT_TRUE(
      ask(connect(), upgrade + "websocket\r\n\r\n").text.starts_with("HTTP/1.1 404 Not Found"));
}

TEST_F(ServerTurnsTest, OptionsOfAllIsAnsweredForEverybody) {
  sys::Fd peer = connect();
  EXPECT_EQ(ask(peer, "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n").text,
            "HTTP/1.1 200 OK\r\nDate: Tue, 14 Nov 2023 22:13:20 GMT\r\nContent-Length: 0\r\n\r\n");
  EXPECT_TRUE(is_ok(ask(peer, kGet).text, "GET / "));
}

}  // namespace
}  // namespace berth::http
