// Values as ECS answers them: the shapes of its public model.
#pragma once

#include "api/ecs_lookup.h"

#include <string>
#include <vector>

namespace berth::api::ecs {

constexpr const char* kPlatformVersion = "1.4.0";  // what LATEST means

// Seconds since 1970 with milliseconds.
double epoch_of(WallTime time);
// "1024": numbers of tasks and containers are texts.
Json tags_json(const std::vector<scheduler::KeyValue>& tags);
// A text of JSON that was checked when it came; the empty list for "".
Json stored_json(const std::string& text);
Json failures_json(const std::vector<Failure>& failures);

enum class Tags { kWithout, kWith };

// Attachment, tags and all.
Json task_json(const Ecs& ecs, const scheduler::Task& task, Tags tags);

Json cluster_json(const Ecs& ecs, const scheduler::Cluster& cluster,
                  const std::vector<std::string>& include);

// TaskDefinition; its tags stand beside it.
Json revision_json(const Ecs& ecs, const scheduler::Revision& revision);

Json container_instance_json(const Ecs& ecs, const scheduler::Cluster& cluster, Tags tags);

// The zone of all that is here: there is one.
std::string availability_zone_of(const Ecs& ecs);

}  // namespace berth::api::ecs
