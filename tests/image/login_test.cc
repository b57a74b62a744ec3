#include "image/login.h"

#include <gtest/gtest.h>

namespace berth {
namespace {

const image::Credentials kSomeone{"someone", Secret("secret"), Secret()};

TEST(Login, AFreshFile) {
  auto text = image::add_auth("", "r.example", &kSomeone);
  ASSERT_TRUE(text.has_value());
  EXPECT_EQ(*text,
            "{\n\t\"auths\": {\n\t\t\"r.example\": {\n\t\t\t\"auth\": "
            "\"c29tZW9uZTpzZWNyZXQ=\"\n\t\t}\n\t}\n}\n");
}

TEST(Login, WhatElseIsThereStaysWhereItWas) {
  auto text = image::add_auth(
      R"({"zebra":1,"auths":{"other":{"auth":"YTpi","email":"x"}},"HttpHeaders":{"b":"1","a":"2"}})",
      "r.example", &kSomeone);
  ASSERT_TRUE(text.has_value());
  size_t zebra = text->find("zebra");
  EXPECT_LT(zebra, text->find("auths"));
  EXPECT_LT(text->find("\"b\""), text->find("\"a\""));
  EXPECT_NE(text->find("\"email\": \"x\""), std::string::npos);
  auto again = image::remove_auths(*text, "r.example");
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->find("r.example"), std::string::npos);
  EXPECT_NE(again->find("other"), std::string::npos);
}

TEST(Login, AllSpellingsOfARegistryAreForgotten) {
  auto text = image::remove_auths(
      R"({"auths":{"https://r.example/v1/":{},"r.example":{},"r.example:5000":{}}})", "r.example");
  ASSERT_TRUE(text.has_value());
  EXPECT_EQ(text->find("\"r.example\""), std::string::npos);
  EXPECT_EQ(text->find("https://"), std::string::npos);
  EXPECT_NE(text->find("r.example:5000"), std::string::npos);
}

TEST(Login, ADamagedFileIsNotOverwritten) {
  for (const char* bad : {"{", "[]", R"({"auths":1})", R"({"auths":{"r":{"auth":"%"}}})"}) {
    auto text = image::add_auth(bad, "r.example", &kSomeone);
    ASSERT_FALSE(text.has_value()) << bad;
    EXPECT_EQ(text.error().text.find("secret"), std::string::npos);
  }
  EXPECT_TRUE(image::add_auth(R"({"auths":null})", "r.example", &kSomeone).has_value());
}

}  // namespace
}  // namespace berth
