// LogsService: Amazon CloudWatch Logs over the groups and streams of logs/: what tasks print is
// seen at once, by the events' ids that stay what they are. logs_operations.h lists the operations;
// there is a function for each, in a file for each kind of resource.
//
// A search may read much of a disk, so the service has a thread of its own (Service::is_slow):
// nothing else touches it.
#pragma once

#include "api/logs_operations.h"
#include "api/service.h"
#include "base/env.h"
#include "logs/event_reader.h"

#include <map>
#include <string>

namespace berth::api {

class LogsService final : public Service {
 public:
  // `root`: of berth's durable state.
  LogsService(std::string root, Clock& clock) : root_(std::move(root)), clock_(clock) {}

  Answer answer(const Call& call) override;
  bool is_slow(const Call& /*call*/) const override { return true; }

  // Of a session that answer() began (StartLiveTail): the JSON of its next "sessionUpdate". On the
  // thread of answer().
  Result<std::string> look_at_tail(const std::string& session);
  void end_tail(const std::string& session);

 private:
  logs::EventReader& reader_of(const std::string& region);

  std::string root_;
  Clock& clock_;
  std::map<std::string, logs::EventReader> readers_;  // by region
  cwl::LogsTails tails_;
};

}  // namespace berth::api
