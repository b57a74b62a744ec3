// x-berth-dependsOn, berth's own member of CreateService and UpdateService: services of the same
// cluster that are to be steady before the first task of this one starts. SDKs let no unknown
// member through; the tag of the same name, names with spaces between, says the same.
#pragma once

#include "api/ecs_service_ask.h"

namespace berth::api::ecs {

inline constexpr const char* kDependsOn = "x-berth-dependsOn";
// Likewise of UpdateService: true freezes the tasks of the service until it is false again.
inline constexpr const char* kHold = "x-berth-hold";
// Likewise: [{"containerName": "web", "command": ["drain"]}], what runs in a container before its
// stop signal, within its stopTimeout.
inline constexpr const char* kPreStop = "x-berth-preStop";

// Into the draft; an absent member keeps. Refused: a service that is not there, and a circle.
void read_dependencies(const Ecs& ecs, Ask& ask, ServiceDraft& draft);
void read_hold(Ask& ask, ServiceDraft& draft);
// Likewise, of the draft's revision: another one is a deployment. What it names is checked once its
// definition is known.
void read_pre_stop(Ask& ask, ServiceDraft& draft);
void check_pre_stop(Ask& ask, const ServiceDraft& draft);

}  // namespace berth::api::ecs
