// Reads the items of `volumes`.
#pragma once

#include "scheduler/reader.h"
#include "scheduler/volume.h"

namespace berth::scheduler {

Volume read_volume(Reader& reader, const json::Node& node);

}  // namespace berth::scheduler
