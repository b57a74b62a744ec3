#include "agent/config.h"

#include <gtest/gtest.h>

namespace berth {
namespace {

TEST(Config, WhatIsRenderedParses) {
  agent::Config config;
  config.shim = "/opt/berth-shim";
  config.init = "/opt/berth-init";
  config.oci_runtime = "/usr/bin/crun";
  config.insecure_registries = {"10.0.0.1:5000"};
  config.aws = {.profile = "mine", .ecr_endpoint = "http://127.0.0.1:4566"};
  auto again = agent::parse_config(agent::render_config(config), "berth.json");
  ASSERT_TRUE(again.has_value()) << again.error().text;
  EXPECT_EQ(agent::render_config(*again), agent::render_config(config));
}

TEST(Config, TheDefaultsParseToo) {
  auto config = agent::parse_config(agent::render_config({}), "berth.json");
  EXPECT_TRUE(config.has_value()) << config.error().text;
}

TEST(Config, BadMembersAreNamed) {
  struct Case {
    const char* text;
    const char* error;
  };
  const Case cases[] = {
      {R"({"rot": "/x"})", "berth.json: rot: unknown field"},
      {R"({"root": "x"})", "berth.json: root: \"x\" is not an absolute path"},
      {R"({"root": "\u001b[2J"})", "berth.json: root: \"\\x1b[2J\" is not an absolute path"},
      {R"({"taskPidsLimit": 1})", "berth.json: taskPidsLimit: 1 is not between 8 and 4194304"},
      {R"({"aws": {"key": "x"}})", "berth.json: aws.key: unknown field"},
      {R"({"aws": {"ecrEndpoint": "x"}})",
       "berth.json: aws.ecrEndpoint: \"x\" is no URL to use: write http://HOST[:PORT] or "
       "https://HOST[:PORT]"},
      {R"({"insecureRegistries": "x"})",
       "berth.json: insecureRegistries: must be an array, not \"x\""},
      {R"([])", "berth.json: (root): must be an object, not array"},
  };
  for (const Case& c : cases) {
    auto config = agent::parse_config(c.text, "berth.json");
    ASSERT_FALSE(config.has_value()) << c.text;
    EXPECT_EQ(config.error().text, c.error);
  }
}

TEST(Config, InstancesDifferByRunDirectory) {
  EXPECT_EQ(agent::instance_of("/run/berth"), "default");
  EXPECT_NE(agent::instance_of("/tmp/a"), agent::instance_of("/tmp/b"));
  EXPECT_EQ(agent::instance_of("/tmp/a"), agent::instance_of("/tmp/a"));
}

}  // namespace
}  // namespace berth
