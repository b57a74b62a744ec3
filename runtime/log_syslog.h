// The syslog driver: RFC 3164 and RFC 5424 messages, as Docker's sends them, over UDP, TCP or a
// unix socket. Standard output has severity info, standard error err. On a stream each message is a
// line.
#pragma once

#include "runtime/log_driver.h"

#include <memory>
#include <string>

namespace berth::runtime {

// The formats of syslog-format; kUnix is for the socket of this host and when none is asked for.
enum class SyslogFormat { kUnix, kRfc3164, kRfc5424, kRfc5424Micro };

struct SyslogHeader {
  SyslogFormat format = SyslogFormat::kUnix;
  int facility = 3;  // daemon
  std::string hostname;
  std::string tag;
  int pid = 0;  // of whoever sends
};
// The message without what ends it.
std::string render_syslog(const SyslogHeader& header, const LogEntry& entry);

Result<std::unique_ptr<LogDriver>> make_syslog_driver(const LogPlan& plan, LogEnd end);

}  // namespace berth::runtime
