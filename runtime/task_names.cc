#include "runtime/task_names.h"

#include "sys/file.h"
#include "sys/spawn.h"

#include <cerrno>

namespace berth::runtime {
namespace {

constexpr int kNameAttempts = 10;
constexpr const char* kUnwellSuffix = ".unwell";  // resolver::kUnwell, which runtime/ does not see

// A task may have several records of one name.
std::string entry_of(const NamesPlan& plan, const std::string& task_id, size_t place) {
  return fmt::format("{}/{}/{}-{}", plan.directory, plan.names[place].name, task_id, place);
}

// Directories may go between their making and our filling them: with the last record of another
// task.
Status publish_name(const std::string& directory, const std::string& entry,
                    const std::string& text) {
  for (int attempt = 1;; ++attempt) {
    auto made = sys::make_directories(directory, 0755);
    if (made) made = sys::symlink(text, entry);
    if (made) return made;
    int reason = made.error().errno_value;
    bool again = (reason == ENOENT || reason == EEXIST) && attempt < kNameAttempts;
    if (!again) return made;
    if (reason == EEXIST) TRY(sys::remove_file(entry));
  }
}

}  // namespace

Status publish_names(const NamesPlan& plan, const std::string& task_id) {
  std::string owner = fmt::format("{}:{}", sys::own_pid(), TRY(sys::start_time_of(sys::own_pid())));
  for (size_t i = 0; i < plan.names.size(); ++i) {
    const NamePlan& each = plan.names[i];
    TRY(publish_name(plan.directory + "/" + each.name, entry_of(plan, task_id, i),
                     owner + " " + each.record));
  }
  return {};
}

// In one step, so that there is always one of the two.
Status mark_names(const NamesPlan& plan, const std::string& task_id, NamesHealth health) {
  Status first;
  for (size_t i = 0; i < plan.names.size(); ++i) {
    std::string well = entry_of(plan, task_id, i);
    std::string unwell = well + kUnwellSuffix;
    auto renamed =
        health == NamesHealth::kWell ? sys::rename(unwell, well) : sys::rename(well, unwell);
    if (!renamed && renamed.error().errno_value != ENOENT && first) first = std::move(renamed);
  }
  return first;
}

Status withdraw_names(const NamesPlan& plan, const std::string& task_id) {
  Status first;
  for (size_t i = 0; i < plan.names.size(); ++i) {
    std::string entry = entry_of(plan, task_id, i);
    for (const std::string& path : {entry, entry + kUnwellSuffix}) {
      auto removed = sys::remove_file(path);
      if (!removed && removed.error().errno_value != ENOTDIR && first) first = std::move(removed);
    }
    (void)sys::remove_directory(plan.directory + "/" + plan.names[i].name);  // others may need it
  }
  (void)sys::remove_directory(plan.directory);  // likewise
  return first;
}

}  // namespace berth::runtime
