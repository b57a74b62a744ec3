// What anybody who reaches the API's port may send: the door answers each request, refuses all of
// them (none is signed by its key), and what it says is well-formed. Some refusals have no message,
// as Amazon's have none.
#include "api/front_door.h"

#include "api/cbor.h"
#include "api/sts.h"
#include "aws/xml.h"
#include "base/json.h"
#include "http/request_reader.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/targets.h"

namespace berth::fuzz {
namespace {

class Unreachable final : public api::Service {
 public:
  api::Answer answer(const api::Call&) override {
    CHECK(false);
    return {};
  }
};

void check_response(const http::Response& response) {
  CHECK(response.status >= 400 && response.status < 500);
  if (response.content_type == "text/xml") {
    auto values = aws::parse_xml(response.body);
    CHECK(values && !(*values)["ErrorResponse/Error/Code"].empty());
    return;
  }
  if (response.content_type == "application/cbor") {
    auto told = api::json_of_cbor(response.body, 2);
    CHECK(told && told->find("__type") != std::string::npos);
    return;
  }
  auto body = json::Document::parse(response.body, {.name = "answer"});
  CHECK(body && !body->root().string_at("__type").value_or("").empty());
}

}  // namespace

void front_door(std::string_view text) {
  http::RequestReader reader(http::kBodyMax);
  reader.add(text);
  auto request = reader.next();
  if (!request || !*request) return;
  ManualClock clock;
  SeededRng rng(1);
  Env env{clock, rng};
  api::RootKey key{"AKIATESTTESTTESTTEST", Secret("never used to sign")};
  api::FrontDoor door(key, {"123456789012", "us-east-1"}, env);
  Unreachable ecs;
  Unreachable sts;
  door.open("ecs", ecs);
  door.open("sts", sts);
  check_response(door.answer(**request, api::Entrance::kSigned));
  // Who is trusted reaches a service, which must not crash either.
  api::Sts real(key, env);
  api::FrontDoor trusting(key, {"123456789012", "us-east-1"}, env);
  trusting.open("sts", real);
  auto response = trusting.answer(**request, api::Entrance::kTrusted);
  CHECK(response.status < 500);
  if (response.content_type == "text/xml") CHECK(aws::parse_xml(response.body).has_value());
}

}  // namespace berth::fuzz
