// MetricSearch: which metrics SEARCH() of metric math finds. Pure.
//
//   {AWS/ECS,ClusterName,ServiceName} MetricName="CPUUtilization" ClusterName="default"
//   {"My App",Host} load NOT (old OR Host=test)
//
//   {...}     of that namespace, with just these dimensions; "..." around a name with spaces
//   term      a word that is in the namespace, the metric's name, or a dimension's name or value:
//             all of it, or a part ("CPUUtilization" has CPU and Utilization, "web-1" web and 1);
//             in quotes, all of it. PROPERTY=term looks at MetricName, Namespace or a dimension
//   AND, OR, NOT and parentheses; terms beside each other are AND. Case does not matter.
#pragma once

#include "base/result.h"
#include "metrics/metric_store.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth::metrics {

constexpr size_t kSearchDepthMax = 50;   // of parentheses and NOTs in each other
constexpr size_t kSearchFoundMax = 500;  // series of one search

class MetricSearch {
 public:
  // kInvalid says what is wrong, and where.
  static Result<MetricSearch> parse(std::string_view text);

  bool accepts(const MetricName& name) const;

 private:
  friend class SearchReader;
  enum class Kind : uint8_t { kAll, kTerm, kNot, kAnd, kOr };
  struct Term {
    Kind kind = Kind::kAll;
    std::string property{};            // kTerm; "": each
    std::string text{};                // kTerm, in small letters
    bool is_whole = false;             // kTerm
    std::vector<std::string> words{};  // kTerm: of the text
    std::vector<Term> terms{};         // kNot: one; kAnd, kOr
  };
  struct Seen;  // a metric's names, cut into words once for all terms
  static bool is_true(const Term& term, const std::vector<Seen>& seen);

  std::optional<std::string> space_{};
  std::vector<std::string> dimensions_{};  // with space_; in their order
  Term root_{};
};

// What tells these apart: the names, the namespaces and the values that are not the same of all of
// them; the metric's name when nothing does.
std::vector<std::string> labels_of(const std::vector<MetricName>& names);

}  // namespace berth::metrics
