// What the operations about alarms of both kinds share.
#pragma once

#include "api/metrics_operations.h"

namespace berth::api::cw {

// AlarmName, AlarmDescription, ActionsEnabled and the actions; both times are now.
void read_alarm_base(const Metrics& metrics, Ask& ask, metrics::AlarmBase& alarm);
// A new configuration changes no state by itself, and no tags.
void keep_state(const metrics::AlarmBase& old, metrics::AlarmBase& alarm);
// Whatever kept the book from changing, in CloudWatch's words.
void refuse_alarm(Ask& ask, const Status& status);

Json alarm_base_json(const Metrics& metrics, const Ask& ask, const metrics::AlarmBase& alarm);
Json alarm_json(const Metrics& metrics, const Ask& ask, const metrics::Alarm& alarm);
Json composite_json(const Metrics& metrics, const Ask& ask, const metrics::CompositeAlarm& alarm);

}  // namespace berth::api::cw
