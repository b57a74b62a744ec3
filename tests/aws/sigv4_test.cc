// The signer against Amazon's published test suite (sigv4_suite.json), and the verifier against the
// signer: each change of a signed request must be found.
#include "aws/sigv4.h"

#include "aws/hash.h"
#include "aws/time.h"
#include "base/json.h"
#include "base/text.h"
#include "sys/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace berth::aws {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;

const std::string kSuite = std::string(BERTH_SOURCE_DIR) + "/tests/aws/sigv4_suite.json";
constexpr seconds kGoodFor = seconds(3600);

WallTime suite_time() {
  return *parse_amz_date("20150830T123600Z");
}

struct Case {
  std::string name;
  Request request;
  std::string body;
  Credentials credentials;
  SignOptions options;
  std::string header;  // the expected signatures
  std::string url;
};

Case case_of(const json::Node& node) {
  auto text = [&](const char* key) { return node.find_string(key).value().value_or(""); };
  auto flag = [&](const char* key) { return node.find_bool(key).value().value_or(false); };
  Case each;
  each.name = text("name");
  each.request = {text("method"), text("path"), text("query"), {}};
  auto headers = node.find_array("headers").value();
  for (const json::Node& header : headers) {
    auto pair = header.as_strings().value();
    each.request.headers.emplace_back(pair.at(0), pair.at(1));
  }
  each.body = text("body");
  each.credentials = {"AKIDEXAMPLE", Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
                      Secret(text("token")), std::nullopt};
  each.options = {
      .time = suite_time(),
      .region = "us-east-1",
      .service = "service",
      .payload_hash = sha256_hex(each.body),
      .style = flag("s3Path") ? PathStyle::kS3 : PathStyle::kService,
      .content_hash = flag("contentHash") ? ContentHash::kHeader : ContentHash::kImplied,
      .token = flag("tokenAppended") ? TokenPlace::kAppended : TokenPlace::kSigned};
  each.header = text("header");
  each.url = text("url");
  return each;
}

std::vector<Case> suite() {
  auto document = json::Document::parse(sys::read_file(kSuite, 1 << 20).value(), {.name = kSuite});
  std::vector<Case> cases;
  auto nodes = document->root().as_array().value();
  for (const json::Node& node : nodes) cases.push_back(case_of(node));
  return cases;
}

Case vanilla() {
  for (Case& each : suite()) {
    if (each.name == "post-x-www-form-urlencoded") return each;
  }
  ADD_FAILURE() << "no such case";
  return {};
}

Request signed_by_header(const Case& each) {
  Request request = each.request;
  Headers added = sign(each.request, each.credentials, each.options);
  request.headers.insert(request.headers.end(), added.begin(), added.end());
  return request;
}

Request signed_by_url(const Case& each) {
  Request request = each.request;
  request.query = presign(each.request, each.credentials, each.options, kGoodFor);
  return request;
}

Status verify_it(const Request& request, const Case& each, WallTime now) {
  Presented presented = TRY(parse_presented(request));
  return verify(request, presented, each.credentials.secret_key,
                {.now = now, .payload_hash = sha256_hex(each.body), .style = each.options.style});
}

TEST(Sigv4, SignsAmazonsTestSuite) {
  EXPECT_EQ(suite().size(), 38u);
  for (const Case& each : suite()) {
    EXPECT_EQ(parse_presented(signed_by_header(each))->signature, each.header) << each.name;
  }
}

TEST(Sigv4, PresignsAmazonsTestSuite) {
  for (const Case& each : suite()) {
    EXPECT_THAT(signed_by_url(each).query, HasSubstr("&X-Amz-Signature=" + each.url)) << each.name;
  }
}

TEST(Sigv4, SigningKeyIsTheOneThatAmazonDocuments) {
  Secret key = signing_key(Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
                           {"20150830", "us-east-1", "iam"});
  EXPECT_EQ(to_hex(key.reveal()),
            "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
  EXPECT_EQ(fmt::format("{}", key), "***");
}

TEST(Sigv4, VerifiesWhatItSigned) {
  auto cases = suite();
  for (Case& each : cases) {
    auto by_header = verify_it(signed_by_header(each), each, suite_time());
    EXPECT_TRUE(by_header) << each.name << by_header.error().text;
    // Appended to a URL, a token is one more parameter, and parameters are all signed.
    if (each.options.token == TokenPlace::kAppended) continue;
    // S3 never sees the body before it must decide about a URL.
    if (each.options.style == PathStyle::kS3) each.options.payload_hash = kUnsignedPayload;
    auto by_url = verify_it(signed_by_url(each), each, suite_time());
    EXPECT_TRUE(by_url) << each.name << by_url.error().text;
  }
}

TEST(Sigv4, FindsEveryChange) {
  const std::vector<std::pair<const char*, std::function<void(Request&)>>> changes = {
      {"method", [](Request& request) { request.method = "PUT"; }},
      {"path", [](Request& request) { request.path += "x"; }},
      {"query", [](Request& request) { request.query += "&x=1"; }},
      {"host", [](Request& request) { request.headers[1].second = "other.example"; }},
      {"type", [](Request& request) { request.headers[0].second += "x"; }},
  };
  for (const auto& [what, change] : changes) {
    Request by_header = signed_by_header(vanilla());
    change(by_header);
    EXPECT_FALSE(verify_it(by_header, vanilla(), suite_time())) << what;
    Request by_url = signed_by_url(vanilla());
    change(by_url);
    EXPECT_FALSE(verify_it(by_url, vanilla(), suite_time())) << what;
  }
  Case other_body = vanilla();
  other_body.body += "x";
  EXPECT_THAT(verify_it(signed_by_header(vanilla()), other_body, suite_time()).error().text,
              HasSubstr("x-amz-content-sha256"));
  EXPECT_FALSE(verify_it(signed_by_url(vanilla()), other_body, suite_time()));
  Case other_key = vanilla();
  other_key.credentials.secret_key = Secret("other");
  auto refused = verify_it(signed_by_header(vanilla()), other_key, suite_time());
  EXPECT_EQ(refused.error().code, Errc::kDenied);
  EXPECT_THAT(refused.error().text, HasSubstr("does not match the signature you provided"));
}

TEST(Sigv4, IsGoodForSoLong) {
  Request by_header = signed_by_header(vanilla());
  EXPECT_TRUE(verify_it(by_header, vanilla(), suite_time() + minutes(5)));
  EXPECT_TRUE(verify_it(by_header, vanilla(), suite_time() - minutes(5)));
  EXPECT_EQ(verify_it(by_header, vanilla(), suite_time() + minutes(5) + seconds(1)).error().text,
            "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z");
  EXPECT_THAT(verify_it(by_header, vanilla(), suite_time() - minutes(5) - seconds(1)).error().text,
              HasSubstr("Signature not yet current"));
  Request by_url = signed_by_url(vanilla());
  EXPECT_TRUE(verify_it(by_url, vanilla(), suite_time() + kGoodFor));
  EXPECT_FALSE(verify_it(by_url, vanilla(), suite_time() + kGoodFor + seconds(1)));
}

TEST(Sigv4, UnsignedPayloadsAreTold) {
  Case each = vanilla();
  each.options.payload_hash = kUnsignedPayload;
  Request request = signed_by_header(each);
  EXPECT_EQ(header_value(request.headers, "x-amz-content-sha256"), "UNSIGNED-PAYLOAD");
  each.body = "anything";
  EXPECT_TRUE(verify_it(request, each, suite_time()));
}

TEST(Sigv4, SaysWhatIsMalformed) {
  const std::string good = header_value(signed_by_header(vanilla()).headers, "authorization");
  auto with = [&](std::string_view from, std::string_view to) {
    Request request = signed_by_header(vanilla());
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    request.headers.back().second = text;
    return parse_presented(request).error().text;
  };
  EXPECT_THAT(with("AWS4-HMAC-SHA256", "Basic"), HasSubstr("must begin with AWS4-HMAC-SHA256"));
  EXPECT_THAT(with("Signature=", "S="), HasSubstr("Signature is missing"));
  EXPECT_THAT(with("/aws4_request", "/aws3_request"), HasSubstr("KEY/DATE/REGION/SERVICE"));
  EXPECT_THAT(with("20150830/", "20150831/"), HasSubstr("is not that of X-Amz-Date"));
  EXPECT_THAT(with("host;", ""), HasSubstr("must include host"));
  EXPECT_THAT(with(";x-amz-date", ""), HasSubstr("must include x-amz-date"));
  EXPECT_EQ(parse_presented(vanilla().request).error().code, Errc::kNotFound);
  Request by_url = signed_by_url(vanilla());
  by_url.query += "&X-Amz-Date=20150830T123600Z";
  EXPECT_THAT(parse_presented(by_url).error().text, HasSubstr("occurs twice"));
}

TEST(CanonicalQuery, IsEncodedOnceAndSorted) {
  EXPECT_EQ(render_query(parse_query("b=2&a=%7e&a=+&c&&%41=%zz")), "A=%25zz&a=%2B&a=~&b=2&c=");
}

}  // namespace
}  // namespace berth::aws
