// The two ends of `berth run --detach`: who typed it, and the keeper, a `berth run` of its own
// session that looks after the task until it stops. Should the keeper die, the task goes on; what
// it leaves is swept when it has stopped.
#pragma once

#include "base/result.h"
#include "sys/fd.h"
#include "sys/loop.h"
#include "tools/commands.h"

#include <functional>
#include <string>

namespace berth::tools {

// Starts the keeper of `options` and waits until the task runs: prints its id and returns 0. When
// it does not come to run, the keeper has said why, and its exit code is returned.
Result<int> start_keeper(const RunOptions& options);

// The keeper's way to say that the task runs. Until then the standard error is that of who typed
// the command; afterwards nobody listens.
class KeeperReport {
 public:
  // `fd` is kKeeperReportFd, and becomes ours; -1: we keep nothing. `lost` is called when the other
  // end goes away before the report: nobody would know of the task.
  KeeperReport(int fd, sys::Loop& loop, std::function<void()> lost);
  KeeperReport(const KeeperReport&) = delete;
  KeeperReport& operator=(const KeeperReport&) = delete;
  ~KeeperReport();

  bool is_due() const { return static_cast<bool>(fd_); }
  Status tell(const std::string& task_id);

 private:
  sys::Fd fd_;
  sys::Loop& loop_;
};

}  // namespace berth::tools
