// The fluentd driver: Fluentd's forward protocol (a message a line), with Docker's record.
#pragma once

#include "runtime/log_driver.h"

#include <memory>
#include <string>

namespace berth::runtime {

// One message; `chunk` is what its receiver has to acknowledge, "" for nothing.
std::string render_forward(const LogPlan& plan, const LogEntry& entry, const std::string& chunk);
// What a receiver replies to it.
std::string forward_ack_of(const std::string& chunk);

Result<std::unique_ptr<LogDriver>> make_fluentd_driver(const LogPlan& plan, LogEnd end, Env env);

}  // namespace berth::runtime
