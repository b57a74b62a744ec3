// ObjectStore: S3, or what speaks like it, as `environmentFiles.s3` of berth.json leads to it: for
// what this host keeps there. Each call asks for credentials anew: those of before may have
// expired.
#pragma once

#include "agent/aws_client.h"
#include "agent/config.h"
#include "agent/environment_file.h"
#include "aws/http.h"
#include "base/env.h"
#include "base/result.h"

#include <string>

namespace berth::agent {

class ObjectStore {
 public:
  // kNotFound when the configuration names no S3.
  static Status check(const Config& config);
  // Borrows all. Errors as above.
  static Result<ObjectStore> make(const Config& config, aws::Http& http, Clock& clock);

  // Replaces an object of the name. kNotFound, kDenied or kUnavailable with what S3 said.
  Status put(const ObjectName& object, std::string bytes);
  // Whether what is put into the bucket is encrypted there. Errors as above.
  Result<bool> is_encrypted(const std::string& bucket);

 private:
  ObjectStore(const Config& config, aws::Http& http, Clock& clock)
      : config_(config), http_(http), clock_(clock) {}
  Result<aws::HttpResponse> ask(const ObjectRequest& request);

  const Config& config_;
  aws::Http& http_;
  Clock& clock_;
};

}  // namespace berth::agent
