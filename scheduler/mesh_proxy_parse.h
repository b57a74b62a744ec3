// Reads proxyConfiguration, with the texts of Amazon's agent and its CNI plugin, which AWS asks no
// earlier than at a task's start.
#pragma once

#include "base/json.h"
#include "scheduler/mesh_proxy.h"
#include "scheduler/reader.h"

#include <optional>

namespace berth::scheduler {

constexpr size_t kProxyListMax = 64;  // items of one of its lists

// Nothing when there is none.
std::optional<MeshProxy> read_mesh_proxy(Reader& reader, const json::Node& root);

}  // namespace berth::scheduler
