// ECS's ways to write a task's size: strings with or without a unit.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace berth::scheduler {

// "1024", "1 vCPU", ".5 vcpu" -> units (1024 for one CPU). Nothing when malformed or out of
// 128 to 196608.
std::optional<uint32_t> parse_task_cpu(std::string_view text);

// "2048", "2GB", "0.5 GB" -> MiB. Nothing when malformed, zero or above 16 TiB.
std::optional<uint32_t> parse_task_memory(std::string_view text);

// Whether Fargate sells this pair.
bool is_fargate_size(uint32_t cpu, uint32_t memory_mib);

}  // namespace berth::scheduler
