// The faults that a task has made in the host's own network: its network cannot take them with it
// when it goes, so each is written down before it is made, and the end of the task, or the sweep
// after a crash, removes what is written there.
//
//   <run>/tasks/<task-id>/host-faults      a line each
//     table <name>                         of nftables, inet
//     link <major> <name>                  with a root discipline of that number
//
// What has no end of line was not written whole, so nothing was made of it. The file is locked
// while a fault is made, by the process that makes it and by the nft(8) that it starts: whoever
// removes waits until nobody makes any more.
#pragma once

#include "base/result.h"
#include "sys/fd.h"

#include <cstdint>
#include <string>

namespace berth::agent {

constexpr size_t kHostFaultsMax = 256 * 1024;  // bytes: some thousand faults

class HostFaults {
 public:
  // Takes the lock.
  static Result<HostFaults> open(const std::string& task_directory);

  // What is written already is not written again. kExhausted when there are too many.
  Status write_table(const std::string& table);
  Status write_link(uint16_t major, const std::string& link);
  // Borrowed; whoever has it holds the lock.
  int fd() const { return fd_.get(); }

 private:
  HostFaults(sys::Fd fd, std::string written) : fd_(std::move(fd)), written_(std::move(written)) {}
  Status write(const std::string& line);

  sys::Fd fd_;
  std::string written_;
};

// Removes them all. A task without any is success, and so is what has gone by itself.
Status remove_host_faults(const std::string& task_directory);

}  // namespace berth::agent
