// Under which names a task is found while it runs: the writing side of resolver/names.h.
#pragma once

#include "base/result.h"
#include "runtime/task_plan.h"

#include <string>

namespace berth::runtime {

// As records that count while this process lives. May run twice.
Status publish_names(const NamesPlan& plan, const std::string& task_id);
// A task that is not well is told of only where no other one of the name is (resolver/names.h). May
// run twice, and before or after the others.
enum class NamesHealth { kWell, kUnwell };
Status mark_names(const NamesPlan& plan, const std::string& task_id, NamesHealth health);
// Takes them away, by whomever they were published, and directories that nobody needs any more.
// May run twice.
Status withdraw_names(const NamesPlan& plan, const std::string& task_id);

}  // namespace berth::runtime
