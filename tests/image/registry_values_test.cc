// What a registry's client decides, without a registry: headers, tokens, hosts, proxies, pace.
#include "image/endpoint.h"
#include "image/headers.h"
#include "image/pace.h"
#include "image/proxy.h"
#include "image/puller.h"
#include "image/referrers.h"
#include "image/token.h"
#include "image/trust.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::image {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

WallTime at(int64_t unix_seconds) {
  return WallTime(seconds(unix_seconds));
}

TEST(HttpDate, HasThreeForms) {
  for (const char* text : {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                           "Sun Nov  6 08:49:37 1994"}) {
    EXPECT_EQ(parse_http_date(text), at(784111777)) << text;
  }
  EXPECT_EQ(parse_http_date("Wed, 25 Nov 2026 22:38:00 GMT"), at(1795646280));
  for (const char* text : {"", "soon", "Sun, 06 Nov 1994 08:49:37", "Sun, 31 Feb 1994 08:49:37 GMT",
                           "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 9999 08:49:37 GMT",
                           "Sun, 06 Nov 1994 8:49:37 GMT", "a b c d e"}) {
    EXPECT_FALSE(parse_http_date(text)) << text;
  }
}

TEST(Rfc3339, HasOffsetsAndFractions) {
  EXPECT_EQ(parse_rfc3339("1994-11-06T08:49:37Z"), at(784111777));
  EXPECT_EQ(parse_rfc3339("1994-11-06T08:49:37.123456789Z"), at(784111777));
  EXPECT_EQ(parse_rfc3339("1994-11-06T10:19:37+01:30"), at(784111777));
  EXPECT_EQ(parse_rfc3339("1994-11-06T07:49:37-01:00"), at(784111777));
  for (const char* text :
       {"", "1994-11-06T08:49:37", "1994-11-06 08:49:37Z", "1994-11-06T08:49:37.Z",
        "1994-11-06T08:49:37+0100", "1994-13-06T08:49:37Z"}) {
    EXPECT_FALSE(parse_rfc3339(text)) << text;
  }
}

TEST(RetryAfter, IsSecondsOrADate) {
  WallTime now = at(784111777);
  EXPECT_EQ(parse_retry_after("120", now), seconds(120));
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:50:07 GMT", now), seconds(30));
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:40:00 GMT", now), seconds(0));
  EXPECT_FALSE(parse_retry_after("-1", now));
  EXPECT_LE(parse_retry_after("18446744073709551615", now), std::chrono::hours(24 * 366));
}

TEST(ContentRange, MustMakeSense) {
  auto range = parse_content_range("bytes 100-199/200");
  ASSERT_TRUE(range);
  EXPECT_EQ(range->first, 100u);
  EXPECT_EQ(range->last, 199u);
  EXPECT_EQ(range->length, 200u);
  EXPECT_FALSE(parse_content_range("bytes 0-1/*")->length);
  for (const char* text :
       {"", "bytes", "bytes */200", "bytes 2-1/9", "bytes 0-9/9", "items 0-1/2", "bytes 0/1-2"}) {
    EXPECT_FALSE(parse_content_range(text)) << text;
  }
}

TEST(NextLink, IsFoundAmongOthers) {
  EXPECT_EQ(parse_next_link("</v2/a?n=1>; rel=\"next\""), "/v2/a?n=1");
  EXPECT_EQ(parse_next_link("<a>; rel=prev, <b>; title=x; rel=next"), "b");
  EXPECT_FALSE(parse_next_link("<a>; rel=\"prev\""));
  EXPECT_FALSE(parse_next_link("<a"));
}

TEST(Token, LivesAsLongAsItSays) {
  EXPECT_EQ(parse_token(R"({"token":"t"})", {})->lifetime, seconds(60));
  EXPECT_EQ(parse_token(R"({"token":"t","expires_in":300})", {})->lifetime, seconds(300));
  EXPECT_EQ(parse_token(R"({"access_token":"t","expires_in":0})", {})->lifetime, seconds(60));
  const char* issued = R"({"token":"t","expires_in":300,"issued_at":"1994-11-06T08:49:37Z"})";
  EXPECT_EQ(parse_token(issued, {})->lifetime, seconds(300)) << "nothing to compare it with";
  EXPECT_EQ(parse_token(issued, at(784111777 + 100))->lifetime, seconds(200));
  EXPECT_EQ(parse_token(issued, at(784111777 + 999))->lifetime, seconds(0));
  EXPECT_EQ(parse_token(issued, at(784111777 - 999))->lifetime, seconds(300));
  EXPECT_EQ(token_margin(seconds(100)), seconds(10));
  EXPECT_EQ(token_margin(std::chrono::hours(12)), seconds(30));
}

TEST(Token, MustBeUsable) {
  for (const char* text :
       {"{}", R"({"token":""})", R"({"token":"a\nb"})", R"({"token":1})", "<html>"}) {
    EXPECT_FALSE(parse_token(text, {})) << text;
  }
  EXPECT_FALSE(parse_token("{\"token\":\"" + std::string(kTokenMax + 1, 'x') + "\"}", {}));
  EXPECT_TRUE(parse_token("{\"token\":\"" + std::string(kTokenMax, 'x') + "\"}", {}));
}

TEST(Token, QueryNamesEveryScopeOnce) {
  Challenge challenge{"bearer", {{"service", "r e"}, {"scope", "repository:a:pull"}}};
  EXPECT_EQ(token_query(challenge, {"repository:a:pull", "repository:b:pull,push"}),
            "service=r%20e&scope=repository%3Aa%3Apull&scope=repository%3Ab%3Apull%2Cpush");
}

TEST(Reason, IsTheFirstErrorInOneLine) {
  EXPECT_EQ(reason_in(R"({"errors":[{"code":"DENIED","message":"no\nway"}]})"),
            "DENIED: no\\x0away");
  EXPECT_EQ(reason_in(R"({"details":"incorrect username or password"})"),
            "incorrect username or password");
  EXPECT_EQ(reason_in("<html>"), "");
}

TEST(Endpoints, MirrorsComeFirst) {
  RegistryConfig config;
  config.insecure_registries = {"10.0.0.1:5000"};
  config.mirrors["docker.io"] = {"10.0.0.1:5000/hub", "https://10.0.0.1:5000", "http://m.example/"};
  auto endpoints = endpoints_of("docker.io", config);
  ASSERT_TRUE(endpoints);
  ASSERT_EQ(endpoints->size(), 4u);
  EXPECT_EQ(endpoints->at(0),
            (Endpoint{"10.0.0.1:5000", "10.0.0.1:5000", "hub/", Scheme::kPlainOrHttps, true}));
  EXPECT_EQ(endpoints->at(1).scheme, Scheme::kHttps);
  EXPECT_EQ(endpoints->at(2).scheme, Scheme::kPlain);
  EXPECT_EQ(endpoints->at(2).prefix, "");
  EXPECT_EQ(endpoints->at(3),
            (Endpoint{"docker.io", "registry-1.docker.io", "", Scheme::kHttps, false}));
  EXPECT_EQ(endpoints_of("other.example", config)->size(), 1u);
  for (const char* text :
       {"", "ftp://h", "h:0", "h:70000", "h/UP", "h/a..b", "h//a", "u@h", "h?x", "[::1"}) {
    EXPECT_FALSE(parse_mirror(text, {})) << text;
  }
  EXPECT_EQ(parse_mirror("[::1]:5000", {})->host, "[::1]:5000");
}

TEST(Proxy, IsChosenAsGoDoes) {
  ProxySettings settings = proxies_of_environment(
      {"https_proxy=http://s:1", "HTTP_PROXY=http://p:1", "http_proxy=http://q:1",
       "NO_PROXY=a.example, .b.example,*.c.example,10.0.0.0/8,d.example:5000,2001:db8::1"});
  auto of = [&](const char* url) { return proxy_for(url, settings).reveal(); };
  EXPECT_EQ(of("http://x.example/v2/"), "http://p:1");
  EXPECT_EQ(of("https://x.example:5000/v2/"), "http://s:1");
  for (const char* url : {"https://a.example", "https://y.a.example", "https://y.b.example:1/x",
                          "https://y.c.example", "https://10.1.2.3:5000", "https://d.example:5000",
                          "https://127.0.0.1:5000", "http://localhost", "http://[::1]:1/",
                          "https://[2001:db8::1]:5/"}) {
    EXPECT_EQ(of(url), "") << url;
  }
  for (const char* url : {"https://ba.example", "https://b.example", "https://c.example",
                          "https://11.1.2.3", "https://d.example"}) {
    EXPECT_EQ(of(url), "http://s:1") << url;
  }
  settings.none_for = {"*"};
  EXPECT_EQ(of("https://x.example"), "");
}

TEST(Proxy, IsCheckedAndShownWithoutItsPassword) {
  for (const char* url : {"h", "h:1", "http://h", "https://u:p@h:1/", "socks5h://[::1]:1"}) {
    EXPECT_TRUE(check_proxy(url)) << url;
  }
  for (const char* url : {"", "ftp://h", "http://", "http://h:x", "http://h h", "http://h/path"}) {
    EXPECT_FALSE(check_proxy(url)) << url;
  }
  EXPECT_EQ(shown_proxy(Secret("http://u:p@h:1")), "http://***@h:1");
  EXPECT_EQ(shown_proxy(Secret("h:1")), "h:1");
}

TEST(Trust, WantsBothOfAPair) {
  EXPECT_EQ(client_pair({"ca.crt"}).value(), "");
  EXPECT_EQ(client_pair({"b.cert", "b.key", "a.cert", "a.key"}).value(), "a");
  EXPECT_THAT(client_pair({"client.cert"}).error().text, HasSubstr("missing key client.key"));
  EXPECT_THAT(client_pair({"client.key"}).error().text, HasSubstr("certificate client.cert"));
}

TEST(Pace, JudgesEachPart) {
  using Verdict = Pace::Verdict;
  Instant start{};
  Pace pace({seconds(10), seconds(5), 100}, /*to_send=*/1000, start);
  pace.begin(start + seconds(3));
  EXPECT_EQ(pace.look(start + seconds(7), 10, 0), Verdict::kGood);  // the connection took three
  EXPECT_EQ(pace.look(start + seconds(8), 100, 0), Verdict::kGood);
  EXPECT_EQ(pace.look(start + seconds(13), 199, 0), Verdict::kTooSlow);
  EXPECT_EQ(pace.look(start + seconds(13), 1000, 0), Verdict::kGood);  // all is sent
  EXPECT_EQ(pace.look(start + seconds(23), 1000, 50), Verdict::kGood);
  EXPECT_EQ(pace.look(start + seconds(24), 1000, 99), Verdict::kNoAnswer);
  pace.answered(start + seconds(24));
  EXPECT_EQ(pace.look(start + seconds(28), 1000, 99), Verdict::kGood);
  pace.exclude(seconds(60));  // our own disk
  EXPECT_EQ(pace.look(start + seconds(88), 1000, 99), Verdict::kGood);
  EXPECT_EQ(pace.look(start + seconds(89), 1000, 99), Verdict::kTooSlow);
}

TEST(Referrers, AreReadFromAnIndex) {
  std::string digest = "sha256:" + std::string(64, 'a');
  auto found =
      parse_referrers(R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json",
    "manifests":[{"mediaType":"m","digest":")" +
                      digest + R"(","size":7,"artifactType":"t/x",
    "annotations":{"k":"v"}}]})");
  ASSERT_TRUE(found) << found.error().text;
  ASSERT_EQ(found->size(), 1u);
  EXPECT_EQ(found->at(0).artifact_type, "t/x");
  EXPECT_EQ(found->at(0).annotations["k"], "v");
  EXPECT_EQ(referrers_tag(digest), "sha256-" + std::string(64, 'a'));
  for (const char* text : {"[]", "{}", R"({"manifests":{}})", R"({"manifests":[{"digest":"x"}]})",
                           R"({"mediaType":"other","manifests":[]})"}) {
    EXPECT_FALSE(parse_referrers(text)) << text;
  }
}

}  // namespace
}  // namespace berth::image
