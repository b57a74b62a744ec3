#include "metrics/alarm_rule.h"

#include "base/text.h"
#include "metrics/text_reader.h"

#include <algorithm>
#include <array>
#include <utility>

namespace berth::metrics {
namespace {

constexpr std::string_view kRuleStops = " \t\r\n()\"'";
constexpr std::string_view kRuleListStops = " \t\r\n()\"',";
constexpr uint64_t kRulePercent = 100;
constexpr std::string_view kAlarmOfArn = ":alarm:";

}  // namespace

std::string alarm_named(const std::string& text) {
  size_t at = text.find(kAlarmOfArn);
  if (!text.starts_with("arn:") || at == std::string::npos) return text;
  return text.substr(at + kAlarmOfArn.size());
}

// By recursive descent: or > and > not > primary.
class AlarmRuleReader : private TextReader {
 public:
  explicit AlarmRuleReader(std::string_view text) : TextReader(text, {.before = "AlarmRule: "}) {}

  Result<AlarmRule> read() {
    AlarmRule rule;
    rule.root_ = TRY(read_any(0));
    skip_spaces();
    if (!is_at_end()) return wrong("AND, OR or the end of the rule");
    if (children_.size() > kAlarmRuleChildrenMax) {
      return fail(Errc::kInvalid, "AlarmRule is about {} alarms, and may be about {}",
                  children_.size(), kAlarmRuleChildrenMax);
    }
    rule.children_ = std::move(children_);
    return rule;
  }

 private:
  using Kind = AlarmRule::Kind;
  using Term = AlarmRule::Term;

  // Up to the next space or sign.
  std::string_view peek_word() { return peek(kRuleStops); }
  bool take_word(std::string_view word) { return TextReader::take_word(word, kRuleStops); }

  Status count_element() {
    if (++elements_ <= kAlarmRuleElementsMax) return {};
    return fail(Errc::kInvalid, "AlarmRule has more than {} elements", kAlarmRuleElementsMax);
  }

  Result<Term> read_any(size_t depth) {
    return read_list(Kind::kOr, "OR", depth, [this](size_t inner) { return read_all(inner); });
  }
  Result<Term> read_all(size_t depth) {
    return read_list(Kind::kAnd, "AND", depth, [this](size_t inner) { return read_not(inner); });
  }

  template <class Read>
  Result<Term> read_list(Kind kind, std::string_view word, size_t depth, Read read) {
    Term first = TRY(read(depth));
    if (peek_word() != word) return first;
    Term list{.kind = kind};
    list.terms.push_back(std::move(first));
    while (take_word(word)) list.terms.push_back(TRY(read(depth)));
    return list;
  }

  Result<Term> read_not(size_t depth) {
    if (depth > kAlarmRuleDepthMax) {
      return fail(Errc::kInvalid, "AlarmRule is nested deeper than {}", kAlarmRuleDepthMax);
    }
    if (!take_word("NOT")) return read_primary(depth);
    Term term{.kind = Kind::kNot};
    term.terms.push_back(TRY(read_not(depth + 1)));
    return term;
  }

  Result<Term> read_primary(size_t depth) {
    if (take('(')) {
      TRY(count_element());
      Term inner = TRY(read_any(depth + 1));
      if (!take(')')) return wrong("AND, OR or ')'");
      return inner;
    }
    std::string_view word = peek_word();
    if (word == "TRUE" || word == "FALSE") {
      TRY(count_element());
      skip(word.size());
      return Term{.kind = Kind::kConstant, .value = word == "TRUE"};
    }
    if (take_word("AT_LEAST")) return read_at_least();
    auto state = parse_alarm_state(std::string(word));
    if (!state) {
      return wrong(
          "ALARM(...), OK(...), INSUFFICIENT_DATA(...), AT_LEAST(...), TRUE, FALSE, NOT or '('");
    }
    skip(word.size());
    return read_function(*state);
  }

  Result<Term> read_function(AlarmState state) {
    TRY(count_element());
    if (!take('(')) return wrong("'('");
    Term term = TRY(read_alarm(state, kRuleStops));
    if (!take(')')) return wrong("')'");
    return term;
  }

  Result<Term> read_alarm(AlarmState state, std::string_view stops) {
    Term term{.kind = Kind::kState, .state = state};
    term.name = alarm_named(TRY(read_name(stops)));
    if (term.name.empty()) return fail(Errc::kInvalid, "AlarmRule: an alarm's name is empty");
    children_.insert(term.name);
    return term;
  }

  // How many of some; `is_percent` of all of them.
  struct Least {
    uint64_t number = 0;
    bool is_percent = false;
  };

  Result<Least> read_least() {
    std::string_view word = peek(kRuleListStops);
    bool is_percent = word.ends_with('%');
    auto number = parse_u64(word.substr(0, word.size() - (is_percent ? 1 : 0)));
    bool is_known = number && *number > 0 && (!is_percent || *number <= kRulePercent);
    if (!is_known) return wrong("how many alarms (2) or how many percent of them (50%)");
    skip(word.size());
    return Least{*number, is_percent};
  }

  // Behind its name.
  Result<Term> read_at_least() {
    TRY(count_element());
    if (!take('(')) return wrong("'('");
    Least least = TRY(read_least());
    if (!take(',')) return wrong("','");
    bool is_not = take_word("NOT");
    std::string_view word = peek(kRuleListStops);
    auto state = parse_alarm_state(std::string(word));
    if (!state) return wrong("ALARM, OK or INSUFFICIENT_DATA, or NOT and one of them");
    skip(word.size());
    if (!take(',')) return wrong("','");
    Term term = TRY(read_alarms(*state, is_not));
    if (!take(')')) return wrong("')'");
    size_t count = term.terms.size();
    // Rounded up: at least 50 % of three are two.
    term.least =
        least.is_percent ? (least.number * count + kRulePercent - 1) / kRulePercent : least.number;
    if (term.least <= count) return term;
    return fail(Errc::kInvalid, "AlarmRule: AT_LEAST({}, ...) is about {} alarms", least.number,
                count);
  }

  Result<Term> read_alarms(AlarmState state, bool is_not) {
    Term list{.kind = Kind::kAtLeast};
    if (!take('(')) return wrong("'('");
    do {
      TRY(count_element());
      Term alarm = TRY(read_alarm(state, kRuleListStops));
      if (is_not) {
        Term negated{.kind = Kind::kNot};
        negated.terms.push_back(std::move(alarm));
        alarm = std::move(negated);
      }
      list.terms.push_back(std::move(alarm));
    } while (take(','));
    if (!take(')')) return wrong("',' or ')'");
    return list;
  }

  Result<std::string> read_name(std::string_view stops) {
    skip_spaces();
    char quote = next();
    if (quote != '"' && quote != '\'') {
      std::string name(peek(stops));
      if (name.empty()) return wrong("the name of an alarm");
      skip(name.size());
      return name;
    }
    skip(1);
    std::string name;
    for (; !is_at_end() && next() != quote; skip(1)) {
      char behind = rest().size() > 1 ? rest()[1] : '\0';
      bool is_escaped = next() == '\\' && (behind == quote || behind == '\\');
      if (is_escaped) skip(1);
      name += next();
    }
    if (is_at_end()) return wrong(quote == '"' ? "'\"'" : "\"'\"");
    skip(1);
    return name;
  }

  size_t elements_ = 0;
  std::set<std::string> children_;
};

Result<AlarmRule> AlarmRule::parse(std::string_view text) {
  if (text.size() > kAlarmRuleMax) {
    return fail(Errc::kInvalid, "AlarmRule has {} characters, and may have {}", text.size(),
                kAlarmRuleMax);
  }
  return AlarmRuleReader(text).read();
}

bool AlarmRule::is_true(const StateOf& state_of) const {
  return is_true(root_, state_of);
}

bool AlarmRule::is_true(const Term& term, const StateOf& state_of) {
  auto is_inner_true = [&](const Term& inner) { return is_true(inner, state_of); };
  switch (term.kind) {
    case Kind::kConstant:
      return term.value;
    case Kind::kState:
      return state_of(term.name) == term.state;
    case Kind::kNot:
      return !is_inner_true(term.terms[0]);
    case Kind::kAnd:
      return std::ranges::all_of(term.terms, is_inner_true);
    case Kind::kOr:
      return std::ranges::any_of(term.terms, is_inner_true);
    case Kind::kAtLeast: {
      auto count = std::ranges::count_if(term.terms, is_inner_true);
      return static_cast<size_t>(count) >= term.least;
    }
  }
  return false;
}

}  // namespace berth::metrics
