// How a task ended, for the one who waits for it in the foreground.
#pragma once

#include "scheduler/messages.h"
#include "scheduler/model.h"

#include <string>

namespace berth::scheduler {

constexpr int kStartFailedExitCode = 125;  // as docker run and podman run have it
constexpr int kInterruptedExitCode = 130;  // 128 + SIGINT

// The exit code of `berth run` for a STOPPED task: that of the essential container that stopped
// first, whoever decided the stop; kStartFailedExitCode when the task failed to start or that
// container never ran; kInterruptedExitCode for a task that was stopped before any of its essential
// containers ran.
int exit_code_of(const Task& task);

// With how often it was restarted, if it was.
// "web: exit code 137, OutOfMemoryError: Container killed due to memory usage".
std::string summarize(const Container& container);

// "web: UNHEALTHY, exit code 1: connection refused"; the first line of what the check printed.
std::string summarize(const std::string& container, const ContainerHealth& health);

// "web: exit code 3, restarted".
std::string summarize(const ContainerRestarted& restarted);

// "task STOPPED: EssentialContainerExited, Essential container in task exited".
std::string summarize(const Task& task);

}  // namespace berth::scheduler
