#include "base/json.h"

#include <gtest/gtest.h>

namespace berth {
namespace {

json::Document parsed(const std::string& text) {
  auto document = json::Document::parse(text, {.name = "t.json"});
  EXPECT_TRUE(document.has_value()) << document.error().text;
  return std::move(*document);
}

std::string error_of(const std::string& text) {
  auto document = json::Document::parse(text, {.name = "t.json", .text_max = 1000});
  return document ? "" : document.error().text;
}

TEST(Json, PathsNameTheFieldInBothForms) {
  auto document = parsed(R"({"containerDefinitions": [{"cpu": "x", "a/b~c": 1}]})");
  auto items = document.root().find_array("containerDefinitions");
  auto cpu = items->at(0).find("cpu");
  EXPECT_EQ(cpu->path(), "containerDefinitions[0].cpu");
  EXPECT_EQ(cpu->pointer(), "/containerDefinitions/0/cpu");
  EXPECT_EQ(items->at(0).find("a/b~c")->pointer(), "/containerDefinitions/0/a~1b~0c");
  EXPECT_EQ(cpu->as_i64().error().text,
            "containerDefinitions[0].cpu: must be a whole number, not \"x\"");
  EXPECT_EQ(items->at(0).string_at("image").error().text,
            "containerDefinitions[0].image: is required");
}

TEST(Json, NullIsAbsent) {
  auto document = parsed(R"({"a": null, "b": 1})");
  EXPECT_FALSE(document.root().find("a").has_value());
  EXPECT_EQ(document.root().as_object()->size(), 1u);
  EXPECT_EQ(document.root().find_string("a").value(), std::nullopt);
}

TEST(Json, ContainersAreFoundAsTheyWereWritten) {
  const std::string text =
      "\xef\xbb\xbf{\"t\\u00e4\": \"x\\n\", \"o\": { \"l\" : [ 1,\n {} ] },\"n\":7}";
  auto document = parsed(text);
  json::Node object = *document.root().find("o");
  EXPECT_EQ(object.as_written(text), "{ \"l\" : [ 1,\n {} ] }");
  EXPECT_EQ(object.find("l")->as_written(text), "[ 1,\n {} ]");
  EXPECT_EQ(document.root().as_written(text), text.substr(3));
  EXPECT_EQ(document.root().find("n")->as_written(text), "");
  EXPECT_EQ(document.root().find("t\u00e4")->as_written(text), "");
}

TEST(Json, OnlyNamesTheStranger) {
  auto document = parsed(R"({"v": {"known": 1, "stranger": 2}})");
  EXPECT_EQ(document.root().find("v")->only({"known"}).error().text, "v.stranger: unknown field");
}

TEST(Json, NumbersKeepTheirKind) {
  auto document = parsed(R"({"big": 18446744073709551615, "neg": -1, "half": 0.5})");
  json::Node root = document.root();
  EXPECT_EQ(root.find("big")->as_u64().value(), UINT64_MAX);
  EXPECT_EQ(root.find("big")->as_i64().error().text, "big: 18446744073709551615 is too large");
  EXPECT_FALSE(root.find("neg")->as_u64().has_value());
  EXPECT_FALSE(root.find("half")->as_i64().has_value());
}

TEST(Json, BadTextIsOneClearError) {
  struct Case {
    std::string text;
    std::string error;
  };
  const Case cases[] = {
      {"", "t.json: not valid JSON at line 1, column 1"},
      {"{\n  \"a\": }", "t.json: not valid JSON at line 2, column 8"},
      {R"({"a": 1, "a": 2})", "t.json: key \"a\" stands twice in one object"},
      {R"({"a": 1e999})", "t.json: not valid JSON at line 1, column 7"},
      {R"([{"a": {"b": 1}}, {"b": 1, "b": 2}])", "t.json: key \"b\" stands twice in one object"},
      {std::string(100, '['), "t.json: nested deeper than 64 levels"},
      {std::string(1001, ' '), "t.json: 1001 bytes of JSON, at most 1000 are read"},
  };
  for (const Case& c : cases) EXPECT_EQ(error_of(c.text), c.error) << c.text;
}

// A reader that takes a number for an empty object would let settings go unnoticed.
TEST(Json, WhatIsNoObjectHasNoMembersToBeFound) {
  auto document = parsed(R"({"memory": 5, "list": [7]})");
  auto memory = document.root().find("memory");
  EXPECT_EQ(memory->find_i64("limit").error().text, "memory: must be an object, not 5");
  EXPECT_EQ(memory->find_array("limit").error().text, "memory: must be an object, not 5");
  EXPECT_EQ(document.root().find_array("list")->at(0).find_string("x").error().text,
            "list[0]: must be an object, not 7");
}

TEST(Json, RefusesBytesThatTheKernelWouldStopAt) {
  auto document = parsed(R"({"a": "x\u0000y", "m": {"k\u0000": "v"}})");
  EXPECT_EQ(document.root().string_at("a").error().text, "a: must not hold a NUL byte");
  EXPECT_EQ(document.root().find("m")->as_string_map().error().text,
            "m.k\\x00: must not hold a NUL byte");
}

TEST(Json, AListSaysWhichOfItsStringsIsNone) {
  auto document = parsed(R"({"a": ["x", 1], "b": ["x", "y\u0000"], "c": ["x", "y"]})");
  json::Node root = document.root();
  EXPECT_EQ(root.find_strings("a").error().text, "a[1]: must be a string, not 1");
  EXPECT_EQ(root.find_strings("b").error().text, "b[1]: must not hold a NUL byte");
  EXPECT_EQ(root.find_strings("c").value(), (std::vector<std::string>{"x", "y"}));
}

TEST(Json, LongRubbishIsNotRepeated) {
  auto document = json::Document::parse(std::string(100000, '9') + "e99999", {});
  ASSERT_FALSE(document);
  EXPECT_LT(document.error().text.size(), 300u);
}

TEST(Json, TheLastAllowedDepthParses) {
  std::string deep = std::string(json::kDepthMax, '[') + std::string(json::kDepthMax, ']');
  EXPECT_TRUE(json::Document::parse(deep, {}).has_value());
  EXPECT_FALSE(json::Document::parse("[" + deep + "]", {}).has_value());
}

}  // namespace
}  // namespace berth
