#include "http/server.h"

#include "sys/clock.h"
#include "sys/file.h"
#include "sys/socket.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <future>
#include <thread>

namespace berth::http {
namespace {

// One that answers "ok" to everybody, on a thread of its own; once to "/later" when the test does.
class ServerTest : public testing::Test {
 protected:
  ServerTest() {
    server_ = std::make_unique<Server>(
        *loop_, clock_,
        [this](const Request& request, size_t, const Server::Reply& reply) {
          if (request.path == "/later") return later_.set_value(reply);
          reply({.body = "ok"});
        },
        Limits{.connections = 2, .patience = std::chrono::hours(1)});
    EXPECT_TRUE(server_->listen(sys::listen_stream(path_).value()));
    thread_ = std::thread([this] { EXPECT_TRUE(loop_->run()); });
  }
  ~ServerTest() override {
    loop_->post([this] { loop_->stop(); });
    thread_.join();
  }

  sys::Fd connect() { return sys::connect_stream(path_).value(); }

  sys::TemporaryDirectory directory_ =
      sys::TemporaryDirectory::make("/tmp", "berth-server-").value();
  std::string path_ = directory_.path() + "/socket";
  sys::SystemClock clock_;
  std::unique_ptr<sys::Loop> loop_ = std::move(*sys::Loop::make(clock_));
  std::promise<Server::Reply> later_;
  std::unique_ptr<Server> server_;
  std::thread thread_;
};

void say(const sys::Fd& to, std::string_view text) {
  ASSERT_EQ(::send(to.get(), text.data(), text.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(text.size()));
}

// "" when the peer has closed it.
std::string heard(const sys::Fd& from) {
  std::string bytes;
  char c = 0;
  while (!bytes.ends_with("\r\n\r\nok") && ::recv(from.get(), &c, 1, 0) == 1) bytes += c;
  return bytes;
}

constexpr std::string_view kAsked = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

TEST_F(ServerTest, AKeptConnectionGivesWayToANewOne) {
  sys::Fd first = connect();
  sys::Fd second = connect();
  for (const sys::Fd* each : {&first, &second}) {
    say(*each, kAsked);
    EXPECT_NE(heard(*each), "");
  }
  sys::Fd third = connect();
  say(third, kAsked);
  EXPECT_NE(heard(third), "");
  EXPECT_EQ(heard(first), "") << "the oldest has gone";
  say(second, kAsked);
  EXPECT_NE(heard(second), "");
}

TEST_F(ServerTest, WhoHasBegunToAskIsWaitedFor) {
  sys::Fd slow = connect();
  say(slow, kAsked.substr(0, 10));
  sys::Fd idle = connect();
  say(idle, kAsked);
  EXPECT_NE(heard(idle), "");
  sys::Fd third = connect();
  say(third, kAsked);
  EXPECT_NE(heard(third), "");
  EXPECT_EQ(heard(idle), "");
  say(slow, kAsked.substr(10));
  EXPECT_NE(heard(slow), "");
}

TEST_F(ServerTest, WhatComesBehindTheLastRequestMakesNoResetOfItsAnswer) {
  sys::Fd client = connect();
  say(client, "GET /later HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  Server::Reply reply = later_.get_future().get();
  say(client, "more");
  loop_->post([reply] { reply({.body = "ok"}); });
  EXPECT_NE(heard(client), "");
  char c = 0;
  EXPECT_EQ(::recv(client.get(), &c, 1, 0), 0) << "an end, and no reset";
}

TEST_F(ServerTest, NobodyGivesWayBecauseAnotherHasEnded) {
  auto start = std::chrono::steady_clock::now();
  sys::Fd kept = connect();
  sys::Fd ending = connect();
  for (const sys::Fd* each : {&kept, &ending}) {
    say(*each, kAsked);
    EXPECT_NE(heard(*each), "");
  }
  sys::Fd third = connect();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));  // it has been found to have no room
  ending = sys::Fd();
  say(third, kAsked);
  EXPECT_NE(heard(third), "");
  sys::Fd fourth = connect();
  say(fourth, kAsked);
  EXPECT_NE(heard(fourth), "");
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(900))
      << "who is to give way has a second";
  EXPECT_EQ(heard(kept), "");
  say(third, kAsked);
  EXPECT_NE(heard(third), "");
}

}  // namespace
}  // namespace berth::http
