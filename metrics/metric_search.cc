#include "metrics/metric_search.h"

#include "base/text.h"
#include "metrics/text_reader.h"

#include <algorithm>
#include <set>
#include <utility>

namespace berth::metrics {
namespace {

constexpr std::string_view kSearchSpaces = " \t\r\n";
constexpr std::string_view kSearchStops = " \t\r\n()\"=";
constexpr std::string_view kSchemaStops = "\",}";

bool is_small(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_capital(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_search_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_word_part(char c) {
  return is_small(c) || is_capital(c) || is_search_digit(c);
}

// "CPUUtilization" is CPU and Utilization, "Count1" Count and 1.
bool begins_part(std::string_view text, size_t at) {
  char before = text[at - 1];
  char c = text[at];
  if (is_search_digit(before) != is_search_digit(c)) return true;
  bool is_last_capital =
      is_capital(before) && is_capital(c) && at + 1 < text.size() && is_small(text[at + 1]);
  return (is_small(before) && is_capital(c)) || is_last_capital;
}

// In small letters: the words between signs, and their parts.
std::set<std::string> parts_of(std::string_view text) {
  std::set<std::string> parts;
  size_t at = 0;
  while (at < text.size()) {
    if (!is_word_part(text[at])) {
      ++at;
      continue;
    }
    size_t word = at;
    size_t part = at;
    for (++at; at < text.size() && is_word_part(text[at]); ++at) {
      if (!begins_part(text, at)) continue;
      parts.insert(to_lower(text.substr(part, at - part)));
      part = at;
    }
    parts.insert(to_lower(text.substr(part, at - part)));
    parts.insert(to_lower(text.substr(word, at - word)));
  }
  return parts;
}

}  // namespace

struct MetricSearch::Seen {
  Seen(std::string_view property_name, std::string_view text)
      : property(to_lower(property_name)), whole(to_lower(text)), parts(parts_of(text)) {}

  bool has(const Term& term) const {
    bool is_asked = term.property.empty() || term.property == property;
    if (!is_asked) return false;
    if (whole == term.text) return true;
    if (term.is_whole) return false;
    if (parts.contains(term.text)) return true;
    return !term.words.empty() && std::ranges::all_of(term.words, [this](const auto& word) {
      return parts.contains(word);
    });
  }

  std::string property;  // in small letters; "": of no property, the name of one
  std::string whole;     // in small letters
  std::set<std::string> parts;
};

// By recursive descent: or > and > not > term.
class SearchReader : private TextReader {
 public:
  explicit SearchReader(std::string_view text)
      : TextReader(text, {.before = "SEARCH: ", .behind = " of the search"}) {}

  Result<MetricSearch> read() {
    MetricSearch search;
    skip_spaces();
    if (take('{')) TRY(read_schema(search));
    skip_spaces();
    if (!is_at_end()) search.root_ = TRY(read_any(0));
    skip_spaces();
    if (!is_at_end()) return wrong("a term");
    bool has_all = search.space_ || search.root_.kind != Kind::kAll;
    if (!has_all) return wrong("{namespace,dimension} or a term");
    return search;
  }

 private:
  using Kind = MetricSearch::Kind;
  using Term = MetricSearch::Term;

  bool take_word(std::string_view word) { return TextReader::take_word(word, kSearchStops); }

  Result<std::string> read_quoted() {
    std::string_view behind = rest().substr(1);
    size_t end = behind.find('"');
    if (end == std::string_view::npos) return wrong("'\"' at the end of a name");
    skip(end + 2);
    return std::string(behind.substr(0, end));
  }

  bool is_quote_next() {
    skip_spaces();
    return next() == '"';
  }

  Result<std::string> read_schema_name() {
    if (is_quote_next()) return read_quoted();
    std::string_view name = peek(kSchemaStops);
    size_t end = name.find_last_not_of(kSearchSpaces);
    if (end == std::string_view::npos) return wrong("a name");
    skip(name.size());
    return std::string(name.substr(0, end + 1));
  }

  Status read_schema(MetricSearch& search) {
    search.space_ = TRY(read_schema_name());
    while (take(',')) search.dimensions_.push_back(TRY(read_schema_name()));
    if (!take('}')) return wrong("',' or '}'");
    std::ranges::sort(search.dimensions_);
    return {};
  }

  Result<Term> read_any(size_t depth) {
    Term list{.kind = Kind::kOr};
    do {
      list.terms.push_back(TRY(read_all(depth)));
    } while (take_word("OR"));
    return list;
  }

  Result<Term> read_all(size_t depth) {
    Term list{.kind = Kind::kAnd};
    list.terms.push_back(TRY(read_not(depth)));
    while (true) {
      bool is_and = take_word("AND");
      skip_spaces();
      bool is_over = is_at_end() || next() == ')' || peek(kSearchStops) == "OR";
      if (is_over && is_and) return wrong("a term");
      if (is_over) return list;
      list.terms.push_back(TRY(read_not(depth)));
    }
  }

  Result<Term> read_not(size_t depth) {
    if (depth > kSearchDepthMax) {
      return fail(Errc::kInvalid, "SEARCH: the search is nested deeper than {}", kSearchDepthMax);
    }
    if (take_word("NOT")) {
      Term term{.kind = Kind::kNot};
      term.terms.push_back(TRY(read_not(depth + 1)));
      return term;
    }
    if (!take('(')) return read_term(depth);
    Term inner = TRY(read_any(depth + 1));
    if (!take(')')) return wrong("a term or ')'");
    return inner;
  }

  // With PROPERTY= before it, or before several in parentheses.
  Result<Term> read_term(size_t depth) {
    Term term = TRY(read_word());
    if (!take('=')) return term;
    if (!property_.empty()) return wrong("a term");
    property_ = std::exchange(term.text, "");
    bool is_list = take('(');
    auto value = is_list ? read_any(depth + 1) : read_word();
    property_.clear();
    if (value && is_list && !take(')')) return wrong("a term or ')'");
    return value;
  }

  Result<Term> read_word() {
    Term term{.kind = Kind::kTerm, .property = property_, .is_whole = is_quote_next()};
    std::string_view word = peek(kSearchStops);
    if (!term.is_whole && word.empty()) return wrong("a term");
    if (!term.is_whole) skip(word.size());
    term.text = term.is_whole ? TRY(read_quoted()) : std::string(word);
    term.text = to_lower(term.text);
    std::set<std::string> words = parts_of(term.text);
    term.words.assign(words.begin(), words.end());
    return term;
  }

  std::string property_{};  // of the terms that are being read, in small letters
};

Result<MetricSearch> MetricSearch::parse(std::string_view text) {
  return SearchReader(text).read();
}

bool MetricSearch::accepts(const MetricName& name) const {
  if (space_) {
    bool has_names = name.dimensions.size() == dimensions_.size() &&
                     std::ranges::equal(name.dimensions, dimensions_, {},
                                        [](const auto& dimension) { return dimension.first; });
    if (name.space != *space_ || !has_names) return false;
  }
  if (root_.kind == Kind::kAll) return true;
  std::vector<Seen> seen;
  seen.emplace_back("MetricName", name.name);
  seen.emplace_back("Namespace", name.space);
  for (const auto& [key, value] : name.dimensions) {
    seen.emplace_back("", key);
    seen.emplace_back(key, value);
  }
  return is_true(root_, seen);
}

bool MetricSearch::is_true(const Term& term, const std::vector<Seen>& seen) {
  auto is_inner_true = [&](const Term& inner) { return is_true(inner, seen); };
  switch (term.kind) {
    case Kind::kAll:
      return true;
    case Kind::kNot:
      return !is_inner_true(term.terms[0]);
    case Kind::kAnd:
      return std::ranges::all_of(term.terms, is_inner_true);
    case Kind::kOr:
      return std::ranges::any_of(term.terms, is_inner_true);
    case Kind::kTerm:
      break;
  }
  return std::ranges::any_of(seen, [&](const Seen& each) { return each.has(term); });
}

std::vector<std::string> labels_of(const std::vector<MetricName>& names) {
  std::set<std::string> spaces;
  std::set<std::string> metrics;
  std::map<std::string, std::set<std::string>> values;
  for (const MetricName& name : names) {
    spaces.insert(name.space);
    metrics.insert(name.name);
  }
  std::set<std::string> keys;
  for (const MetricName& name : names) {
    for (const auto& [key, value] : name.dimensions) keys.insert(key);
  }
  for (const MetricName& name : names) {
    for (const std::string& key : keys) {
      auto found = name.dimensions.find(key);
      values[key].insert(found != name.dimensions.end() ? found->second : "");
    }
  }
  std::vector<std::string> labels;
  for (const MetricName& name : names) {
    std::vector<std::string> parts;
    if (spaces.size() > 1) parts.push_back(name.space);
    for (const auto& [key, value] : name.dimensions) {
      if (values.at(key).size() > 1) parts.push_back(value);
    }
    if (metrics.size() > 1 || parts.empty()) parts.push_back(name.name);
    labels.push_back(join(parts, " "));
  }
  return labels;
}

}  // namespace berth::metrics
