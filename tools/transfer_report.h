// How a command that moves images ends: what is printed, and the exit code.
#pragma once

#include "base/result.h"
#include "tools/commands.h"
#include "tools/pull_progress.h"

#include <cstdio>
#include <string>

namespace berth::tools {

struct Moved {
  std::string reference;
  std::string digest;
};

ProgressStyle style_of(const TransferOptions& options);
// Where its progress goes. Borrowed.
FILE* stream_of(const TransferOptions& options);

int report_transfer(const TransferOptions& options, const Result<Moved>& moved);

}  // namespace berth::tools
