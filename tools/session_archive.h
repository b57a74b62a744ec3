// SessionArchive: what a session of ExecuteCommand shows, as an object of S3 once the session is
// over.
#pragma once

#include "agent/object_store.h"
#include "aws/curl_http.h"
#include "base/env.h"
#include "base/result.h"

#include <memory>
#include <string>
#include <string_view>

namespace berth::tools {

constexpr size_t kSessionArchiveMax =
    16 * 1024 * 1024;  // bytes; what is shown after that is not kept

// Where it goes.
struct ArchivePlace {
  std::string bucket;
  std::string key;
  bool must_be_encrypted = false;  // by the bucket
  bool operator==(const ArchivePlace&) const = default;
};

class SessionArchive {
 public:
  // kInvalid, in Session Manager's words, when the bucket is to encrypt and does not. `config` and
  // `clock` are borrowed.
  static Result<SessionArchive> begin(const agent::Config& config, ArchivePlace place,
                                      Clock& clock);

  void add(std::string_view bytes);
  // The object is there when it returns.
  Status finish();

 private:
  SessionArchive(std::unique_ptr<aws::CurlHttp> http, agent::ObjectStore store, ArchivePlace place)
      : http_(std::move(http)), store_(std::move(store)), place_(std::move(place)) {}

  std::unique_ptr<aws::CurlHttp> http_;  // the store borrows it
  agent::ObjectStore store_;
  ArchivePlace place_;
  std::string text_;
  bool is_cut_ = false;
};

}  // namespace berth::tools
