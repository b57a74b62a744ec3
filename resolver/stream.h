// Streams: questions that come by TCP. Several may come by one connection without waiting for
// answers (glibc sends those for A and AAAA together), and are answered as the answers come.
#pragma once

#include "sys/fd.h"
#include "sys/loop.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace berth::resolver {

constexpr size_t kConnectionsMax = 64;
constexpr size_t kPendingMax = 8;  // questions of one connection at a time: then we read no more
constexpr Duration kConnectionPatience = std::chrono::seconds(10);  // without a word

// What answers a question, now or later, once; "" when there is no answer to give.
using Reply = std::function<void(const std::string& answer)>;

class Streams {
 public:
  using Ask = std::function<void(const std::string& question, Reply reply)>;

  // `loop` is borrowed.
  Streams(sys::Loop& loop, Ask ask);
  Streams(const Streams&) = delete;
  Streams& operator=(const Streams&) = delete;
  ~Streams();

  Status listen(sys::Fd listener);
  bool is_idle() const { return connections_.empty(); }

 private:
  struct Connection;
  void accept(int listener);
  Status adopt(sys::Fd fd);
  Connection* find(uint64_t id);
  void serve(uint64_t id, uint32_t events);
  Status read(Connection& connection);
  void take_questions(uint64_t id);
  void answer(uint64_t id, const std::string& answer);
  void write(uint64_t id);
  void watch_again(uint64_t id);
  void close(uint64_t id);

  sys::Loop& loop_;
  Ask ask_;
  std::vector<sys::Fd> listeners_;
  uint64_t next_id_ = 1;
  std::map<uint64_t, std::unique_ptr<Connection>> connections_;
};

}  // namespace berth::resolver
