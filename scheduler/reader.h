// Reads JSON objects against the table of fields and collects what is wrong, instead of stopping at
// the first fault. A member that is faulty reads as absent.
#pragma once

#include "base/json.h"
#include "scheduler/finding.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth::scheduler {

struct IntegerRange {
  int64_t min = 0;
  int64_t max = 0;
};

// Counts of bytes, MiB and the like: an int, as in the API.
inline constexpr IntegerRange kSize = {0, std::numeric_limits<int32_t>::max()};

class Reader {
 public:
  // `malformed` counts the findings after which cross-field rules would mislead.
  bool malformed() const { return malformed_; }
  Findings take() { return std::move(findings_); }

  // Findings for every member that the object's table does not have or has as refused. False when
  // the node is no object at all.
  bool check_members(const json::Node& node, std::string_view object);

  std::string string(const json::Node& node, std::string_view key);
  std::string required_string(const json::Node& node, std::string_view key);
  bool boolean(const json::Node& node, std::string_view key, bool absent);
  std::optional<int64_t> integer(const json::Node& node, std::string_view key, IntegerRange range);
  std::optional<int64_t> required_integer(const json::Node& node, std::string_view key,
                                          IntegerRange range);
  bool required_boolean(const json::Node& node, std::string_view key);
  std::vector<int64_t> integers(const json::Node& node, std::string_view key, IntegerRange range);
  std::vector<std::string> strings(const json::Node& node, std::string_view key);
  std::vector<json::Node> array(const json::Node& node, std::string_view key);
  std::optional<json::Node> object(const json::Node& node, std::string_view key);

  // About a member, whether it is there or not.
  void malformed_at(const json::Node& node, std::string_view key, std::string message);
  void refused_at(const json::Node& node, std::string_view key, std::string message);  // by berth
  void invalid_at(const json::Node& node, std::string_view key, std::string message);  // by AWS

 private:
  void add(const json::Node& node, std::string_view key, std::string message);
  void wrong_type(const json::Node& node, std::string_view key, const json::Node& value,
                  const char* valid);

  Findings findings_;
  bool malformed_ = false;
};

}  // namespace berth::scheduler
