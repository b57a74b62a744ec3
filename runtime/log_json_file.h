// The json-file log: one JSON object a line, as Docker's.
//   {"log":"text\n","stream":"stdout","attrs":{"tag":"web"},"time":"2026-11-22T20:56:41.123456789Z"}
// Bytes that are not UTF-8 become U+FFFD. "attrs" is there when there are any.
#pragma once

#include "base/result.h"
#include "runtime/log_driver.h"

#include <memory>
#include <string>

namespace berth::runtime {

// Renders records; the attributes are the same in all.
class LogRecords {
 public:
  explicit LogRecords(const LogPlan& plan);
  std::string render(const LogEntry& entry) const;

 private:
  std::string attributes_;  // ",\"attrs\":{...}", or ""
};

// A line that the disk has no room for is lost, and told: a full disk must not stop a container.
Result<std::unique_ptr<LogDriver>> make_json_file_driver(const LogPlan& plan);

}  // namespace berth::runtime
