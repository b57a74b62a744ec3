// A request to CloudWatch Logs, Secrets Manager or the Parameter Store: the service, a space, the
// operation, a line feed, and the body. Over stores in which something is there already; what comes
// back is checked, and that nothing is a fault of ours.
#include "api/logs_service.h"
#include "api/secrets_service.h"
#include "api/ssm_service.h"
#include "base/json.h"
#include "sys/file.h"
#include "tests/fuzz/api_answer.h"
#include "tests/fuzz/targets.h"

#include <map>
#include <memory>

namespace berth::fuzz {
namespace {

constexpr size_t kAwsRequestsKept = 500;  // of one host; then there is a new one

class AwsHost {
 public:
  AwsHost() {
    ask("logs", "CreateLogGroup", R"({"logGroupName": "g"})");
    ask("logs", "CreateLogStream", R"({"logGroupName": "g", "logStreamName": "s"})");
    ask("logs", "PutLogEvents", R"({"logGroupName": "g", "logStreamName": "s", "logEvents": [
      {"timestamp": 1700000000000, "message": "ERROR a"},
      {"timestamp": 1700000000001, "message": "{\"a\": {\"b\": [1, null]}}"}]})");
    ask("secretsmanager", "CreateSecret", R"({"Name": "a", "SecretString": "1"})");
    ask("ssm", "PutParameter", R"({"Name": "/a/b", "Value": "1", "Type": "String"})");
  }

  api::Answer ask(const std::string& service, const std::string& operation,
                  const std::string& body) {
    ++requests_;
    api::Call call{.operation = operation, .body = body, .at = clock_.wall()};
    call.caller = {"123456789012", "eu-west-1", "arn:aws:iam::123456789012:root", "AK"};
    auto found = services_.find(service);
    return (found == services_.end() ? services_.begin() : found)->second->answer(call);
  }
  bool is_full() const { return requests_ > kAwsRequestsKept; }

 private:
  sys::TemporaryDirectory directory_ =
      sys::TemporaryDirectory::make("/dev/shm", "berth-fuzz-").value();
  ManualClock clock_;
  SeededRng rng_{1};
  secrets::SecretStore store_{directory_.path()};
  api::Host host_{"123456789012", "eu-west-1"};
  api::LogsService logs_{directory_.path(), clock_};
  api::SecretsService secrets_{store_, host_, Env{clock_, rng_}};
  api::SsmService ssm_{store_, host_, Env{clock_, rng_}};
  std::map<std::string, api::Service*> services_{
      {"logs", &logs_}, {"secretsmanager", &secrets_}, {"ssm", &ssm_}};
  size_t requests_ = 0;
};

}  // namespace

void aws_request(std::string_view text) {
  static auto host = std::make_unique<AwsHost>();
  if (host->is_full()) host = std::make_unique<AwsHost>();
  size_t end = std::min(text.find('\n'), text.size());
  size_t space = std::min(text.find(' '), end);
  std::string service(text.substr(0, space));
  std::string operation(text.substr(std::min(space + 1, end), end - std::min(space + 1, end)));
  std::string body(text.substr(std::min(end + 1, text.size())));
  check_api_answer(host->ask(service, operation, body));
}

}  // namespace berth::fuzz
