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

// "10m", "1.5 GiB", "512" -> bytes, as Docker reads sizes: k, m, g, t and p are powers of `unit`
// (1000 or 1024), whatever follows them. Nothing when malformed or beyond 2^53.
std::optional<uint64_t> parse_docker_size(std::string_view text, uint32_t unit);

// Whether Fargate sells this pair.
bool is_fargate_size(uint32_t cpu, uint32_t memory_mib);

}  // namespace berth::scheduler
