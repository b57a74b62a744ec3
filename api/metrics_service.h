// MetricsService: Amazon CloudWatch's metrics and alarms, over the figures of this host's tasks and
// what clients put. metrics_operations.h lists the operations. It speaks JSON (as SDKs of today)
// and the query protocol (as those of before): an operation is written once, for JSON
// (api/query_form.h).
#pragma once

#include "api/authentication.h"
#include "api/service.h"
#include "base/env.h"
#include "metrics/alarm_book.h"
#include "metrics/metric_store.h"

#include <functional>
#include <utility>

namespace berth::api {

class MetricsService final : public Service {
 public:
  // Borrows the first two.
  MetricsService(metrics::MetricStore& store, metrics::AlarmBook& alarms, Host host)
      : store_(store), alarms_(alarms), host_(std::move(host)) {}

  Answer answer(const Call& call) override;

  // Who hears that a client may have changed the state of an alarm.
  void watch(std::function<void()> sink) { sink_ = std::move(sink); }

 private:
  metrics::MetricStore& store_;
  metrics::AlarmBook& alarms_;
  Host host_;
  std::function<void()> sink_{};
};

}  // namespace berth::api
