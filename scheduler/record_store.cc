#include "scheduler/record_store.h"

namespace berth::scheduler {

Status MemoryRecords::write(const std::vector<Record>& records) {
  for (const Record& record : records) {
    if (record.body) {
      records_.insert_or_assign({record.kind, record.key}, *record.body);
    } else {
      records_.erase({record.kind, record.key});
    }
  }
  return {};
}

Result<std::vector<Record>> MemoryRecords::read(const std::string& kind) const {
  std::vector<Record> found;
  for (const auto& [name, body] : records_) {
    if (name.first == kind) found.push_back({kind, name.second, body});
  }
  return found;
}

}  // namespace berth::scheduler
