// The gelf driver: GELF 1.1 as Docker's sends it, a JSON object a line. Over UDP compressed, and in
// chunks when a datagram would be too long; over TCP as it is, each with a NUL behind. What names
// the container (`_container_id`, `_tag`, ...) are the plan's settings that begin with "_"; its
// attributes get a "_" and go before them.
//
// Source: https://go2docs.graylog.org/current/getting_in_log_data/gelf.html
#pragma once

#include "runtime/log_driver.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace berth::runtime {

constexpr size_t kGelfChunkMax = 1420;  // bytes of a datagram, as Docker's
constexpr size_t kGelfChunksMax = 128;  // of a message; receivers take no more

// The message of a line. Bytes that are not UTF-8 become U+FFFD.
std::string render_gelf(const LogPlan& plan, const LogEntry& entry);
// What is sent for a message over UDP: itself, or its chunks under that id. kInvalid when there
// would be more than a receiver takes.
Result<std::vector<std::string>> gelf_datagrams(std::string message, uint64_t id);

Result<std::unique_ptr<LogDriver>> make_gelf_driver(const LogPlan& plan, LogEnd end, Env env);

}  // namespace berth::runtime
