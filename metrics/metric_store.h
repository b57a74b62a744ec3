// MetricStore: figures by name, dimensions, unit and time, kept for 15 days: by the minute for one
// day, by five minutes before that.
//
//   <root>/metrics/data.log    a JSON array a line, appended to, and written anew when it has
//   grown:
//     [namespace, name, {dimensions}, unit, minute, count, sum, minimum, maximum]
//     [..., maximum, [value, how often, value, how often, ...]]
//     the latter when its values differ and are known (metrics/statistics.h)
//
// All of it is in memory as well; reading asks no disk. What cannot be read of the file (a line
// that a power cut has cut) is passed over.
#pragma once

#include "base/env.h"
#include "base/result.h"
#include "metrics/metric_name.h"
#include "metrics/statistics.h"

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace berth::metrics {

constexpr size_t kSeriesMax = 1000;
// Of all series together (16 MiB). Beyond it the oldest periods are left with count, sum and
// extremes.
constexpr size_t kStoredSamplesMax = size_t{1} << 20;
constexpr int64_t kMinute = 60;  // seconds
constexpr int64_t kFiveMinutes = 5 * kMinute;
constexpr int64_t kFineSeconds = 24 * 3600;
constexpr int64_t kKeptSeconds = 15 * 24 * 3600;

struct Datum {
  MetricName name;
  std::string unit = "None";
  int64_t at = 0;  // seconds since 1970
  Statistics statistics;
};

struct Window {
  int64_t start = 0;  // seconds; from here on
  int64_t end = 0;    // up to, and without
  int64_t period = kMinute;
};

struct Point {
  int64_t at = 0;  // when the period began
  std::string unit;
  Statistics statistics;
};

enum class Durability { kSynced, kWritten };

class MetricStore {
 public:
  // Makes its directory. kCorrupt never: what is damaged is passed over.
  static Result<MetricStore> open(const std::string& root, WallTime now);

  // kExhausted when there would be more than kSeriesMax series.
  Status add(const std::vector<Datum>& data, Durability durability, WallTime now);
  // By time; periods without data are left out. `unit` "": each.
  std::vector<Point> read(const MetricName& name, const std::string& unit,
                          const Window& window) const;
  // Those that had data within the time that is kept.
  std::vector<MetricName> names() const;

 private:
  using Series = std::map<int64_t, Statistics>;  // by the beginning of the minute, or of five
  using Key = std::pair<MetricName, std::string>;

  explicit MetricStore(std::string path) : path_(std::move(path)) {}
  Status load();
  void put(const Datum& datum);
  void merge_into(Statistics& statistics, const Statistics& more);
  void forget(WallTime now);
  void thin();
  Status rewrite();

  std::string path_;
  std::map<Key, Series> series_;
  size_t samples_ = 0;     // in all series
  uint64_t appended_ = 0;  // bytes since it was written anew
};

}  // namespace berth::metrics
