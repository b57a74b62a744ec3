// EventsService: the part of Amazon EventBridge that runs tasks by the clock. events_operations.h
// lists the operations, rule_engine.h has what they lead to.
#pragma once

#include "api/authentication.h"
#include "api/rule_engine.h"
#include "api/service.h"

#include <functional>
#include <utility>

namespace berth::api {

class EventsService final : public Service {
 public:
  // Borrows `engine`. `changed`: rules may be due at other times now.
  EventsService(RuleEngine& engine, Host host, std::function<void()> changed)
      : engine_(engine), host_(std::move(host)), changed_(std::move(changed)) {}

  Answer answer(const Call& call) override;

 private:
  RuleEngine& engine_;
  Host host_;
  std::function<void()> changed_;
};

}  // namespace berth::api
