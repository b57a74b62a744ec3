// The commands of berth-oci: one table (commands.cc), the handlers by topic beside it.
//
// A new command is a row in the table, its options above it, and a handler declared here.
#pragma once

#include "base/result.h"
#include "oci/command_line.h"

#include <span>
#include <string>

namespace berth::oci {

std::span<const Command> commands();

// life_commands.cc: from create to delete.
Result<int> create(const Invocation& invocation);
Result<int> run(const Invocation& invocation);
Result<int> start(const Invocation& invocation);
Result<int> kill(const Invocation& invocation);
Result<int> remove(const Invocation& invocation);

// exec_command.cc: a further process.
Result<int> exec(const Invocation& invocation);

// ps_command.cc
Result<int> ps(const Invocation& invocation);

// control_commands.cc: by the control group.
Result<int> pause(const Invocation& invocation);
Result<int> resume(const Invocation& invocation);
Result<int> update(const Invocation& invocation);
Result<int> events(const Invocation& invocation);

// query_commands.cc: what is there.
Result<int> state(const Invocation& invocation);
Result<int> list(const Invocation& invocation);
Result<int> features(const Invocation& invocation);
Result<int> spec(const Invocation& invocation);

// The most descriptors that --preserve-fds hands on.
constexpr uint64_t kPreserveMax = 1024;
// Descriptors 3 .. 2 + count must be open.
Status check_open(uint64_t count);
// "TERM", "SIGTERM", "15".
Result<int> parse_signal(const std::string& text);

}  // namespace berth::oci
