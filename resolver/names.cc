#include "resolver/names.h"

#include "base/text.h"
#include "sys/file.h"
#include "sys/spawn.h"

#include <algorithm>
#include <span>

namespace berth::resolver {
namespace {

bool lives(std::string_view owner) {
  size_t colon = owner.find(':');
  if (colon == std::string_view::npos) return false;
  auto pid = parse_u64(owner.substr(0, colon));
  auto start_time = parse_u64(owner.substr(colon + 1));
  if (!pid || *pid > INT32_MAX || !start_time) return false;
  auto stat = sys::stat_of(static_cast<pid_t>(*pid));
  return stat && stat->start_time == *start_time && stat->state != 'Z' && stat->state != 'X';
}

std::optional<dns::RecordValue> read_entry(const std::string& path) {
  auto text = sys::read_link(path);
  if (!text || text->size() > kEntryMax) return std::nullopt;
  size_t space = text->find(' ');
  if (space == std::string::npos || !lives(text->substr(0, space))) return std::nullopt;
  auto value = dns::parse_record_value(std::string_view(*text).substr(space + 1));
  return value ? std::optional(std::move(*value)) : std::nullopt;
}

void shuffle(std::vector<std::string>& entries, Rng& rng) {
  for (size_t i = entries.size(); i > 1; --i) std::swap(entries[i - 1], entries[rng.next() % i]);
}

// As many as are answered.
std::vector<dns::RecordValue> read_entries(const std::string& directory,
                                           std::span<const std::string> entries) {
  std::vector<dns::RecordValue> values;
  for (const std::string& entry : entries) {
    auto value = read_entry(directory + "/" + entry);
    if (!value || std::ranges::find(values, *value) != values.end()) continue;
    values.push_back(std::move(*value));
    if (values.size() == dns::kAnswersMax) break;
  }
  return values;
}

}  // namespace

Names::Found Names::find(const dns::Name& name, Rng& rng) const {
  auto text = name.plain_text();
  if (!text) return {};
  std::string directory = directory_ + "/" + *text;
  auto entries = sys::list_directory(directory);
  if (!entries) return {};
  shuffle(*entries, rng);
  auto unwell = std::stable_partition(entries->begin(), entries->end(),
                                      [](const auto& entry) { return !entry.ends_with(kUnwell); });
  Found found;
  found.values = read_entries(directory, {entries->begin(), unwell});
  if (found.values.empty()) found.values = read_entries(directory, {unwell, entries->end()});
  if (!found.values.empty()) found.presence = dns::Presence::kRecords;
  return found;
}

}  // namespace berth::resolver
