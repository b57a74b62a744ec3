// Where errors of berth-oci go, in runc's formats.
#pragma once

#include "base/result.h"
#include "oci/command_line.h"

namespace berth::oci {

// One line {"level":"error","msg":...,"time":...} (--log-format json) or time=... level=error
// msg=... at the end of the file of --log, and the bare words on standard error. Without --log the
// words alone, or with --log-format json that line, on standard error.
void report(const Given& global, const Error& error);

// Sends the warnings of the libraries to the file of --log, in its format, when there is one: the
// standard error of `create` is the container's. Without --log they stay on standard error.
void log_warnings(const Given& global);

}  // namespace berth::oci
