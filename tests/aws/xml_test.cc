#include "aws/xml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::aws {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

TEST(Xml, IsReadByPath) {
  auto found = parse_xml(R"(<?xml version="1.0"?>
    <!-- <x> --><R xmlns="https://x" a='>'>
      <A> one &amp; &#x41;&#228; </A>
      <A>two</A><B/><C ><D><![CDATA[<&>]]></D></C></R>
  )");
  ASSERT_TRUE(found) << found.error().text;
  EXPECT_THAT(*found, ElementsAre(Pair("R", ""), Pair("R/A", "one & A\xc3\xa4"), Pair("R/B", ""),
                                  Pair("R/C", ""), Pair("R/C/D", "<&>")));
}

TEST(Xml, IsRefusedWhenItIsNone) {
  for (const char* text :
       {"", "text", "<a>", "<a></b>", "</a>", "<a/><b/>", "<a>&nbsp;</a>", "<a>&", "<a>&#0;</a>",
        "<a>&#xd800;</a>", "<a>&#x110000;</a>", "<a/>text", "<>", "<a", "<!-- ", "<a><![CDATA[</a>",
        "<a b=\">\">", "<//>"}) {
    EXPECT_FALSE(parse_xml(text)) << text;
  }
  EXPECT_THAT(parse_xml("<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>").error().text,
              HasSubstr("document type"));
}

TEST(Xml, HasLimits) {
  auto nested = [](size_t depth) {
    std::string text;
    for (size_t i = 0; i < depth; ++i) text += "<a>";
    for (size_t i = 0; i < depth; ++i) text += "</a>";
    return parse_xml(text).has_value();
  };
  EXPECT_TRUE(nested(kXmlDepthMax));
  EXPECT_FALSE(nested(kXmlDepthMax + 1));
  auto flat = [](size_t elements) {
    std::string text = "<r>";
    for (size_t i = 1; i < elements; ++i) text += "<a/>";
    return parse_xml(text + "</r>").has_value();
  };
  EXPECT_TRUE(flat(kXmlElementsMax));
  EXPECT_FALSE(flat(kXmlElementsMax + 1));
  EXPECT_FALSE(parse_xml("<a>" + std::string(kXmlTextMax, ' ') + "</a>"));
}

}  // namespace
}  // namespace berth::aws
