#include "api/ecs_query.h"

#include "base/text.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace berth::api::ecs {

enum class QueryTest {
  kEquals,
  kGreater,
  kGreaterOrEqual,
  kLess,
  kLessOrEqual,
  kExists,
  kIn,
  kMatches,
};

namespace {

constexpr size_t kWordShown = 60;
constexpr size_t kListMax = 100;

struct OperatorWord {
  std::string_view word;
  QueryTest test;
  bool negative;
};
constexpr auto kOperatorWords = std::to_array<OperatorWord>({
    {"==", QueryTest::kEquals, false},
    {"equals", QueryTest::kEquals, false},
    {"!=", QueryTest::kEquals, true},
    {"not_equals", QueryTest::kEquals, true},
    {">", QueryTest::kGreater, false},
    {"greater_than", QueryTest::kGreater, false},
    {">=", QueryTest::kGreaterOrEqual, false},
    {"greater_than_equal", QueryTest::kGreaterOrEqual, false},
    {"<", QueryTest::kLess, false},
    {"less_than", QueryTest::kLess, false},
    {"<=", QueryTest::kLessOrEqual, false},
    {"less_than_equal", QueryTest::kLessOrEqual, false},
    {"exists", QueryTest::kExists, false},
    {"!exists", QueryTest::kExists, true},
    {"not_exists", QueryTest::kExists, true},
    {"in", QueryTest::kIn, false},
    {"!in", QueryTest::kIn, true},
    {"not_in", QueryTest::kIn, true},
    {"=~", QueryTest::kMatches, false},
    {"matches", QueryTest::kMatches, false},
    {"!~", QueryTest::kMatches, true},
    {"not_matches", QueryTest::kMatches, true},
});
constexpr auto kSubjects =
    std::to_array<std::string_view>({"agentConnected", "agentVersion", "ec2InstanceId",
                                     "registeredAt", "runningTasksCount", "task:group"});

struct Token {
  std::string text;
  size_t at = 0;
  bool quoted = false;
};

bool is_one_of(std::string_view text, std::string_view characters) {
  return characters.find(text[0]) != std::string_view::npos;
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Result<std::vector<Token>> run() {
    std::vector<Token> tokens;
    while (true) {
      while (at_ < text_.size() && is_one_of(text_.substr(at_), " \t\r\n")) ++at_;
      if (at_ == text_.size()) return tokens;
      tokens.push_back(TRY(next()));
    }
  }

 private:
  Result<Token> next() {
    constexpr std::string_view kSpecial = " \t\r\n()[],\"'=!<>&|~";
    Token token{.at = at_};
    std::string_view rest = text_.substr(at_);
    size_t length = 1;
    if (is_one_of(rest, "\"'")) {
      size_t end = rest.find(rest[0], 1);
      if (end == std::string_view::npos) {
        return fail(Errc::kInvalid, "a quotation at character {} does not end", at_ + 1);
      }
      token.text = rest.substr(1, end - 1);
      token.quoted = true;
      at_ += end + 1;
      return token;
    }
    constexpr auto kPairs =
        std::to_array<std::string_view>({"==", "!=", ">=", "<=", "=~", "!~", "&&", "||"});
    auto pair = std::find_if(kPairs.begin(), kPairs.end(),
                             [&](std::string_view each) { return rest.starts_with(each); });
    if (pair != kPairs.end()) {
      length = 2;
    } else if (!is_one_of(rest, kSpecial)) {
      length = std::min(rest.find_first_of(kSpecial), rest.size());
    }
    token.text = rest.substr(0, length);
    at_ += length;
    return token;
  }

  std::string_view text_;
  size_t at_ = 0;
};

std::optional<double> number_of(const std::string& text) {
  double number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  bool whole = error == std::errc() && end == text.data() + text.size();
  return whole ? std::optional(number) : std::nullopt;
}

// Below, at or above zero.
int compare(const std::string& one, const std::string& other) {
  auto left = number_of(one);
  auto right = number_of(other);
  if (left && right) return *left < *right ? -1 : *left > *right ? 1 : 0;
  return one.compare(other);
}

}  // namespace

// "not", "and" and "or" have terms; a comparison has the rest.
struct Query::Term {
  enum class Kind { kNot, kAnd, kOr, kComparison };
  Kind kind = Kind::kComparison;
  std::vector<std::unique_ptr<Term>> terms{};
  std::string subject{};
  QueryTest test = QueryTest::kExists;
  bool negative = false;
  std::vector<std::string> values{};
  std::optional<Pattern> pattern{};

  bool holds(const QueryFacts& facts) const {
    switch (kind) {
      case Kind::kNot:
        return !terms[0]->holds(facts);
      case Kind::kAnd:
        return std::all_of(terms.begin(), terms.end(),
                           [&](const auto& each) { return each->holds(facts); });
      case Kind::kOr:
        return std::any_of(terms.begin(), terms.end(),
                           [&](const auto& each) { return each->holds(facts); });
      case Kind::kComparison:
        break;
    }
    auto [begin, end] = facts.equal_range(subject);
    bool fits = std::any_of(begin, end, [&](const auto& fact) { return fit(fact.second); });
    return fits != negative;
  }

 private:
  bool fit(const std::string& value) const {
    auto is_equal = [&](const std::string& each) { return compare(value, each) == 0; };
    switch (test) {
      case QueryTest::kExists:
        return true;
      case QueryTest::kEquals:
      case QueryTest::kIn:
        return std::any_of(values.begin(), values.end(), is_equal);
      case QueryTest::kGreater:
        return compare(value, values[0]) > 0;
      case QueryTest::kGreaterOrEqual:
        return compare(value, values[0]) >= 0;
      case QueryTest::kLess:
        return compare(value, values[0]) < 0;
      case QueryTest::kLessOrEqual:
        return compare(value, values[0]) <= 0;
      case QueryTest::kMatches:
        return pattern->matches(value);
    }
    return false;
  }
};

namespace {

using Term = Query::Term;
using TermPtr = std::unique_ptr<Term>;

class QueryParser {
 public:
  explicit QueryParser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  Result<TermPtr> run() {
    TermPtr term = TRY(either());
    if (at_ < tokens_.size()) return unexpected("'and', 'or' or the end");
    return term;
  }

 private:
  // A token that is written without quotes.
  bool next_is(std::string_view word) const {
    return at_ < tokens_.size() && !tokens_[at_].quoted && tokens_[at_].text == word;
  }
  bool take(std::string_view word) {
    bool is_it = next_is(word);
    if (is_it) ++at_;
    return is_it;
  }
  tl::unexpected<Error> unexpected(const char* wanted) const {
    if (at_ == tokens_.size()) return fail(Errc::kInvalid, "it ends where {} is expected", wanted);
    return fail(Errc::kInvalid, "'{}' at character {} where {} is expected",
                printable(tokens_[at_].text, kWordShown), tokens_[at_].at + 1, wanted);
  }

  Result<TermPtr> either() {
    auto term = std::make_unique<Term>();
    term->kind = Term::Kind::kOr;
    do {
      term->terms.push_back(TRY(both()));
    } while (take("or") || take("||"));
    return term;
  }

  Result<TermPtr> both() {
    auto term = std::make_unique<Term>();
    term->kind = Term::Kind::kAnd;
    do {
      term->terms.push_back(TRY(single()));
    } while (take("and") || take("&&"));
    return term;
  }

  Result<TermPtr> single() {
    if (depth_ >= kQueryDepthMax) {
      return fail(Errc::kInvalid, "more than {} parentheses in each other", kQueryDepthMax);
    }
    ++depth_;
    auto term = nested();
    --depth_;
    return term;
  }

  Result<TermPtr> nested() {
    if (take("not") || take("!")) {
      auto term = std::make_unique<Term>();
      term->kind = Term::Kind::kNot;
      term->terms.push_back(TRY(single()));
      return term;
    }
    if (!take("(")) return comparison();
    TermPtr term = TRY(either());
    if (!take(")")) return unexpected("')'");
    return term;
  }

  Result<TermPtr> comparison() {
    auto term = std::make_unique<Term>();
    term->subject = TRY(subject());
    const OperatorWord& found = *TRY(operation());
    term->test = found.test;
    term->negative = found.negative;
    if (found.test == QueryTest::kExists) return term;
    term->values = TRY(found.test == QueryTest::kIn ? list() : one());
    if (found.test != QueryTest::kMatches) return term;
    // The whole value is meant.
    auto pattern = Pattern::parse("^(" + term->values[0] + ")$");
    if (!pattern) return tl::unexpected<Error>(std::move(pattern).error());
    term->pattern = std::move(*pattern);
    return term;
  }

  Result<std::string> subject() {
    if (at_ == tokens_.size()) return unexpected("a subject");
    const std::string& text = tokens_[at_].text;
    bool is_attribute = text.starts_with("attribute:") && text.size() > 10;
    if (!is_attribute && std::find(kSubjects.begin(), kSubjects.end(), text) == kSubjects.end()) {
      return unexpected("attribute:NAME, task:group or a property of an instance");
    }
    return tokens_[at_++].text;
  }

  Result<const OperatorWord*> operation() {
    if (at_ == tokens_.size() || tokens_[at_].quoted) return unexpected("an operator");
    std::string word = tokens_[at_].text;
    bool is_joined = word == "!" && at_ + 1 < tokens_.size();
    if (is_joined) word += tokens_[at_ + 1].text;
    for (const OperatorWord& each : kOperatorWords) {
      if (each.word != word) continue;
      at_ += is_joined ? 2 : 1;
      return &each;
    }
    return unexpected("an operator");
  }

  Result<std::vector<std::string>> one() {
    bool is_value = at_ < tokens_.size() &&
                    (tokens_[at_].quoted || !is_one_of(tokens_[at_].text, "()[],=!<>&|~"));
    if (!is_value) return unexpected("a value");
    return std::vector<std::string>{tokens_[at_++].text};
  }

  Result<std::vector<std::string>> list() {
    if (!take("[")) return unexpected("'['");
    std::vector<std::string> values;
    do {
      if (values.size() == kListMax) return unexpected("']'");
      values.push_back(TRY(one())[0]);
    } while (take(","));
    if (!take("]")) return unexpected("']'");
    return values;
  }

  std::vector<Token> tokens_;
  size_t at_ = 0;
  size_t depth_ = 0;
};

}  // namespace

Query::Query(std::unique_ptr<Term> term) : term_(std::move(term)) {}
Query::Query(Query&&) noexcept = default;
Query& Query::operator=(Query&&) noexcept = default;
Query::~Query() = default;

Result<Query> Query::parse(std::string_view text) {
  if (text.size() > kQueryMax) {
    return fail(Errc::kInvalid, "has {} characters, and {} are the most", text.size(), kQueryMax);
  }
  return Query(TRY(QueryParser(TRY(Lexer(text).run())).run()));
}

bool Query::matches(const QueryFacts& facts) const {
  return term_->holds(facts);
}

}  // namespace berth::api::ecs
