#include "logs/column_pattern.h"

#include <algorithm>
#include <optional>
#include <vector>

namespace berth::logs {
namespace {

constexpr std::string_view kAfterColumn = ",]=!<>&|";

struct Comparing {
  Comparison comparison = Comparison::kEqual;
  PatternValue value;
};

// One of the lists is true, which it is when all of it are.
using Columns = std::vector<std::vector<std::vector<Comparing>>>;

struct ColumnPattern {
  Columns before;
  Columns after;         // behind the "..."
  bool is_open = false;  // there is one
};

std::vector<std::string> columns_of(std::string_view message) {
  std::vector<std::string> columns;
  size_t at = 0;
  while (true) {
    while (at < message.size() && (message[at] == ' ' || message[at] == '\t')) ++at;
    if (at == message.size()) return columns;
    char close = message[at] == '"' ? '"' : message[at] == '[' ? ']' : '\0';
    size_t end = close == '\0' ? std::string_view::npos : message.find(close, at + 1);
    if (end != std::string_view::npos) {
      columns.emplace_back(message.substr(at + 1, end - at - 1));
      at = end + 1;
      continue;
    }
    end = std::min(message.find_first_of(" \t", at), message.size());
    columns.emplace_back(message.substr(at, end - at));
    at = end;
  }
}

bool holds(const std::vector<std::vector<Comparing>>& any, const std::string& column) {
  if (any.empty()) return true;
  return std::ranges::any_of(any, [&](const std::vector<Comparing>& all) {
    return std::ranges::all_of(all, [&](const Comparing& each) {
      bool is_order =
          each.comparison != Comparison::kEqual && each.comparison != Comparison::kNotEqual;
      if (is_order && !parse_number(column)) return false;
      return compare_text(column, each.comparison, each.value);
    });
  });
}

bool matches_columns(const ColumnPattern& pattern, const std::string& message) {
  std::vector<std::string> columns = columns_of(message);
  size_t named = pattern.before.size() + pattern.after.size();
  bool fits = pattern.is_open ? columns.size() >= named : columns.size() == named;
  if (!fits) return false;
  for (size_t i = 0; i < pattern.before.size(); ++i) {
    if (!holds(pattern.before[i], columns[i])) return false;
  }
  size_t behind = columns.size() - pattern.after.size();
  for (size_t i = 0; i < pattern.after.size(); ++i) {
    if (!holds(pattern.after[i], columns[behind + i])) return false;
  }
  return true;
}

Result<std::vector<std::vector<Comparing>>> parse_column(PatternText& text) {
  std::vector<std::vector<Comparing>> any;
  std::string name = text.take_until(kAfterColumn);
  text.skip_spaces();
  bool begins_list = true;
  while (auto comparison = text.take_comparison()) {
    text.skip_spaces();
    Comparing comparing{.comparison = *comparison, .value = TRY(text.take_value(",]&|"))};
    if (begins_list) any.emplace_back();
    any.back().push_back(std::move(comparing));
    text.skip_spaces();
    bool is_and = text.take("&&");
    begins_list = !is_and && text.take("||");
    if (!is_and && !begins_list) return any;
    text.skip_spaces();
    if (text.take_until(kAfterColumn) != name) {
      return text.wrong("one column has comparisons of its own name only");
    }
    text.skip_spaces();
  }
  if (!any.empty()) return text.wrong("a comparison is missing");
  return any;
}

}  // namespace

Result<Matcher> parse_column_pattern(PatternText text) {
  ColumnPattern pattern;
  do {
    text.skip_spaces();
    if (text.take("...")) {
      if (pattern.is_open) return text.wrong("'...' may stand there once only");
      pattern.is_open = true;
    } else {
      (pattern.is_open ? pattern.after : pattern.before).push_back(TRY(parse_column(text)));
    }
    text.skip_spaces();
  } while (text.take(","));
  if (!text.take("]")) return text.wrong("']' is missing");
  text.skip_spaces();
  if (!text.is_at_end()) return text.wrong("nothing may follow the ']'");
  return Matcher(
      [pattern](const std::string& message) { return matches_columns(pattern, message); });
}

}  // namespace berth::logs
