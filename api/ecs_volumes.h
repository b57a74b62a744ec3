// volumeConfigurations: what RunTask, StartTask and services say of volumes that their task
// definition leaves to be configured at launch.
#pragma once

#include "api/ecs_ask.h"
#include "api/ecs_operations.h"
#include "api/ecs_shapes.h"
#include "scheduler/catalog.h"
#include "scheduler/model.h"

namespace berth::api::ecs {

enum class VolumesOf { kTask, kService };

// Into the request's volumes_json, for the launch type that it has; nothing changes when nothing is
// said, and an empty list clears. Refused with AWS's ranges and words.
void read_volumes(Ask& ask, scheduler::TaskRequest& request, VolumesOf whose);

// Of services whose task sets say what runs: neither they nor those have any.
void refuse_volumes(Ask& ask);

// Tags that propagateTags TASK_DEFINITION asks for are added to those of the volumes.
void add_definition_tags(scheduler::TaskRequest& request, const scheduler::Revision& revision);

// That the request configures the volumes which the definition leaves to it, and no others.
void check_volumes(Ask& ask, const scheduler::TaskRequest& request,
                   const scheduler::TaskDefinition& definition);

// The Attachment of a task's volume; null when it has none.
Json volume_attachment_json(const scheduler::Task& task);

}  // namespace berth::api::ecs
