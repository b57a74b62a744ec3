#include "logs/filter_pattern.h"

#include "base/text.h"
#include "logs/column_pattern.h"
#include "logs/json_pattern.h"
#include "logs/pattern_value.h"

#include <algorithm>
#include <vector>

namespace berth::logs {
namespace {

struct TermList {
  std::vector<PatternValue> wanted;
  std::vector<PatternValue> excluded;
  std::vector<PatternValue> any;
};

bool has_term(const std::string& message, const PatternValue& term) {
  return term.expression ? term.expression->matches(message)
                         : message.find(term.text) != std::string::npos;
}

bool matches_terms(const TermList& terms, const std::string& message) {
  auto is_in = [&](const PatternValue& term) { return has_term(message, term); };
  if (terms.wanted.empty() && terms.excluded.empty()) return std::ranges::any_of(terms.any, is_in);
  return std::ranges::all_of(terms.wanted, is_in) && std::ranges::none_of(terms.excluded, is_in);
}

Result<Matcher> parse_terms(PatternText text) {
  TermList terms;
  for (text.skip_spaces(); !text.is_at_end(); text.skip_spaces()) {
    std::vector<PatternValue>& list = text.take("-")   ? terms.excluded
                                      : text.take("?") ? terms.any
                                                       : terms.wanted;
    list.push_back(TRY(text.take_value("\"")));
    if (list.back().text.empty()) return text.wrong("a term is empty");
  }
  return Matcher([terms](const std::string& message) { return matches_terms(terms, message); });
}

}  // namespace

Result<Matcher> parse_filter_pattern(std::string_view pattern) {
  std::string_view trimmed = trim(pattern);
  if (trimmed.empty()) return Matcher();
  if (trimmed.size() > kFilterPatternMax) {
    return fail(Errc::kInvalid, "Invalid filter pattern: it is longer than {} bytes",
                kFilterPatternMax);
  }
  PatternText text(trimmed);
  if (text.take("{")) return parse_json_pattern(text);
  if (text.take("[")) return parse_column_pattern(text);
  return parse_terms(text);
}

}  // namespace berth::logs
