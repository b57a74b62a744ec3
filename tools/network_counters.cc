#include "tools/network_counters.h"

#include "base/text.h"

namespace berth::tools {
namespace {

constexpr size_t kReceivedColumn = 0;
constexpr size_t kSentColumn = 8;

}  // namespace

NetworkCounters parse_network_counters(std::string_view text) {
  NetworkCounters counters;
  for (const std::string& line : split(text, '\n')) {
    size_t colon = line.find(':');
    if (colon == std::string::npos || trim(line.substr(0, colon)) == "lo") continue;
    std::vector<uint64_t> numbers;
    for (const std::string& word : split(line.substr(colon + 1), ' ')) {
      if (auto number = parse_u64(word)) numbers.push_back(*number);
    }
    if (numbers.size() <= kSentColumn) continue;
    counters.received_bytes += numbers[kReceivedColumn];
    counters.sent_bytes += numbers[kSentColumn];
  }
  return counters;
}

}  // namespace berth::tools
