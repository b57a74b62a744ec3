#include "tools/transfer_report.h"

namespace berth::tools {

ProgressStyle style_of(const TransferOptions& options) {
  if (options.json) return ProgressStyle::kJson;
  return options.quiet ? ProgressStyle::kNone : ProgressStyle::kLines;
}

FILE* stream_of(const TransferOptions& options) {
  return options.json ? stdout : stderr;
}

int report_transfer(const TransferOptions& options, const Result<Moved>& moved) {
  if (!moved) {
    if (options.json) std::fputs(render_error_event(moved.error()).c_str(), stdout);
    return report(moved.error());
  }
  if (options.json) {
    std::fputs(render_done_event(moved->reference, moved->digest).c_str(), stdout);
  } else if (options.quiet) {
    std::printf("%s\n", moved->digest.c_str());
  } else {
    std::printf("%s@%s\n", moved->reference.c_str(), moved->digest.c_str());
  }
  return 0;
}

}  // namespace berth::tools
