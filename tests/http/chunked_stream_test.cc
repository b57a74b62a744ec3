#include "http/chunked_stream.h"

#include "sys/clock.h"
#include "sys/tcp.h"

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>

namespace berth::http {
namespace {

class ChunkedStreamTest : public testing::Test {
 protected:
  void SetUp() override {
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
    peer_ = sys::Fd(ends[1]);
    stream_ = ChunkedStream::serve(sys::Fd(ends[0]), *loop_, [this] {
                has_ended_ = true;
                stream_.reset();  // as owners do
                if (!peer_) loop_->stop();
              }).value();
  }
  // All that comes until the end of the connection.
  void read_to_the_end() {
    ASSERT_TRUE(loop_->watch(peer_.get(), EPOLLIN, [this](uint32_t) {
      std::array<char, 65536> chunk{};
      auto moved = sys::receive_some(peer_.get(), chunk.data(), chunk.size());
      if (!moved || moved->ended) return loop_->stop();
      got_.append(chunk.data(), moved->bytes);
    }));
    ASSERT_TRUE(loop_->run());
    loop_->unwatch(peer_.get());
  }

  sys::SystemClock clock_;
  std::unique_ptr<sys::Loop> loop_ = std::move(*sys::Loop::make(clock_));
  sys::Fd peer_;
  bool has_ended_ = false;
  std::string got_;
  std::unique_ptr<ChunkedStream> stream_;
};

TEST_F(ChunkedStreamTest, WhatIsSentComesAsChunksAndAnEnd) {
  stream_->send("one");
  stream_->send("");
  stream_->send(std::string(26, 'x'));
  stream_->close();
  stream_->send("too late");
  read_to_the_end();
  EXPECT_EQ(got_, "3\r\none\r\n1a\r\n" + std::string(26, 'x') + "\r\n0\r\n\r\n");
  EXPECT_TRUE(has_ended_);
}

TEST_F(ChunkedStreamTest, APeerMayTakeItsTime) {
  std::string much(4 * 1024 * 1024, 'y');
  stream_->send(much);
  EXPECT_GT(stream_->waiting(), much.size());
  loop_->post([this] { stream_->close(); });
  read_to_the_end();
  EXPECT_EQ(got_, "400000\r\n" + much + "\r\n0\r\n\r\n");
}

TEST_F(ChunkedStreamTest, APeerThatHasGoneEndsIt) {
  peer_.reset();
  ASSERT_TRUE(loop_->run());
  EXPECT_TRUE(has_ended_);
}

TEST(StreamHead, HasNoLength) {
  EXPECT_EQ(render_stream_head({.content_type = "a/b", .headers = {{"X", "y"}}}),
            "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nX: y\r\nTransfer-Encoding: chunked\r\n"
            "Connection: close\r\n\r\n");
}

}  // namespace
}  // namespace berth::http
