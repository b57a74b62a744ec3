// ScalingService: Application Auto Scaling of the desired counts of ECS services.
// scaling_operations.h lists the operations, scaling_engine.h has what they lead to.
#pragma once

#include "api/authentication.h"
#include "api/service.h"

#include <functional>
#include <utility>

namespace berth::api {

class ScalingEngine;

class ScalingService final : public Service {
 public:
  // Borrows `engine`. `changed`: schedules may be due at other times now.
  ScalingService(ScalingEngine& engine, Host host, std::function<void()> changed)
      : engine_(engine), host_(std::move(host)), changed_(std::move(changed)) {}

  Answer answer(const Call& call) override;

 private:
  ScalingEngine& engine_;
  Host host_;
  std::function<void()> changed_;
};

}  // namespace berth::api
