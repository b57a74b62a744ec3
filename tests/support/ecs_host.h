// ECS over a scheduler in memory whose agent is the test: what is asked of it, and what it told its
// agent to do.
#pragma once

#include "api/ecs_service.h"
#include "scheduler/catalog.h"
#include "scheduler/core.h"
#include "scheduler/record_store.h"
#include "scheduler/store.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace berth::api {

class EcsHost {
 protected:
  explicit EcsHost(EcsSettings settings) : settings_(std::move(settings)) { open(); }

  // Another process over the same records and tasks.
  void open() {
    catalog_ = std::move(scheduler::Catalog::open(records_, rng_, clock_.wall()).value());
    core_ = std::make_unique<scheduler::Core>(store_, rng_);
    service_ = std::make_unique<EcsService>(*core_, *catalog_, Env{clock_, rng_}, settings_,
                                            [this] { return step(); });
  }

  Status step() {
    for (scheduler::Command& command : TRY(core_->step(clock_.wall()))) {
      commands_.push_back(std::move(command));
    }
    return {};
  }

  // As the root of the account.
  Answer ask(const std::string& operation, const std::string& body) {
    Call call{.operation = operation, .body = body, .at = clock_.wall()};
    call.caller = {.account = settings_.account,
                   .region = settings_.region,
                   .arn = "arn:aws:iam::" + settings_.account + ":root",
                   .key_id = "AK"};
    return service_->answer(call);
  }

  EcsSettings settings_;
  ManualClock clock_;
  SeededRng rng_{1};
  scheduler::MemoryStore store_;
  scheduler::MemoryRecords records_;
  std::unique_ptr<scheduler::Catalog> catalog_;
  std::unique_ptr<scheduler::Core> core_;
  std::unique_ptr<EcsService> service_;
  std::vector<scheduler::Command> commands_;
};

}  // namespace berth::api
