// Identifiers as ECS writes them.
#pragma once

#include "base/env.h"

#include <string>

namespace berth {

// 32 lower-case hexadecimal digits: the form of a task id.
std::string make_task_id(Rng& rng);

// A random (version 4) UUID, RFC 9562, lower case.
std::string make_uuid(Rng& rng);

// `digits` lower-case hexadecimal digits, 1 to 16.
std::string make_hex(Rng& rng, int digits);

}  // namespace berth
