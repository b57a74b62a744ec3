#include "metrics/statistics.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <tuple>

namespace berth::metrics {
namespace {

const double kLogOfGroup = std::log(1.02);
constexpr double kSumTolerance = 1e-9;  // of sums that were added in another order

// Of values of one sign and about one size. At each level a group is two of the level below.
struct SampleGroup {
  int sign = 0;
  int64_t size = 0;
  bool operator==(const SampleGroup&) const = default;
};

SampleGroup group_of(double value, int level) {
  if (value == 0) return {};
  double size = std::floor(std::log(std::abs(value)) / kLogOfGroup);
  return {.sign = value < 0 ? -1 : 1, .size = static_cast<int64_t>(size) >> level};
}

// Least wrong about whatever is in the group, and none that was not seen to be possible.
double middle_of(SampleGroup group, int level, double least, double greatest) {
  double low = std::exp(static_cast<double>(group.size << level) * kLogOfGroup);
  double high = std::exp(static_cast<double>((group.size + 1) << level) * kLogOfGroup);
  double middle = group.sign * 2 * low / (1 + low / high);
  return std::isfinite(middle) ? std::clamp(middle, least, greatest) : least;
}

std::vector<Sample> grouped(const std::vector<Sample>& samples, int level) {
  std::vector<Sample> groups;
  for (size_t begin = 0, end = 0; begin < samples.size(); begin = end) {
    SampleGroup group = group_of(samples[begin].value, level);
    Sample of_group = samples[begin];
    for (end = begin + 1; end < samples.size() && group_of(samples[end].value, level) == group;
         ++end) {
      of_group.count += samples[end].count;
    }
    if (end - begin > 1) {
      of_group.value = middle_of(group, level, samples[begin].value, samples[end - 1].value);
    }
    groups.push_back(of_group);
  }
  return groups;
}

std::vector<Sample> merged(std::span<const Sample> some, std::span<const Sample> others) {
  std::vector<Sample> all;
  all.reserve(some.size() + others.size());
  auto add = [&](const Sample& sample) {
    if (!all.empty() && all.back().value == sample.value) {
      all.back().count += sample.count;
    } else {
      all.push_back(sample);
    }
  };
  while (!some.empty() || !others.empty()) {
    bool is_some = others.empty() || (!some.empty() && some[0].value <= others[0].value);
    std::span<const Sample>& from = is_some ? some : others;
    add(from[0]);
    from = from.subspan(1);
  }
  if (all.size() <= kSamplesMax) return all;
  int level = 0;
  std::vector<Sample> fewer = grouped(all, level);
  while (fewer.size() > kSamplesMax) fewer = grouped(all, ++level);
  return fewer;
}

}  // namespace

Statistics statistics_of(double value, double times) {
  return {.count = times, .sum = value * times, .min = value, .max = value};
}

std::span<const Sample> known_samples(const Statistics& statistics, Sample& single) {
  if (!statistics.samples.empty() || statistics.count == 0) return statistics.samples;
  double sum = statistics.min * statistics.count;
  bool is_single = statistics.min == statistics.max &&
                   std::abs(statistics.sum - sum) <= kSumTolerance * std::abs(sum);
  if (!is_single) return {};
  single = {.value = statistics.min, .count = statistics.count};
  return {&single, 1};
}

void Statistics::merge(const Statistics& other) {
  if (other.count == 0) return;
  if (count == 0) {
    *this = other;
    return;
  }
  Sample single;
  Sample other_single;
  std::span<const Sample> known = known_samples(*this, single);
  std::span<const Sample> other_known = known_samples(other, other_single);
  std::vector<Sample> all;
  if (!known.empty() && !other_known.empty()) all = merged(known, other_known);
  if (all.size() == 1) all.clear();
  samples = std::move(all);
  count += other.count;
  sum += other.sum;
  min = std::min(min, other.min);
  max = std::max(max, other.max);
}

}  // namespace berth::metrics
