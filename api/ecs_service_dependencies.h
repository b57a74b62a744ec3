// x-berth-dependsOn, berth's own member of CreateService and UpdateService: services of the same
// cluster that are to be steady before the first task of this one starts. SDKs let no unknown
// member through; the tag of the same name, names with spaces between, says the same.
#pragma once

#include "api/ecs_service_ask.h"

namespace berth::api::ecs {

inline constexpr const char* kDependsOn = "x-berth-dependsOn";

// Into the draft; an absent member keeps. Refused: a service that is not there, and a circle.
void read_dependencies(const Ecs& ecs, Ask& ask, ServiceDraft& draft);

}  // namespace berth::api::ecs
