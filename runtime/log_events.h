// The driver of awslogs: events for a log stream that is kept here (logs/log_store.h), records
// like those of the json-file log, one an event. With a pattern for the beginning of an event, the
// lines up to the next beginning are one event, each of the two streams for itself, with the time
// of its first line.
#pragma once

#include "runtime/log_driver.h"

#include <memory>

namespace berth::runtime {

// CloudWatch Logs' limit for an event, less what it counts beside the text.
constexpr size_t kLogEventMax = 262144 - 26;

// A disk that has no room is waited for, as AWS waits for CloudWatch Logs, until the container has
// ended.
Result<std::unique_ptr<LogDriver>> make_event_driver(const LogPlan& plan, LogEnd end);

}  // namespace berth::runtime
