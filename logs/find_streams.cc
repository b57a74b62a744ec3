#include "logs/find_streams.h"

#include "logs/log_store.h"
#include "sys/file.h"

namespace berth::logs {

Result<std::vector<StreamPlace>> find_streams(
    const std::string& root, const std::function<bool(const std::string& stream)>& accepts) {
  std::vector<StreamPlace> found;
  std::string regions = root + "/log-groups";
  if (!sys::exists(regions)) return found;
  for (const std::string& region : TRY(sys::list_directory(regions))) {
    LogStore store(root, region);
    for (const LogGroup& group : TRY(store.list_groups(""))) {
      for (const LogStreamInfo& stream : TRY(store.list_streams(group.name, ""))) {
        if (accepts(stream.name)) found.push_back({region, group.name, stream.name});
      }
    }
  }
  return found;
}

}  // namespace berth::logs
