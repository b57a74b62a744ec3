#include "runtime/log_json_file.h"

#include "runtime/log_file.h"

#include <nlohmann/json.hpp>

#include <utility>

namespace berth::runtime {
namespace {

std::string json_text(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

class JsonFileDriver final : public LogDriver {
 public:
  JsonFileDriver(const LogPlan& plan, LogFile file) : records_(plan), file_(std::move(file)) {}

  Status write(std::vector<LogEntry> entries) override {
    for (const LogEntry& entry : entries) file_.put(records_.render(entry));
    auto written = file_.flush();
    if (!written) file_.drop();
    return written;
  }

 private:
  LogRecords records_;
  LogFile file_;
};

}  // namespace

LogRecords::LogRecords(const LogPlan& plan) {
  for (const auto& [name, value] : plan.attributes) {
    attributes_ += attributes_.empty() ? R"(,"attrs":{)" : ",";
    attributes_ += json_text(name) + ":" + json_text(value);
  }
  if (!attributes_.empty()) attributes_ += "}";
}

std::string LogRecords::render(const LogEntry& entry) const {
  return R"({"log":)" + json_text(entry.text) + R"(,"stream":")" + name_of(entry.stream) + '"' +
         attributes_ + R"(,"time":")" + format_rfc3339(entry.time) + "\"}\n";
}

Result<std::unique_ptr<LogDriver>> make_json_file_driver(const LogPlan& plan) {
  LogFile file = TRY(LogFile::open(plan.file));
  return std::unique_ptr<LogDriver>(std::make_unique<JsonFileDriver>(plan, std::move(file)));
}

}  // namespace berth::runtime
