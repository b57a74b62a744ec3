// Ask: one request to a service of JSON as its operation reads it. What is wrong is remembered, the
// first of it, and reads as absent: an operation reads all that it needs and then asks refused()
// once, before it changes anything. A null counts as absent and unknown members are passed over, as
// AWS does it.
#pragma once

#include "api/service.h"
#include "base/json.h"
#include "base/result.h"

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace berth::api {

struct Range {
  int64_t min = 0;
  int64_t max = 0;
};

using Words = std::initializer_list<std::string_view>;

// How a service calls what every service has.
struct FaultNames {
  std::string_view invalid = "InvalidParameterException";  // a member is wrong
  std::string_view server = "ServerException";             // we are
  // Whether it tells of a member that breaks a rule of the model in the words that most services
  // have in common: "1 validation error detected: Value '0' at 'limit' failed to satisfy
  // constraint: Member must have value greater than or equal to 1".
  bool has_constraints = false;
};

// Of UTF-8: what AWS's limits of length count.
size_t characters_of(std::string_view utf8);

class Ask {
 public:
  Ask(const Call& call, json::Node root, const FaultNames& faults = {})
      : call_(call), root_(root), faults_(faults) {}

  const Call& call() const { return call_; }
  WallTime at() const { return call_.at; }
  const json::Node& root() const { return root_; }

  bool refused() const { return refusal_.has_value(); }
  const Refusal& refusal() const { return *refusal_; }
  void refuse(Refusal refusal);
  void refuse(std::string code, const std::string& message);
  void invalid(const std::string& message);  // FaultNames::invalid
  // In the words of FaultNames::has_constraints: "Member must ...".
  void breaks(const json::Node& node, std::string_view key, const std::string& value,
              const std::string& constraint);
  // Our own fault: FaultNames::server.
  void check(const Status& status);
  // The value, or our own fault and an empty one.
  template <class T>
  T checked(Result<T> result) {
    if (result) return std::move(*result);
    check(tl::unexpected<Error>(std::move(result).error()));
    return T{};
  }

  // Members of the request, or of `node` in it.
  std::string text(const json::Node& node, std::string_view key);
  std::string text(std::string_view key) { return text(root_, key); }
  // Refused when it is absent or "".
  std::string required_text(const json::Node& node, std::string_view key);
  std::string required_text(std::string_view key) { return required_text(root_, key); }
  // Refused, as breaks() says it, when it has more than `max` characters.
  std::string short_text(std::string_view key, size_t max);
  // One of `words`, or "" when absent.
  std::string word(const json::Node& node, std::string_view key, Words words);
  std::string word(std::string_view key, Words words) { return word(root_, key, words); }
  std::optional<int64_t> number(const json::Node& node, std::string_view key, Range range);
  std::optional<int64_t> number(std::string_view key, Range range) {
    return number(root_, key, range);
  }
  std::optional<double> real(const json::Node& node, std::string_view key);
  std::vector<double> reals(const json::Node& node, std::string_view key, size_t max);
  // Seconds since 1970, with a fraction or without, or RFC 3339.
  std::optional<WallTime> time(const json::Node& node, std::string_view key);
  bool flag(std::string_view key);
  std::optional<bool> find_flag(const json::Node& node, std::string_view key);
  std::optional<bool> find_flag(std::string_view key) { return find_flag(root_, key); }
  std::vector<std::string> texts(const json::Node& node, std::string_view key, size_t max);
  std::vector<std::string> texts(std::string_view key, size_t max) {
    return texts(root_, key, max);
  }
  // Texts that are each one of `words`: "include".
  std::vector<std::string> words(std::string_view key, Words words);
  bool includes(std::string_view word, Words all);
  // Members whose names are the client's: tags. In the order of their names.
  std::vector<std::pair<std::string, std::string>> text_map(std::string_view key);
  std::vector<json::Node> objects(const json::Node& node, std::string_view key, size_t max);
  std::vector<json::Node> objects(std::string_view key, size_t max) {
    return objects(root_, key, max);
  }
  std::optional<json::Node> object(const json::Node& node, std::string_view key);
  std::optional<json::Node> object(std::string_view key) { return object(root_, key); }
  bool has(std::string_view key) const { return root_.find(key).has_value(); }

 private:
  void wrong_type(const json::Node& value, const char* wanted);
  std::optional<double> real_in(const json::Node& value);
  std::optional<json::Node> find_list(const json::Node& node, std::string_view key) const;

  const Call& call_;
  json::Node root_;
  FaultNames faults_;
  std::optional<Refusal> refusal_{};
};

// "clusterName", or "tags[0].key" of a node that is not the root.
std::string path_of(const json::Node& node, std::string_view key);

}  // namespace berth::api
