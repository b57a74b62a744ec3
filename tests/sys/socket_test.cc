#include "sys/socket.h"

#include "sys/endpoint.h"
#include "sys/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace berth {
namespace {

TEST(Socket, MessagesCarryDescriptors) {
  auto pair = sys::make_socket_pair();
  auto pipe = sys::make_pipe();
  ASSERT_TRUE(sys::send_message(pair->ours.get(), "hello", {pipe->write.get()}).has_value());
  auto message = sys::receive_message(pair->theirs.get());
  ASSERT_TRUE(message.has_value());
  EXPECT_EQ(message->bytes, "hello");
  ASSERT_EQ(message->fds.size(), 1u);
  ASSERT_TRUE(sys::write_all(message->fds[0].get(), "through").has_value());
  message->fds.clear();
  pipe->write.reset();
  EXPECT_EQ(sys::read_all(pipe->read.get(), 100).value(), "through");
}

TEST(Socket, APeerThatIsGoneIsEndOfFileAndUnavailable) {
  auto pair = sys::make_socket_pair();
  pair->theirs.reset();
  EXPECT_EQ(sys::receive_message(pair->ours.get())->bytes, "");
  EXPECT_EQ(sys::send_message(pair->ours.get(), "x", {}).error().code, Errc::kUnavailable);
}

TEST(Socket, TheLastWordsOfAPeerThatReadNothingAreHeard) {
  auto pair = sys::make_socket_pair();
  ASSERT_TRUE(sys::send_message(pair->ours.get(), "unread", {}).has_value());
  ASSERT_TRUE(sys::send_message(pair->theirs.get(), "last words", {}).has_value());
  pair->theirs.reset();
  EXPECT_EQ(sys::receive_message(pair->ours.get())->bytes, "last words");
  EXPECT_EQ(sys::receive_message(pair->ours.get())->bytes, "");
}

TEST(Socket, APrivateOneIsOpenToItsOwnerAlone) {
  auto directory = sys::TemporaryDirectory::make(testing::TempDir(), "berth-private-");
  std::string path = directory->path() + "/s";
  mode_t before = ::umask(0);
  auto listener = sys::listen_private_stream(path);
  ::umask(before);
  ASSERT_TRUE(listener) << listener.error().text;
  EXPECT_EQ(sys::stat(path)->st_mode & 07777, 0600u);
  EXPECT_TRUE(sys::connect_stream(path).has_value());
}

// A name of its own, relative to the working directory: paths of temporary directories may be
// longer than that of a socket can be.
TEST(Endpoint, AForeignSocketIsReachedByAnyPathAndNoLinkIsFollowed) {
  auto directory = sys::TemporaryDirectory::make(testing::TempDir(), "berth-endpoint-");
  std::string deep = directory->path() + "/" + std::string(120, 'd');
  ASSERT_TRUE(sys::make_directories(deep, 0700));
  sys::Fd at(::open(deep.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  sys::Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::string path = "/proc/self/fd/" + std::to_string(at.get()) + "/real";
  path.copy(name.sun_path, sizeof(name.sun_path) - 1);
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&name), sizeof(name)), 0);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  ASSERT_EQ(::symlinkat("real", at.get(), "link"), 0);
  ASSERT_TRUE(sys::write_replace(deep + "/file", "", 0600));
  auto connect = [&](const std::string& file) {
    return sys::connect_endpoint({sys::Transport::kForeignUnixStream, deep + "/" + file},
                                 std::chrono::milliseconds(100));
  };
  auto reached = connect("real");
  EXPECT_TRUE(reached) << reached.error().text;
  EXPECT_FALSE(connect("link"));
  EXPECT_FALSE(connect("file"));
  EXPECT_FALSE(connect("gone"));
}

TEST(Socket, MessagesHaveALimit) {
  auto pair = sys::make_socket_pair();
  EXPECT_TRUE(
      sys::send_message(pair->ours.get(), std::string(sys::kMessageMax, 'x'), {}).has_value());
  EXPECT_EQ(
      sys::send_message(pair->ours.get(), std::string(sys::kMessageMax + 1, 'x'), {}).error().code,
      Errc::kInvalid);
}

TEST(Socket, LongPathsGoThroughTheDirectory) {
  auto directory = sys::TemporaryDirectory::make(testing::TempDir(), "berth-socket-");
  std::string deep = directory->path() + "/" + std::string(120, 'd');
  ASSERT_TRUE(sys::make_directories(deep, 0755).has_value());
  auto listener = sys::listen_unix(deep + "/s.sock");
  ASSERT_TRUE(listener.has_value()) << listener.error().text;
  auto client = sys::connect_unix(deep + "/s.sock");
  ASSERT_TRUE(client.has_value()) << client.error().text;
  EXPECT_TRUE(sys::accept_unix(listener->get()).has_value());
}

}  // namespace
}  // namespace berth
