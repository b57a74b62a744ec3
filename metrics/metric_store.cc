#include "metrics/metric_store.h"

#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "sys/file.h"

#include <fcntl.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

namespace berth::metrics {
namespace {

using LineJson = nlohmann::ordered_json;

constexpr size_t kDataFileMax = 512 * 1024 * 1024;
constexpr uint64_t kAppendedMax = 16 * 1024 * 1024;
constexpr size_t kLineValues = 9;  // and one more when there are samples
// How many are left when there were too many, so that it is not often.
constexpr size_t kThinnedSamples = kStoredSamplesMax / 8 * 7;

int64_t seconds_of(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

int64_t begin_of(int64_t at, int64_t period) {
  return at - (at % period + period) % period;
}

std::string render_line(const MetricName& name, const std::string& unit, int64_t at,
                        const Statistics& statistics) {
  LineJson dimensions = LineJson::object();
  for (const auto& [key, value] : name.dimensions) dimensions[key] = value;
  LineJson line = {name.space,       name.name,      std::move(dimensions), unit,          at,
                   statistics.count, statistics.sum, statistics.min,        statistics.max};
  if (!statistics.samples.empty()) {
    LineJson samples = LineJson::array();
    for (const Sample& sample : statistics.samples) {
      samples.push_back(sample.value);
      samples.push_back(sample.count);
    }
    line.push_back(std::move(samples));
  }
  return line.dump(-1, ' ', false, LineJson::error_handler_t::replace) + "\n";
}

Result<std::vector<Sample>> parse_samples(const json::Node& node) {
  std::vector<Sample> samples;
  auto values = TRY(node.as_array());
  if (values.size() % 2 != 0 || values.size() > 2 * kSamplesMax) {
    return fail(Errc::kCorrupt, "metric: {} values and counts", values.size());
  }
  for (size_t i = 0; i < values.size(); i += 2) {
    Sample sample{.value = TRY(values[i].as_double()), .count = TRY(values[i + 1].as_double())};
    bool is_next = samples.empty() || samples.back().value < sample.value;
    if (!is_next || !(sample.count > 0)) return fail(Errc::kCorrupt, "metric: {}", node.path());
    samples.push_back(sample);
  }
  return samples;
}

Result<Datum> parse_line(std::string_view text) {
  auto document = TRY(json::Document::parse(text, {.name = "metric"}));
  auto values = TRY(document.root().as_array());
  if (values.size() != kLineValues && values.size() != kLineValues + 1)
    return fail(Errc::kCorrupt, "metric: not {} values", kLineValues);
  Datum datum;
  datum.name.space = TRY(values[0].as_string());
  datum.name.name = TRY(values[1].as_string());
  for (auto& [key, value] : TRY(values[2].as_string_map())) {
    datum.name.dimensions[key] = std::move(value);
  }
  datum.unit = TRY(values[3].as_string());
  datum.at = TRY(values[4].as_i64());
  datum.statistics.count = TRY(values[5].as_double());
  datum.statistics.sum = TRY(values[6].as_double());
  datum.statistics.min = TRY(values[7].as_double());
  datum.statistics.max = TRY(values[8].as_double());
  if (values.size() > kLineValues) datum.statistics.samples = TRY(parse_samples(values[9]));
  return datum;
}

}  // namespace

Result<MetricStore> MetricStore::open(const std::string& root, WallTime now) {
  TRY(sys::make_directories(root + "/metrics", 0700));
  MetricStore store(root + "/metrics/data.log");
  TRY(store.load());
  store.forget(now);
  TRY(store.rewrite());
  return store;
}

Status MetricStore::load() {
  if (!sys::exists(path_)) return {};
  std::string text = TRY(sys::read_file(path_, kDataFileMax));
  size_t damaged = 0;
  size_t start = 0;
  for (size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', start)) {
    auto datum = parse_line(std::string_view(text).substr(start, end - start));
    if (datum) put(*datum);
    if (!datum) ++damaged;
    start = end + 1;
  }
  if (damaged > 0) LOG(kWarn, "metrics that cannot be read", {{"lines", damaged}});
  return {};
}

void MetricStore::put(const Datum& datum) {
  merge_into(series_[{datum.name, datum.unit}][begin_of(datum.at, kMinute)], datum.statistics);
  if (samples_ > kStoredSamplesMax) thin();
}

void MetricStore::merge_into(Statistics& statistics, const Statistics& more) {
  samples_ -= statistics.samples.size();
  statistics.merge(more);
  samples_ += statistics.samples.size();
}

// The values of the oldest periods go: what is asked for is mostly recent.
void MetricStore::thin() {
  std::vector<std::pair<int64_t, Statistics*>> periods;
  for (auto& [key, series] : series_) {
    for (auto& [at, statistics] : series) {
      if (!statistics.samples.empty()) periods.emplace_back(at, &statistics);
    }
  }
  std::ranges::sort(periods, {}, &std::pair<int64_t, Statistics*>::first);
  for (auto& [at, statistics] : periods) {
    if (samples_ <= kThinnedSamples) break;
    samples_ -= statistics->samples.size();
    std::vector<Sample>().swap(statistics->samples);
  }
}

// What is over goes, what is of before a day is put together.
void MetricStore::forget(WallTime now) {
  int64_t fine = begin_of(seconds_of(now) - kFineSeconds, kFiveMinutes);
  int64_t oldest = seconds_of(now) - kKeptSeconds;
  for (auto each = series_.begin(); each != series_.end();) {
    Series& series = each->second;
    auto kept = series.lower_bound(oldest);
    for (auto gone = series.begin(); gone != kept; gone = series.erase(gone)) {
      samples_ -= gone->second.samples.size();
    }
    for (auto point = series.begin(); point != series.end() && point->first < fine;) {
      int64_t begin = begin_of(point->first, kFiveMinutes);
      if (begin != point->first) {
        merge_into(series[begin], point->second);
        samples_ -= point->second.samples.size();
        point = series.erase(point);
      } else {
        ++point;
      }
    }
    each = series.empty() ? series_.erase(each) : std::next(each);
  }
}

Status MetricStore::rewrite() {
  std::string text;
  for (const auto& [key, series] : series_) {
    for (const auto& [at, statistics] : series) {
      text += render_line(key.first, key.second, at, statistics);
    }
  }
  appended_ = 0;
  return sys::write_atomic(path_, text, 0600);
}

Status MetricStore::add(const std::vector<Datum>& data, Durability durability, WallTime now) {
  std::set<Key> made;
  for (const Datum& datum : data) {
    if (!series_.contains({datum.name, datum.unit})) made.insert({datum.name, datum.unit});
  }
  if (series_.size() + made.size() > kSeriesMax) {
    return fail(Errc::kExhausted, "there are {} metrics, and no more than {} are kept",
                series_.size(), kSeriesMax);
  }
  std::string lines;
  for (const Datum& datum : data) {
    lines += render_line(datum.name, datum.unit, begin_of(datum.at, kMinute), datum.statistics);
  }
  auto fd = TRY(sys::create(path_, O_WRONLY | O_APPEND, 0600));
  TRY(sys::write_all(fd.get(), lines));
  if (durability == Durability::kSynced) TRY(sys::fsync(fd.get(), path_));
  for (const Datum& datum : data) put(datum);
  appended_ += lines.size();
  if (appended_ < kAppendedMax) return {};
  forget(now);
  return rewrite();
}

std::vector<Point> MetricStore::read(const MetricName& name, const std::string& unit,
                                     const Window& window) const {
  std::map<std::pair<int64_t, std::string>, Statistics> periods;
  for (auto each = series_.lower_bound({name, ""}); each != series_.end(); ++each) {
    const auto& [key, series] = *each;
    if (!(key.first == name)) break;
    if (!unit.empty() && key.second != unit) continue;
    for (auto point = series.lower_bound(window.start);
         point != series.end() && point->first < window.end; ++point) {
      periods[{begin_of(point->first, window.period), key.second}].merge(point->second);
    }
  }
  std::vector<Point> points;
  for (const auto& [key, statistics] : periods)
    points.push_back({key.first, key.second, statistics});
  return points;
}

std::vector<MetricName> MetricStore::names() const {
  std::vector<MetricName> names;
  for (const auto& [key, series] : series_) {
    if (names.empty() || !(names.back() == key.first)) names.push_back(key.first);
  }
  return names;
}

}  // namespace berth::metrics
