// Statistics: what is kept of the figures of a period, and of each figure as far as percentiles
// need it. Pure.
//
// Values and how often each was seen are kept as they are, up to kSamplesMax different ones. Beyond
// that they are grouped by size, each group 2 % above the one before and represented by its middle,
// so that a percentile is within 1 % of what it was. While there are too many groups, two become
// one: 1 % holds for values of which the greatest is 25,000 times the least, 2 % for 600 million
// times. Groups of a merge are those of its parts, so merging adds no error.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace berth::metrics {

constexpr size_t kSamplesMax = 512;  // of a period

struct Sample {
  double value = 0;
  double count = 0;
  bool operator==(const Sample&) const = default;
};

struct Statistics {
  double count = 0;
  double sum = 0;
  double min = 0;
  double max = 0;
  // By value. Empty when all are the same (min, then), or when they are not known: a client told
  // nothing but the four above.
  std::vector<Sample> samples{};
  bool operator==(const Statistics&) const = default;

  // Of what is merged, values are known when they are known of both.
  void merge(const Statistics& other);
};

// Of a value that was seen so often.
Statistics statistics_of(double value, double times);

// The values of `statistics`, by value; `single` is room for one. Empty: not known, or none.
std::span<const Sample> known_samples(const Statistics& statistics, Sample& single);

}  // namespace berth::metrics
