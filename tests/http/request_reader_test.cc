#include "http/request_reader.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <vector>

namespace berth::http {
namespace {

// What is in the bytes: requests, then perhaps a refusal or the beginning of another.
struct Heard {
  std::vector<Request> requests;
  int refused = 0;
  std::string rest;
};

Heard hear_all(RequestReader& reader) {
  Heard heard;
  for (;;) {
    auto request = reader.next();
    if (!request) {
      heard.refused = request.error().status;
      EXPECT_NE(request.error().text, "");
      return heard;
    }
    if (!*request) return heard;
    heard.requests.push_back(std::move(**request));
  }
}

Heard heard_in(std::string_view bytes) {
  RequestReader reader(kBodyMax);
  reader.add(bytes);
  Heard heard = hear_all(reader);
  heard.rest = reader.take_rest();
  return heard;
}

Request only_request(std::string_view bytes) {
  Heard heard = heard_in(bytes);
  EXPECT_EQ(heard.requests.size(), 1u) << bytes;
  EXPECT_EQ(heard.refused, 0) << bytes;
  return heard.requests.empty() ? Request{} : heard.requests[0];
}

// 0: taken, or not whole yet.
int status_of(std::string_view bytes) {
  return heard_in(bytes).refused;
}

std::string get(const std::string& headers) {
  return "GET / HTTP/1.1\r\nHost: h\r\n" + headers + "\r\n";
}

std::string chunked(const std::string& body) {
  return "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + body;
}

TEST(RequestReader, FindsAPathAQueryHeadersAndABody) {
  Heard heard = heard_in(
      "PUT /v4/id?x=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nX: a\r\nx:  b \t\r\n\r\nbodyGET");
  ASSERT_EQ(heard.requests.size(), 1u);
  const Request& found = heard.requests[0];
  EXPECT_EQ(found.method, "PUT");
  EXPECT_EQ(found.path, "/v4/id");
  EXPECT_EQ(found.query, "x=1");
  EXPECT_EQ(found.header("x"), "a, b");
  EXPECT_EQ(found.body, "body");
  EXPECT_EQ(heard.rest, "GET");
  EXPECT_TRUE(found.keep_alive);
}

// However the bytes are cut, the requests and the refusal are the same.
TEST(RequestReader, DoesNotMindHowTheBytesCome) {
  std::vector<std::string> streams = {
      get("Content-Length: 3\r\n") + "abc" +
          chunked("3;a=\"b\"\r\nabc\r\n2\r\nde\r\n0\r\nT: x\r\n\r\n") + "\r\n" + get("") +
          "GET /x HTTP/1.1\r\nHo",
      chunked("3\r\nabcd\r\n"),
      chunked("3\r\nabc\r\n0\r\nT: x\n\r\n"),
      get("A: b\nC: d\r\n"),
      "\r\n\r\n" + get(""),
      "GET / HTTP/1.1\n\n"};
  for (const std::string& bytes : streams) {
    Heard whole = heard_in(bytes);
    for (size_t at = 0; at <= bytes.size(); ++at) {
      RequestReader reader(kBodyMax);
      reader.add(std::string_view(bytes).substr(0, at));
      Heard cut = hear_all(reader);
      if (cut.refused == 0) {
        reader.add(std::string_view(bytes).substr(at));
        Heard rest = hear_all(reader);
        for (Request& each : rest.requests) cut.requests.push_back(std::move(each));
        cut.refused = rest.refused;
      }
      EXPECT_EQ(cut.refused, whole.refused) << bytes << " cut at " << at;
      ASSERT_EQ(cut.requests.size(), whole.requests.size()) << bytes << " cut at " << at;
      for (size_t i = 0; i < cut.requests.size(); ++i) {
        EXPECT_EQ(cut.requests[i].body, whole.requests[i].body);
        EXPECT_EQ(cut.requests[i].headers, whole.requests[i].headers);
      }
    }
  }
}

TEST(RequestReader, KnowsThatNothingOfARequestHasCome) {
  RequestReader reader(kBodyMax);
  EXPECT_TRUE(reader.is_between());
  std::string bytes = get("Content-Length: 1\r\n");
  for (char c : bytes) {
    reader.add({&c, 1});
    auto request = reader.next();
    ASSERT_TRUE(request && !*request);
    EXPECT_FALSE(reader.is_between());
  }
  reader.add("a");
  auto request = reader.next();
  ASSERT_TRUE(request && *request);
  EXPECT_TRUE(reader.is_between());
}

TEST(RequestReader, SaysWhetherTheConnectionGoesOn) {
  EXPECT_FALSE(only_request(get("Connection: x, Close\r\n")).keep_alive);
  EXPECT_FALSE(only_request(get("Connection: keep-alive\r\nConnection: close\r\n")).keep_alive);
  EXPECT_FALSE(only_request("GET / HTTP/1.0\r\n\r\n").keep_alive);
  Request old = only_request("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_TRUE(old.keep_alive);
  EXPECT_TRUE(old.is_old);
}

TEST(RequestReader, TakesABodyInChunks) {
  Heard heard = heard_in(chunked("4\r\nWiki\r\n00a;x;y=\"1;2\"\r\n\r\npedia in\r\n0\r\n\r\nnext"));
  ASSERT_EQ(heard.requests.size(), 1u);
  EXPECT_EQ(heard.requests[0].body, "Wiki\r\npedia in");
  EXPECT_EQ(heard.rest, "next");
  EXPECT_EQ(only_request(chunked("0\r\n\r\n")).body, "");
  std::string any_case = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: , Chunked ,\r\n\r\n";
  EXPECT_EQ(only_request(any_case + "1 ;a\r\nA\r\n0\r\n\r\n").body, "A");
}

TEST(RequestReader, TrailersAreNoHeaders) {
  Request request =
      only_request(chunked("0\r\nAuthorization: forged\r\nTransfer-Encoding: x\r\n\r\n"));
  EXPECT_EQ(request.header("authorization"), "");
  EXPECT_EQ(request.header("transfer-encoding"), "chunked");
}

// RFC 9112, sections 6.1, 6.3 and 11.2.
TEST(RequestReader, RefusesBodiesWhoseEndIsNotCertain) {
  auto framed = [](const std::string& headers) { return status_of(get(headers)); };
  EXPECT_EQ(framed("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"), 400);
  EXPECT_EQ(framed("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"), 400);
  EXPECT_EQ(framed("Transfer-Encoding: gzip\r\n"), 400);
  EXPECT_EQ(framed("Transfer-Encoding: chunked, gzip\r\n"), 400);
  EXPECT_EQ(framed("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"), 400);
  EXPECT_EQ(framed("Transfer-Encoding: chunked, chunked\r\n"), 400);
  EXPECT_EQ(framed("Transfer-Encoding: chunked;a=b\r\n"), 400);
  EXPECT_EQ(framed("Transfer-Encoding: \r\n"), 400);
  EXPECT_EQ(framed("Transfer-Encoding: \x0b"
                   "chunked\r\n"),
            400);
  EXPECT_EQ(framed("Transfer-Encoding: \rchunked\r\n"), 400);
  EXPECT_EQ(framed("Transfer-Encoding : chunked\r\n"), 400);
  EXPECT_EQ(framed("Transfer-Encoding: gzip, chunked\r\n"), 501);
  EXPECT_EQ(framed("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"), 501);
  EXPECT_EQ(status_of("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400);
  EXPECT_EQ(framed("Content-Length: 1\r\nContent-Length: 2\r\n"), 400);
  EXPECT_EQ(framed("Content-Length: 1\r\nContent-Length: 1\r\n"), 400);
  for (const char* length : {"-1", "+1", "1, 1", "", "0x1", "1 1"}) {
    EXPECT_EQ(framed(std::string("Content-Length: ") + length + "\r\n"), 400) << length;
  }
  EXPECT_EQ(framed("Content-Length: 99999999999999999999999\r\n"), 413);
}

TEST(RequestReader, RefusesMalformedChunks) {
  for (const char* body : {"\r\n",
                           "x\r\n",
                           "-1\r\n",
                           "0x1\r\n",
                           " 1\r\n",
                           "1 \r\n",
                           "1 x\r\n",
                           "1\n",
                           "1\r\r\n",
                           "1;a\x01\r\n",
                           "1;\rb\r\n",
                           "10000000000000000\r\n",
                           "00000000000000001\r\n",
                           "1\r\nab\r\n",
                           "1\r\na\n",
                           "1\r\na\r0",
                           "0\r\nT : x\r\n\r\n",
                           "0\r\n T: x\r\n\r\n",
                           "0\r\nT: \x01\r\n\r\n",
                           "0\r\n\n",
                           "0\n"}) {
    EXPECT_EQ(status_of(chunked(body)), 400) << body;
  }
  EXPECT_EQ(status_of(chunked("ffffffffffffffff\r\n")), 413);
}

TEST(RequestReader, ChunksHaveTheLimitsOfOtherBodies) {
  auto hex = [](size_t size) { return fmt::format("{:x}\r\n", size); };
  EXPECT_EQ(status_of(chunked(hex(kBodyMax))), 0);
  EXPECT_EQ(status_of(chunked(hex(kBodyMax + 1))), 413);
  std::string full = hex(kBodyMax - 1) + std::string(kBodyMax - 1, 'a') + "\r\n";
  EXPECT_EQ(only_request(chunked(full + "1\r\na\r\n0\r\n\r\n")).body.size(), kBodyMax);
  EXPECT_EQ(status_of(chunked(full + "2\r\n")), 413);
  EXPECT_EQ(status_of(chunked("1;" + std::string(kChunkLineMax - 2, 'a'))), 0);
  EXPECT_EQ(status_of(chunked("1;" + std::string(kChunkLineMax - 2, 'a') + "\r\n")), 0);
  EXPECT_EQ(status_of(chunked("1;" + std::string(kChunkLineMax, 'a'))), 400);
  std::string many;
  for (size_t i = 0; i < kChunkExtensionsMax / 1024; ++i) {
    many += "1;" + std::string(kChunkLineMax - 2, 'a') + "\r\na\r\n";
  }
  EXPECT_EQ(status_of(chunked(many)), 0);
  EXPECT_EQ(status_of(chunked(many + many.substr(0, 1100))), 400);
  EXPECT_EQ(status_of(chunked("0\r\nT: " + std::string(kHeadMax, 'a'))), 431);
  std::string trailers = "0\r\n";
  for (size_t i = 0; i < kHeadersMax; ++i) trailers += "T: x\r\n";
  EXPECT_EQ(only_request(chunked(trailers + "\r\n")).body, "");
  EXPECT_EQ(status_of(chunked(trailers + "T: x\r\n")), 431);
}

TEST(RequestReader, RefusesByWhatIsWrong) {
  struct Case {
    std::string bytes;
    int status;
  };
  for (const Case& each : std::vector<Case>{{"GET /\r\n\r\n", 400},
                                            {"GET  / HTTP/1.1\r\n\r\n", 400},
                                            {"GET  HTTP/1.1\r\n\r\n", 400},
                                            {" GET / HTTP/1.1\r\n", 400},
                                            {"\r\n\r\n", 400},
                                            {"\x16\x03\x01", 400},
                                            {"GET / HTTP/1.1\n", 400},
                                            {"GET / HTTP/1.1\r\nHost: h\n", 400},
                                            {"GET / HTTP/2.0\r\n\r\n", 505},
                                            {"GET / HTTP/0.9\r\n\r\n", 505},
                                            {"GET / http/1.1\r\n\r\n", 400},
                                            {"GET / HTTP/1.10\r\n\r\n", 400},
                                            {"GET x HTTP/1.1\r\nHost: h\r\n\r\n", 400},
                                            {"GET * HTTP/1.1\r\nHost: h\r\n\r\n", 400},
                                            {"GET https://h/ HTTP/1.1\r\nHost: h\r\n\r\n", 400},
                                            {"GET http:///x HTTP/1.1\r\nHost: h\r\n\r\n", 400},
                                            {"GET http://me@h/ HTTP/1.1\r\nHost: h\r\n\r\n", 400},
                                            {"CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n", 501},
                                            {"GET / HTTP/1.1\r\n\r\n", 400},
                                            {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
                                            {"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400},
                                            {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
                                            {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
                                            {get("A : b\r\n"), 400},
                                            {get("A: b\r\n c\r\n"), 400},
                                            {get("A: b\x01\r\n"), 400},
                                            {get("A: b\r\r\n"), 400},
                                            {get(": b\r\n"), 400},
                                            {get("no colon\r\n"), 400}}) {
    EXPECT_EQ(status_of(each.bytes), each.status) << each.bytes;
  }
}

TEST(RequestReader, TakesWhatTheStandardHasServersTake) {
  EXPECT_EQ(only_request("\r\n" + get("")).path, "/");
  EXPECT_EQ(only_request("GET / HTTP/1.7\r\nHost: [::1]:80\r\n\r\n").header("host"), "[::1]:80");
  EXPECT_EQ(only_request("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n").path, "*");
  EXPECT_EQ(only_request("GET / HTTP/1.1\r\nHost:\r\n\r\n").header("host"), "");
  Request proxied = only_request("GET HTTP://a:1/b?c=d HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(proxied.path, "/b");
  EXPECT_EQ(proxied.query, "c=d");
  EXPECT_EQ(proxied.header("host"), "a:1") << "the target's host is the one that is asked";
  Request bare = only_request("GET http://a?c HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(bare.path + " " + bare.query, "/ c");
}

TEST(RequestReader, HasLimits) {
  auto with_body = [](size_t size) {
    return get("Content-Length: " + std::to_string(size) + "\r\n");
  };
  EXPECT_EQ(status_of(with_body(kBodyMax)), 0);
  EXPECT_EQ(status_of(with_body(kBodyMax + 1)), 413);
  EXPECT_EQ(status_of("GET /" + std::string(kHeadMax - 2, 'a')), 0);
  EXPECT_EQ(status_of("GET /" + std::string(kHeadMax - 1, 'a')), 414);
  std::string first = "GET / HTTP/1.1\r\nHost: h\r\nA: ";
  std::string fill(kHeadMax - first.size(), 'a');
  EXPECT_EQ(only_request(first + fill + "\r\n\r\n").header("a").size(), fill.size());
  EXPECT_EQ(status_of(first + fill + "a\r\n\r\n"), 431);
  std::string many;
  for (size_t i = 1; i < kHeadersMax; ++i) many += "A: b\r\n";
  EXPECT_EQ(status_of(get(many)), 0);
  EXPECT_EQ(status_of(get(many + "A: b\r\n")), 431);
}

TEST(RequestReader, KnowsWhoWaitsToBeAskedForTheBody) {
  auto waits = [](const std::string& bytes) {
    RequestReader reader(kBodyMax);
    reader.add(bytes);
    EXPECT_TRUE(reader.next().has_value());
    return reader.awaits_continue();
  };
  std::string head = get("Content-Length: 3\r\nExpect: 100-Continue\r\n");
  EXPECT_TRUE(waits(head));
  EXPECT_FALSE(waits(head.substr(0, head.size() - 1)));
  EXPECT_FALSE(waits(head + "a"));
  EXPECT_FALSE(waits(get("Content-Length: 3\r\n")));
  EXPECT_FALSE(waits("GET / HTTP/1.0\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"));
  std::string in_chunks = get("Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n");
  EXPECT_TRUE(waits(in_chunks));
  EXPECT_FALSE(waits(in_chunks + "1\r\n"));
}

}  // namespace
}  // namespace berth::http
