#include "logs/json_pattern.h"

#include "base/text.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

namespace berth::logs {
namespace {

using Message = nlohmann::json;  // the reader of base/ passes over what is null

constexpr int kPatternDepthMax = 32;
constexpr std::string_view kAfterName = ".[]=!<>(){}&|";

// What must be true of a message.
class Condition {
 public:
  virtual ~Condition() = default;
  virtual bool holds(const Message& root) const = 0;
};
using ConditionPtr = std::shared_ptr<const Condition>;

class AllOf final : public Condition {
 public:
  explicit AllOf(std::vector<ConditionPtr> parts) : parts_(std::move(parts)) {}
  bool holds(const Message& root) const override {
    return std::ranges::all_of(parts_, [&](const auto& part) { return part->holds(root); });
  }

 private:
  std::vector<ConditionPtr> parts_;
};

class AnyOf final : public Condition {
 public:
  explicit AnyOf(std::vector<ConditionPtr> parts) : parts_(std::move(parts)) {}
  bool holds(const Message& root) const override {
    return std::ranges::any_of(parts_, [&](const auto& part) { return part->holds(root); });
  }

 private:
  std::vector<ConditionPtr> parts_;
};

// A name, the place of an element, or every element.
struct Step {
  std::string name;
  std::optional<uint64_t> place;
  bool is_each = false;
};

using Found = std::vector<const Message*>;

void step_from(const Message& node, const Step& step, Found& next) {
  if (!step.place && !step.is_each) {
    auto member = node.is_object() ? node.find(step.name) : node.end();
    if (node.is_object() && member != node.end()) next.push_back(&*member);
  } else if (node.is_array()) {
    for (size_t i = 0; i < node.size(); ++i) {
      if (step.is_each || i == *step.place) next.push_back(&node[i]);
    }
  }
}

class Member : public Condition {
 public:
  explicit Member(std::vector<Step> steps) : steps_(std::move(steps)) {}

 protected:
  // More than one where the selector has a star.
  Found found(const Message& root) const {
    Found nodes = {&root};
    for (const Step& step : steps_) {
      Found next;
      for (const Message* node : nodes) step_from(*node, step, next);
      nodes = std::move(next);
    }
    return nodes;
  }

 private:
  std::vector<Step> steps_;
};

class Compared final : public Member {
 public:
  Compared(std::vector<Step> steps, Comparison comparison, PatternValue value)
      : Member(std::move(steps)), comparison_(comparison), value_(std::move(value)) {}
  bool holds(const Message& root) const override {
    return std::ranges::any_of(found(root), [&](const Message* node) { return is_so(*node); });
  }

 private:
  bool is_so(const Message& node) const {
    if (node.is_number() && value_.number) {
      return compare_number(node.get<double>(), comparison_, *value_.number);
    }
    if (node.is_string()) return compare_text(node.get<std::string>(), comparison_, value_);
    return node.is_primitive() && !node.is_null() && compare_text(node.dump(), comparison_, value_);
  }

  Comparison comparison_;
  PatternValue value_;
};

class IsFlag final : public Member {
 public:
  IsFlag(std::vector<Step> steps, bool wanted) : Member(std::move(steps)), wanted_(wanted) {}
  bool holds(const Message& root) const override {
    return std::ranges::any_of(found(root), [&](const Message* node) {
      return node->is_boolean() && node->get<bool>() == wanted_;
    });
  }

 private:
  bool wanted_;
};

class IsNull final : public Member {
 public:
  using Member::Member;
  bool holds(const Message& root) const override {
    return std::ranges::any_of(found(root), [](const Message* node) { return node->is_null(); });
  }
};

class IsAbsent final : public Member {
 public:
  using Member::Member;
  bool holds(const Message& root) const override { return found(root).empty(); }
};

class Parser {
 public:
  explicit Parser(PatternText text) : text_(text) {}

  Result<ConditionPtr> parse() {
    ConditionPtr condition = TRY(any_of(0));
    text_.skip_spaces();
    if (!text_.take("}")) return text_.wrong("'}' is missing");
    text_.skip_spaces();
    if (!text_.is_at_end()) return text_.wrong("nothing may follow the '}'");
    return condition;
  }

 private:
  Result<ConditionPtr> any_of(int depth) {
    std::vector<ConditionPtr> parts;
    do {
      parts.push_back(TRY(all_of(depth)));
      text_.skip_spaces();
    } while (text_.take("||"));
    return ConditionPtr(std::make_shared<AnyOf>(std::move(parts)));
  }

  Result<ConditionPtr> all_of(int depth) {
    std::vector<ConditionPtr> parts;
    do {
      parts.push_back(TRY(one(depth)));
      text_.skip_spaces();
    } while (text_.take("&&"));
    return ConditionPtr(std::make_shared<AllOf>(std::move(parts)));
  }

  Result<ConditionPtr> one(int depth) {
    text_.skip_spaces();
    if (text_.take("(")) {
      if (depth == kPatternDepthMax) return text_.wrong("parentheses are too deep");
      ConditionPtr inner = TRY(any_of(depth + 1));
      text_.skip_spaces();
      if (!text_.take(")")) return text_.wrong("')' is missing");
      return inner;
    }
    std::vector<Step> steps = TRY(selector());
    text_.skip_spaces();
    if (text_.take_word("is")) return is(std::move(steps));
    if (text_.take_word("not")) {
      text_.skip_spaces();
      if (!text_.take_word("exists")) return text_.wrong("EXISTS is missing");
      return ConditionPtr(std::make_shared<IsAbsent>(std::move(steps)));
    }
    auto comparison = text_.take_comparison();
    if (!comparison) return text_.wrong("a comparison is missing");
    text_.skip_spaces();
    PatternValue value = TRY(text_.take_value("(){}&|"));
    bool is_order = *comparison != Comparison::kEqual && *comparison != Comparison::kNotEqual;
    if (is_order && !value.number) return text_.wrong("only numbers are greater or less");
    return ConditionPtr(
        std::make_shared<Compared>(std::move(steps), *comparison, std::move(value)));
  }

  Result<ConditionPtr> is(std::vector<Step> steps) {
    text_.skip_spaces();
    if (text_.take_word("null")) {
      return ConditionPtr(std::make_shared<IsNull>(std::move(steps)));
    }
    for (bool wanted : {true, false}) {
      if (text_.take_word(wanted ? "true" : "false")) {
        return ConditionPtr(std::make_shared<IsFlag>(std::move(steps), wanted));
      }
    }
    return text_.wrong("TRUE, FALSE or NULL is missing");
  }

  Result<std::vector<Step>> selector() {
    std::vector<Step> steps;
    if (!text_.take("$")) return text_.wrong("a selector that begins with '$' is missing");
    while (true) {
      if (text_.take(".")) {
        Step step{.name = text_.take_until(kAfterName)};
        if (step.name.empty()) return text_.wrong("a name is missing");
        steps.push_back(std::move(step));
      } else if (text_.take("[")) {
        steps.push_back(TRY(subscript()));
      } else {
        return steps;
      }
    }
  }

  Result<Step> subscript() {
    Step step;
    if (text_.take("\"")) {
      step.name = TRY(text_.take_quoted());
    } else if (text_.take("*")) {
      step.is_each = true;
    } else {
      step.place = parse_u64(text_.take_until("]"));
      if (!step.place) return text_.wrong("a number is missing");
    }
    if (!text_.take("]")) return text_.wrong("']' is missing");
    return step;
  }

  PatternText text_;
};

}  // namespace

Result<Matcher> parse_json_pattern(PatternText text) {
  ConditionPtr condition = TRY(Parser(text).parse());
  return Matcher([condition](const std::string& message) {
    if (!trim(message).starts_with('{')) return false;
    Message root = Message::parse(message, nullptr, false);
    return root.is_object() && condition->holds(root);
  });
}

}  // namespace berth::logs
