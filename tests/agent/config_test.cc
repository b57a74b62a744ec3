#include "agent/config.h"

#include <gtest/gtest.h>

namespace berth {
namespace {

TEST(Config, WhatIsRenderedParses) {
  agent::Config config;
  config.shim = "/opt/berth-shim";
  config.listen = {Ipv4{0x0a000001}, 80};
  config.init = "/opt/berth-init";
  config.oci_runtime = "/usr/bin/crun";
  config.registries.insecure = {"10.0.0.1:5000"};
  config.registries.rules["docker.io"] = {{"http://10.0.0.2/hub", "mirror.example:5000"}, true};
  config.registries.rules["10.0.0.3:5000"] = {{}, false};
  config.registries.certificates = "/etc/certs";
  config.registries.proxy = {Secret("http://proxy:3128"), Secret(), {".internal"}};
  config.aws = {.profile = "mine", .ecr_endpoint = "http://127.0.0.1:4566"};
  config.image_cleanup = {.enabled = true, .interval_minutes = 7, .high_bytes = 9, .low_bytes = 3};
  config.efs["fs-12345678"] = {.path = "/srv/efs",
                               .access_points = {{"fsap-1", {"/a", 1, 2, 0750}}}};
  config.efs["fs-87654321"] = {.path = "/export", .server = "nas.internal"};
  config.resolver = "/opt/berth-resolver";
  config.dns.domain = "tasks.example";
  config.dns.servers = {{"10.0.0.2", 53}, {"::1", 5353}};
  config.dns.search_domains = {"tasks.example", "example"};
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
      {R"({"serviceHealthySeconds": 3601})",
       "berth.json: serviceHealthySeconds: 3601 is not between 0 and 3600"},
      {R"({"taskPidsLimit": 1})", "berth.json: taskPidsLimit: 1 is not between 8 and 4194304"},
      {R"({"listen": "localhost:1"})",
       "berth.json: listen: \"localhost:1\" is not ADDRESS:PORT, such as \"127.0.0.1:4566\""},
      {R"({"listen": "127.0.0.1:65536"})",
       "berth.json: listen: \"127.0.0.1:65536\" is not ADDRESS:PORT, such as "
       "\"127.0.0.1:4566\""},
      {R"({"aws": {"key": "x"}})", "berth.json: aws.key: unknown field"},
      {R"({"dns": {"server": []}})", "berth.json: dns.server: unknown field"},
      {R"({"dns": {"domain": "a..b"}})",
       "berth.json: dns.domain: \"a..b\" is no domain name: labels are 1 to 63 letters, digits, "
       "'-' and '_'"},
      {R"({"dns": {"domain": "."}})", "berth.json: dns.domain: the root is no domain of tasks"},
      {R"({"dns": {"servers": ["ns.example"]}})",
       "berth.json: dns.servers[0]: \"ns.example\" is no name server: write an IP address, with "
       ":PORT if that is not 53"},
      {R"({"dns": {"searchDomains": ["a", "b", "c", "d", "e", "f", "g"]}})",
       "berth.json: dns.searchDomains: more than 6"},
      {R"({"efs": {"x": "/x"}})",
       "berth.json: efs: \"x\" is no id of a file system, such as fs-12345678"},
      {R"({"efs": {"fs-1": "x"}})", "berth.json: efs.fs-1: \"x\" is not an absolute path"},
      {R"({"efs": {"fs-1": {"accessPoints": {}}}})",
       "berth.json: efs.fs-1.path: \"\" is not an absolute path"},
      {R"({"efs": {"fs-1": {"path": "/x", "accessPoints": {"a": {"path": "/a/../b"}}}}})",
       "berth.json: efs.fs-1.accessPoints.a.path: \"/a/../b\" has . or .. in it"},
      {R"({"efs": {"fs-1": {"path": "/x", "accessPoints": {"a": {"permissions": "9"}}}}})",
       "berth.json: efs.fs-1.accessPoints.a.permissions: \"9\" is not three or four octal digits, "
       "such as \"0755\""},
      {R"({"aws": {"ecrEndpoint": "x"}})",
       "berth.json: aws.ecrEndpoint: \"x\" is no URL to use: write http://HOST[:PORT] or "
       "https://HOST[:PORT]"},
      {R"({"insecureRegistries": "x"})",
       "berth.json: insecureRegistries: must be an array, not \"x\""},
      {R"({"registries": {"a/b": {}}})",
       "berth.json: registries: \"a/b\" is not a registry's HOST[:PORT]"},
      {R"({"registries": {"a:1": {"mirrors": ["ftp://x"]}}})",
       "berth.json: registries.a:1.mirrors[0]: \"ftp://x\" is not "
       "[http://|https://]HOST[:PORT][/PREFIX]"},
      {R"({"registries": {"a:1": {"tlsVerify": 0}}})",
       "berth.json: registries.a:1.tlsVerify: must be true or false, not 0"},
      {R"({"certificates": "certs.d"})",
       "berth.json: certificates: \"certs.d\" is not an absolute path"},
      {R"({"foreignLayers": "no"})",
       "berth.json: foreignLayers: \"no\" is neither \"fetch\" nor \"refuse\""},
      {R"({"proxy": {"http": "ftp://u:secret@h"}})",
       "berth.json: proxy.http: \"ftp\" is not a proxy's scheme: http, https, socks5 or socks5h"},
      {R"({"imageCleanup": {"minutes": 1}})", "berth.json: imageCleanup.minutes: unknown field"},
      {R"({"imageCleanup": {"imagesPerCycle": 0}})",
       "berth.json: imageCleanup.imagesPerCycle: 0 is not between 1 and 10000"},
      {R"({"imageCleanup": {"highBytes": 1, "lowBytes": 2}})",
       "berth.json: imageCleanup.lowBytes: 2 is above highBytes, which is 1"},
      {R"({"layers": "tarballs"})",
       "berth.json: layers: \"tarballs\" is neither \"images\" nor \"directories\""},
      {R"([])", "berth.json: (root): must be an object, not array"},
  };
  for (const Case& c : cases) {
    auto config = agent::parse_config(c.text, "berth.json");
    ASSERT_FALSE(config.has_value()) << c.text;
    EXPECT_EQ(config.error().text, c.error);
  }
}

TEST(Config, LayersAreImagesUnlessTheyShallBeDirectories) {
  EXPECT_FALSE(agent::parse_config("{}", "berth.json").value().layers_as_directories);
  for (const char* layers : {"images", "directories"}) {
    std::string text = fmt::format(R"({{"layers": "{}"}})", layers);
    auto config = agent::parse_config(text, "berth.json");
    ASSERT_TRUE(config) << config.error().text;
    EXPECT_EQ(config->layers_as_directories, std::string_view(layers) == "directories");
    EXPECT_NE(agent::render_config(*config).find(fmt::format(R"("layers": "{}")", layers)),
              std::string::npos);
  }
}

TEST(Config, APasswordOfAProxyIsNotShown) {
  auto config =
      agent::parse_config(R"({"proxy": {"https": "http://u:hunter2@p:1"}})", "berth.json");
  ASSERT_TRUE(config) << config.error().text;
  EXPECT_EQ(agent::render_config(*config).find("hunter2"), std::string::npos);
  EXPECT_NE(agent::render_config(*config).find("http://***@p:1"), std::string::npos);
}

TEST(Config, InstancesDifferByRunDirectory) {
  EXPECT_EQ(agent::instance_of("/run/berth"), "default");
  EXPECT_NE(agent::instance_of("/tmp/a"), agent::instance_of("/tmp/b"));
  EXPECT_EQ(agent::instance_of("/tmp/a"), agent::instance_of("/tmp/a"));
}

}  // namespace
}  // namespace berth
