// Reads the items of `volumes`.
#pragma once

#include "scheduler/reader.h"
#include "scheduler/volume.h"

namespace berth::scheduler {

Volume read_volume(Reader& reader, const json::Node& node);

// ephemeralStorage of a task definition or of overrides; nothing when it is absent or at fault.
std::optional<uint32_t> read_ephemeral_storage(Reader& reader, const json::Node& root);

}  // namespace berth::scheduler
