#include "api/front_door.h"

#include "api/session.h"
#include "api/sts.h"
#include "support/front_door.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <stdexcept>

namespace berth::api {
namespace {

using nlohmann::json;

// Answers with what it was asked.
class Echo final : public Service {
 public:
  Answer answer(const Call& call) override {
    last = call;
    if (call.operation == "Conflict") {
      return tl::unexpected(
          Refusal{.code = "ConflictException", .message = "twice", .resource_ids = {"arn:1"}});
    }
    if (call.operation == "Throw") throw std::runtime_error("a bug");
    if (call.operation == "Unheard") return tl::unexpected(unknown_operation(call.operation));
    return "{\"said\":" + call.body + "}";
  }
  std::optional<Call> last;
};

// A service that may be asked in CBOR, and has no idea of it.
class MetricsEcho final : public Service {
 public:
  Answer answer(const Call& call) override {
    last = call;
    if (call.operation == "Nothing") return "{}";
    if (call.operation != "Refused") return R"({"Timestamp":1})";
    return tl::unexpected(Refusal{
        .code = "ResourceNotFoundException", .message = "gone", .query_code = "ResourceNotFound"});
  }
  std::optional<Call> last;
};

const std::string kTarget = "AmazonEC2ContainerServiceV20141113.";

class FrontDoorTest : public testing::Test {
 protected:
  FrontDoorTest() {
    door_.open("ecs", echo_);
    door_.open("sts", sts_);
  }

  http::Response ask(const http::Request& request) {
    return door_.answer(request, Entrance::kSigned);
  }
  Signing signing() { return {.time = clock_.wall()}; }
  std::string error_of(const http::Response& response) {
    if (response.status == 200) return "";
    std::string code = json::parse(response.body).at("__type");
    EXPECT_EQ(response.headers.at("X-Amzn-ErrorType"), code);
    return code;
  }

  ManualClock clock_;
  SeededRng rng_{7};
  Env env_{clock_, rng_};
  Echo echo_;
  Sts sts_{test_key(), env_};
  FrontDoor door_{test_key(), test_host(), env_};
};

TEST_F(FrontDoorTest, WhatCannotBeUnpackedReachesNoService) {
  http::Request packed = json_request(kTarget + "RunTask", "{}");
  packed.headers["content-encoding"] = "br";
  http::Response response = ask(sign(packed, signing()));
  EXPECT_EQ(response.status, 415);
  EXPECT_EQ(error_of(response), "UnsupportedMediaTypeException");
  packed.headers["content-encoding"] = "gzip";
  response = ask(sign(packed, signing()));
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(error_of(response), "SerializationException");
  EXPECT_FALSE(echo_.last);
}

TEST_F(FrontDoorTest, ABodyMayGoUnsignedButNotInSignedPieces) {
  http::Request request = json_request(kTarget + "RunTask", "{}");
  Signing signing{.time = clock_.wall(), .told_hash = "UNSIGNED-PAYLOAD"};
  EXPECT_EQ(ask(sign(request, signing)).status, 200);
  EXPECT_EQ(echo_.last->body, "{}");
  echo_.last.reset();
  signing.told_hash = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
  http::Response response = ask(sign(request, signing));
  EXPECT_EQ(response.status, 400);
  EXPECT_NE(response.body.find("payloads signed in chunks"), std::string::npos) << response.body;
  request.headers["content-encoding"] = "aws-chunked";
  response = ask(sign(request, signing));
  EXPECT_EQ(response.status, 415);
  EXPECT_NE(response.body.find("aws-chunked"), std::string::npos) << response.body;
  EXPECT_FALSE(echo_.last);
}

TEST_F(FrontDoorTest, SpeaksCborToWhoAsksForIt) {
  MetricsEcho metrics;
  door_.open("monitoring", metrics);
  Signing signing{.service = "monitoring", .time = clock_.wall()};
  http::Request request{
      .method = "POST",
      .path = "/service/GraniteServiceVersion20100801/operation/GetMetricStatistics"};
  request.headers = {{"smithy-protocol", "rpc-v2-cbor"}, {"content-type", "application/cbor"}};
  request.body = std::string("\xa1\x61n\xf9\x3e\x00", 6);  // {"n": 1.5}
  http::Response response = ask(sign(with_host(request), signing));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(metrics.last->body, R"({"n":1.5})");
  EXPECT_EQ(response.content_type, "application/cbor");
  EXPECT_EQ(response.headers.at("smithy-protocol"), "rpc-v2-cbor");
  EXPECT_EQ(response.body, std::string("\xa1\x69Timestamp\xc1\x01", 13));

  request.path = "/service/GraniteServiceVersion20100801/operation/Refused";
  response = ask(sign(with_host(request), signing));
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.headers.at("x-amzn-query-error"), "ResourceNotFound;Sender");
  json refused = json::from_cbor(response.body);
  EXPECT_EQ(refused["__type"], "com.amazonaws.cloudwatch#ResourceNotFoundException");
  EXPECT_EQ(refused["message"], "gone");

  request.path = "/service/GraniteServiceVersion20100801/operation/Nothing";
  response = ask(sign(with_host(request), signing));
  EXPECT_EQ(response.content_type + response.body, "");

  metrics.last.reset();
  request.body = "\xa1";
  response = ask(sign(with_host(request), signing));
  EXPECT_EQ(json::from_cbor(response.body)["__type"],
            "com.amazonaws.cloudwatch#SerializationException");
  request.path = "/service/Nobody/operation/Nothing";
  response = ask(sign(with_host(request), signing));
  EXPECT_EQ(json::from_cbor(response.body)["__type"], "UnknownOperationException");
  EXPECT_FALSE(metrics.last);
}

TEST_F(FrontDoorTest, GivesAServiceWhatWasSentAndBySigningWhoSentIt) {
  auto response = ask(sign(json_request(kTarget + "RunTask", "{\"count\":2}"), signing()));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "application/x-amz-json-1.1");
  EXPECT_EQ(response.body, "{\"said\":{\"count\":2}}");
  EXPECT_EQ(response.headers.at("x-amzn-RequestId").size(), 36u);
  ASSERT_TRUE(echo_.last);
  EXPECT_EQ(echo_.last->operation, "RunTask");
  EXPECT_EQ(echo_.last->caller,
            (Caller{"123456789012", "eu-west-1", "arn:aws:iam::123456789012:root", test_key().id}));
  EXPECT_EQ(echo_.last->at, clock_.wall());
}

TEST_F(FrontDoorTest, RefusesWhoCannotProveWhoTheyAre) {
  auto request = json_request(kTarget + "RunTask", "{}");
  EXPECT_EQ(error_of(ask(request)), "MissingAuthenticationTokenException");

  auto signed_well = sign(request, signing());
  auto changed = signed_well;
  changed.body = "{\"count\":9}";
  EXPECT_EQ(error_of(ask(changed)), "InvalidSignatureException");
  changed = signed_well;
  changed.headers["x-amz-target"] = kTarget + "StopTask";
  EXPECT_EQ(error_of(ask(changed)), "InvalidSignatureException");
  changed = signed_well;
  changed.headers["authorization"] = "AWS4-HMAC-SHA256 Credential=x";
  EXPECT_EQ(error_of(ask(changed)), "IncompleteSignatureException");
  changed.headers["authorization"] = "Basic YTpi";
  EXPECT_EQ(error_of(ask(changed)), "IncompleteSignatureException");

  auto wrong_secret = signing();
  wrong_secret.credentials.secret_key = Secret("guessed");
  EXPECT_EQ(error_of(ask(sign(request, wrong_secret))), "InvalidSignatureException");
  auto other_key = signing();
  other_key.credentials.key_id = "AKIAIOSFODNN7EXAMPLE";
  EXPECT_EQ(error_of(ask(sign(request, other_key))), "UnrecognizedClientException");
  auto other_service = signing();
  other_service.service = "s3";
  EXPECT_EQ(error_of(ask(sign(request, other_service))), "InvalidSignatureException");
  auto no_region = signing();
  no_region.region = "eu:west";
  EXPECT_EQ(error_of(ask(sign(request, no_region))), "IncompleteSignatureException");
  EXPECT_FALSE(echo_.last);
}

TEST_F(FrontDoorTest, TakesASignatureForFiveMinutesInEitherDirection) {
  auto request = sign(json_request(kTarget + "RunTask", "{}"), signing());
  clock_.advance(std::chrono::minutes(5));
  EXPECT_EQ(error_of(ask(request)), "");
  clock_.advance(std::chrono::seconds(1));
  auto late = ask(request);
  EXPECT_EQ(error_of(late), "InvalidSignatureException");
  EXPECT_TRUE(
      json::parse(late.body).at("message").get<std::string>().starts_with("Signature expired: "));
  auto early = signing();
  early.time += std::chrono::minutes(5);
  EXPECT_EQ(error_of(ask(sign(json_request(kTarget + "RunTask", "{}"), early))), "");
  early.time += std::chrono::seconds(1);
  EXPECT_EQ(error_of(ask(sign(json_request(kTarget + "RunTask", "{}"), early))),
            "InvalidSignatureException");
}

// By it SDKs set their clocks right when a signature was refused for its time.
TEST_F(FrontDoorTest, DatesEveryAnswer) {
  auto date_of = [&](const http::Request& request) { return ask(request).headers.at("Date"); };
  std::string now = "Tue, 14 Nov 2023 22:13:20 GMT";
  auto request = json_request(kTarget + "RunTask", "{}");
  EXPECT_EQ(date_of(sign(request, signing())), now);
  auto early = signing();
  early.time += std::chrono::hours(1);
  EXPECT_EQ(date_of(sign(request, early)), now);
  EXPECT_EQ(date_of(request), now);
  EXPECT_EQ(date_of(with_host({.method = "GET", .path = "/"})), now);
  EXPECT_EQ(date_of(sign(json_request(kTarget + "Conflict", "{}"), signing())), now);
  ManualClock signers;
  signers.advance(std::chrono::seconds(1));
  door_.date_signatures_by(signers);
  EXPECT_EQ(date_of(request), "Tue, 14 Nov 2023 22:13:21 GMT");
}

TEST_F(FrontDoorTest, TakesTemporaryKeysUntilTheyEnd) {
  WallTime end = clock_.wall() + std::chrono::hours(1);
  Session session{"ASIAXXXXXXXXXXXXXXXX", "arn:aws:sts::123456789012:assumed-role/app/me", end};
  auto keys = signing();
  keys.credentials = issue_session(test_key(), session);
  auto request = json_request(kTarget + "RunTask", "{}");
  EXPECT_EQ(error_of(ask(sign(request, keys))), "");
  EXPECT_EQ(echo_.last->caller.arn, session.arn);

  auto without_token = keys;
  without_token.credentials.session_token = {};
  EXPECT_EQ(error_of(ask(sign(request, without_token))), "UnrecognizedClientException");
  auto prolonged = keys;
  std::string token = keys.credentials.session_token.reveal();
  token[token.find('.') + 1] = '9';  // years later
  prolonged.credentials.session_token = Secret(token);
  EXPECT_EQ(error_of(ask(sign(request, prolonged))), "UnrecognizedClientException");
  auto other_secret = keys;
  other_secret.credentials.secret_key = test_key().secret;
  EXPECT_EQ(error_of(ask(sign(request, other_secret))), "InvalidSignatureException");
  // A token with the root key beside it proves nothing more.
  auto with_root = signing();
  with_root.credentials.session_token = keys.credentials.session_token;
  EXPECT_EQ(error_of(ask(sign(request, with_root))), "UnrecognizedClientException");

  clock_.advance(std::chrono::hours(1));
  keys.time = clock_.wall();
  EXPECT_EQ(error_of(ask(sign(request, keys))), "ExpiredTokenException");
}

TEST_F(FrontDoorTest, TrustsWhoComesByRootsOwnEntrance) {
  auto request = json_request(kTarget + "RunTask", "{}");
  EXPECT_EQ(door_.answer(request, Entrance::kTrusted).status, 200);
  EXPECT_EQ(echo_.last->caller,
            (Caller{"123456789012", "eu-central-1", "arn:aws:iam::123456789012:root", ""}));
  // A signature says the region, whoever made it.
  auto other = signing();
  other.credentials.key_id = "test";
  other.region = "cn-north-1";
  EXPECT_EQ(door_.answer(sign(request, other), Entrance::kTrusted).status, 200);
  EXPECT_EQ(echo_.last->caller,
            (Caller{"123456789012", "cn-north-1", "arn:aws-cn:iam::123456789012:root", "test"}));
}

TEST_F(FrontDoorTest, SaysWhichOperationNobodyKnows) {
  for (const char* target : {"AmazonEC2ContainerServiceV20141113.Unheard", "Nobody_2020.RunTask",
                             "AmazonEC2ContainerServiceV20141113", "."}) {
    auto response = ask(sign(json_request(target, "{}"), signing()));
    EXPECT_EQ(error_of(response), "UnknownOperationException") << target;
    EXPECT_EQ(response.status, target[0] == '.' ? 404 : 400) << target;
  }
  auto bare = ask(with_host({.method = "GET", .path = "/service/x/operation/y"}));
  EXPECT_EQ(error_of(bare), "UnknownOperationException");
  EXPECT_EQ(bare.status, 404);
}

TEST_F(FrontDoorTest, TellsRefusalsAndBugsApart) {
  auto conflict = ask(sign(json_request(kTarget + "Conflict", "{}"), signing()));
  EXPECT_EQ(conflict.status, 400);
  EXPECT_EQ(conflict.body,
            "{\"__type\":\"ConflictException\",\"message\":\"twice\",\"resourceIds\":[\"arn:1\"]}");
  auto bug = ask(sign(json_request(kTarget + "Throw", "{}"), signing()));
  EXPECT_EQ(bug.status, 500);
  EXPECT_EQ(error_of(bug), "ServerException");
  EXPECT_EQ(bug.body.find("a bug"), std::string::npos);
}

TEST_F(FrontDoorTest, AnswersFormsInXml) {
  auto keys = signing();
  keys.service = "sts";
  auto asked = form_request("Action=GetCallerIdentity&Version=2011-06-15");
  auto response = ask(sign(asked, keys));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "text/xml");
  EXPECT_TRUE(response.body.starts_with(
      "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"
      "<GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:root</Arn>"))
      << response.body;
  EXPECT_NE(response.body.find("<RequestId>" + response.headers.at("x-amzn-RequestId")),
            std::string::npos);

  auto unsigned_one = ask(asked);
  EXPECT_EQ(unsigned_one.status, 403);
  EXPECT_NE(unsigned_one.body.find("<Code>MissingAuthenticationToken</Code>"), std::string::npos);
  keys.credentials.secret_key = Secret("guessed");
  auto forged = ask(sign(asked, keys));
  EXPECT_EQ(forged.status, 403);
  EXPECT_NE(forged.body.find("<Code>SignatureDoesNotMatch</Code>"), std::string::npos);
  auto unknown = ask(sign(
      form_request("Action=Un%3Cknown&Version=2011-06-15"), keys = [&] {
        auto good = signing();
        good.service = "sts";
        return good;
      }()));
  EXPECT_EQ(unknown.status, 400);
  EXPECT_NE(unknown.body.find("<Type>Sender</Type><Code>InvalidAction</Code><Message>Could not "
                              "find operation Un&lt;known</Message>"),
            std::string::npos)
      << unknown.body;
  auto other_version = ask(sign(form_request("Action=GetCallerIdentity&Version=2010-01-01"), keys));
  EXPECT_NE(other_version.body.find("InvalidAction"), std::string::npos);
}

TEST_F(FrontDoorTest, TakesAPresignedUrl) {
  aws::Request plain{
      "GET", "/", "Action=GetCallerIdentity&Version=2011-06-15", {{"host", "127.0.0.1:4566"}}};
  std::string query = aws::presign(plain, credentials_of(test_key()),
                                   {.time = clock_.wall(),
                                    .region = "us-east-1",
                                    .service = "sts",
                                    .payload_hash = aws::sha256_hex("")},
                                   std::chrono::minutes(1));
  http::Request request = with_host({.method = "GET", .path = "/", .query = query});
  EXPECT_EQ(ask(request).status, 200);
  clock_.advance(std::chrono::minutes(2));
  EXPECT_EQ(ask(request).status, 403);
}

}  // namespace
}  // namespace berth::api
