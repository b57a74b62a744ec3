// The journald driver: entries of systemd's journal by its native protocol, a datagram each, with
// Docker's fields.
#pragma once

#include "runtime/log_driver.h"

#include <memory>
#include <string>
#include <string_view>

namespace berth::runtime {

constexpr const char* kJournalSocket = "/run/systemd/journal/socket";

// "NAME=value\n", or, where the value has newlines, the name, its size as 64 bits and the value.
std::string render_journal_field(std::string_view name, std::string_view value);

Result<std::unique_ptr<LogDriver>> make_journald_driver(const LogPlan& plan, LogEnd end);

}  // namespace berth::runtime
