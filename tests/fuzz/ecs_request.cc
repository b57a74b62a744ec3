// A request to ECS: the name of an operation, a line feed, and its body. Over a host on which
// something is there already, so that lookups find it; what comes back is checked, and that nothing
// is a fault of ours.
#include "api/ecs_operations.h"
#include "base/json.h"
#include "tests/fuzz/api_answer.h"
#include "tests/fuzz/targets.h"
#include "tests/support/ecs_host.h"

#include <memory>

namespace berth::fuzz {
namespace {

constexpr size_t kRequestsKept = 500;  // on one host; then there is a new one

class Host : api::EcsHost {
 public:
  Host()
      : EcsHost({.region = "us-east-1",
                 .account = "000000000000",
                 .cpu_units = 2048,
                 .memory_mib = 4096,
                 .security_groups = {"web"}}) {
    for (const char* family : {"web", "far"}) {
      CHECK(ask("RegisterTaskDefinition", std::string(R"({"family": ")") + family + R"(",
        "containerDefinitions": [{"name": "a", "image": "i", "memory": 6}]})"));
    }
    CHECK(ask("RunTask", R"({"taskDefinition": "web"})"));
  }

  api::Answer ask(const std::string& operation, const std::string& body) {
    ++requests_;
    commands_.clear();  // nobody obeys
    return EcsHost::ask(operation, body);
  }
  bool is_full() const { return requests_ > kRequestsKept; }

 private:
  size_t requests_ = 0;
};

}  // namespace

void ecs_request(std::string_view text) {
  static auto host = std::make_unique<Host>();
  if (host->is_full()) host = std::make_unique<Host>();
  size_t end = std::min(text.find('\n'), text.size());
  std::string operation(text.substr(0, end));
  std::string body(text.substr(std::min(end + 1, text.size())));
  check_api_answer(host->ask(operation, body));
}

}  // namespace berth::fuzz
