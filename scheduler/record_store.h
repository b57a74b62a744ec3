// RecordStore: where values that change seldom are kept, as texts under a kind and a key.
#pragma once

#include "base/result.h"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace berth::scheduler {

struct Record {
  std::string kind{};  // "cluster"
  std::string key{};
  std::optional<std::string> body{};  // nothing: the record goes
  bool operator==(const Record&) const = default;
};

class RecordStore {
 public:
  virtual ~RecordStore() = default;
  // All or nothing, and durable when it returns.
  virtual Status write(const std::vector<Record>& records) = 0;
  // All of a kind, in text order of their keys.
  virtual Result<std::vector<Record>> read(const std::string& kind) const = 0;
};

// Lives as long as its process: tests.
class MemoryRecords final : public RecordStore {
 public:
  Status write(const std::vector<Record>& records) override;
  Result<std::vector<Record>> read(const std::string& kind) const override;

 private:
  std::map<std::pair<std::string, std::string>, std::string> records_;
};

}  // namespace berth::scheduler
