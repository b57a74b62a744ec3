#include "image/manifest.h"

#include "image/digest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::image {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string kA = "sha256:" + std::string(64, 'a');
const std::string kB = "sha256:" + std::string(64, 'b');

std::string descriptor(const std::string& type, const std::string& digest,
                       const std::string& more = "") {
  return R"({"mediaType":")" + type + R"(","digest":")" + digest + R"(","size":7)" + more + "}";
}

std::string entry(const std::string& digest, const std::string& platform) {
  return descriptor("application/vnd.oci.image.manifest.v1+json", digest,
                    R"(,"platform":)" + platform);
}

const std::string kConfig = "application/vnd.oci.image.config.v1+json";
const std::string kLayer = "application/vnd.oci.image.layer.v1.tar+gzip";

Result<ParsedManifest> parse(const std::string& body) {
  return parse_manifest(R"({"schemaVersion":2,)" + body + "}", "");
}

Index index_of(const std::vector<std::string>& entries) {
  std::string list;
  for (const std::string& each : entries) list += (list.empty() ? "" : ",") + each;
  return std::get<Index>(parse(R"("manifests":[)" + list + "]").value());
}

TEST(Manifest, IsRead) {
  auto parsed = parse(R"("config":)" + descriptor(kConfig, kA) + R"(,"layers":[)" +
                      descriptor(kLayer, kB) + "]");
  ASSERT_TRUE(parsed) << parsed.error().text;
  const auto& manifest = std::get<Manifest>(*parsed);
  EXPECT_EQ(manifest.config.digest, kA);
  ASSERT_EQ(manifest.layers.size(), 1u);
  EXPECT_EQ(manifest.layers[0].size, 7u);
  EXPECT_FALSE(manifest.layers[0].is_foreign);
}

TEST(Manifest, ForeignLayersAreKnownByTheirType) {
  const std::string urls = R"(,"urls":["https://elsewhere.example/x"])";
  const std::vector<std::pair<std::string, bool>> cases = {
      {"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", true},
      {"application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", true},
      {"application/vnd.docker.image.rootfs.diff.tar.gzip", false},
      {kLayer, false},
  };
  for (const auto& [type, is_foreign] : cases) {
    auto parsed = parse(R"("config":)" + descriptor(kConfig, kA) + R"(,"layers":[)" +
                        descriptor(type, kB, urls) + "]");
    ASSERT_TRUE(parsed) << parsed.error().text;
    const Descriptor& layer = std::get<Manifest>(*parsed).layers.at(0);
    EXPECT_EQ(layer.is_foreign, is_foreign) << type;
    EXPECT_EQ(layer.urls.size(), is_foreign ? 1u : 0u) << type;
  }
}

TEST(Manifest, ForeignLayersLieWhereHttpLeads) {
  const std::string type = "application/vnd.oci.image.layer.nondistributable.v1.tar";
  for (const char* url : {"file:///etc/shadow", "ftp://h/x", "https://h/a b", "//h/x", "",
                          "https:///h/x", "http://", "https://?x", "http://@h/x"}) {
    auto parsed = parse(R"("config":)" + descriptor(kConfig, kA) + R"(,"layers":[)" +
                        descriptor(type, kB, std::string(R"(,"urls":[")") + url + R"("])") + "]");
    ASSERT_FALSE(parsed) << url;
    EXPECT_NE(parsed.error().text.find("is neither http://HOST... nor https://HOST..."),
              std::string::npos)
        << parsed.error().text;
  }
}

TEST(Manifest, OnlyDockersFirstSchemaIsRefusedByItsType) {
  std::string text =
      R"({"schemaVersion":2,"config":)" + descriptor(kConfig, kA) + R"(,"layers":[]})";
  EXPECT_TRUE(parse_manifest(text, "application/vnd.oci.image.manifest.v1+json"));
  EXPECT_TRUE(parse_manifest(text, "application/vnd.docker.distribution.manifest.v2+json"));
  EXPECT_FALSE(parse_manifest(text, "application/vnd.docker.distribution.manifest.v1+prettyjws"));
}

TEST(Manifest, BadInputIsNamed) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"[]", "not a JSON object"},
      {R"({"schemaVersion":1,"name":"x","fsLayers":[]})", "schema 1"},
      {R"({"schemaVersion":3})", "schemaVersion"},
      {R"({"schemaVersion":2})", "config"},
      {R"({"schemaVersion":2,"config":{"digest":"md5:1","size":1},"layers":[]})", "sha256"},
      {R"({"schemaVersion":2,"config":{"digest":")" + kA + R"(","size":-1},"layers":[]})", "size"},
      {R"({"schemaVersion":2,"manifests":[],"config":{}})", "both"},
      {R"({"schemaVersion":2,"config":)" + descriptor("application/vnd.cncf.helm", kA) + "}",
       "not that of a container image"},
  };
  for (const auto& [text, reason] : cases) {
    auto parsed = parse_manifest(text, "");
    ASSERT_FALSE(parsed) << text;
    EXPECT_THAT(parsed.error().text, HasSubstr(reason));
  }
}

TEST(Manifest, TooManyLayersAreRefused) {
  auto with_layers = [&](size_t count) {
    std::string layers;
    for (size_t i = 0; i < count; ++i) layers += (i == 0 ? "" : ",") + descriptor(kLayer, kB);
    return parse(R"("config":)" + descriptor(kConfig, kA) + R"(,"layers":[)" + layers + "]");
  };
  EXPECT_TRUE(with_layers(kLayersMax));
  EXPECT_FALSE(with_layers(kLayersMax + 1));
}

TEST(Index, ChoosesAsContainerd) {
  Index index = index_of({entry(kA, R"({"os":"unknown","architecture":"unknown"})"),
                          entry(kA, R"({"os":"linux","architecture":"arm","variant":"v6"})"),
                          entry(kB, R"({"os":"linux","architecture":"arm","variant":"v7"})"),
                          entry(kA, R"({"os":"linux","architecture":"amd64"})"),
                          entry(kA, R"({"os":"windows","architecture":"arm64"})")});
  EXPECT_EQ(choose(index, {"linux", "arm", "v7"})->digest, kB);
  EXPECT_EQ(choose(index, {"linux", "arm64", ""})->digest, kB);  // runs 32-bit images too
  EXPECT_EQ(choose(index, {"linux", "arm", "v6"})->digest, kA);
  EXPECT_EQ(choose(index, {"linux", "amd64", ""})->platform->architecture, "amd64");
  auto none = choose(index, {"linux", "s390x", ""});
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().text, HasSubstr("linux/arm/v6, linux/arm/v7, linux/amd64"));
}

// containerd's platforms.Only: what a host runs besides its own kind, the best first.
TEST(Platform, IsMatchedAsContainerdDoes) {
  struct Case {
    std::string host;
    std::vector<std::string> runs;  // best first
    std::vector<std::string> does_not_run;
  };
  const std::vector<Case> cases = {
      {"linux/amd64",
       {"linux/amd64", "linux/386"},
       {"linux/amd64/v2", "linux/arm64", "windows/amd64"}},
      {"linux/amd64/v3",
       {"linux/amd64/v3", "linux/amd64/v2", "linux/amd64", "linux/386"},
       {"linux/amd64/v4"}},
      {"linux/386", {"linux/386"}, {"linux/amd64"}},
      {"linux/arm64",
       {"linux/arm64/v8", "linux/arm/v8", "linux/arm/v7", "linux/arm/v6", "linux/arm/v5"},
       {"linux/arm64/v9", "linux/amd64"}},
      {"linux/arm/v8",
       {"linux/arm/v8", "linux/arm/v7", "linux/arm/v6", "linux/arm/v5"},
       {"linux/arm64"}},
      {"linux/arm/v7",
       {"linux/arm", "linux/arm/v6", "linux/arm/v5"},
       {"linux/arm/v8", "linux/arm64"}},
      {"linux/arm/v6", {"linux/arm/v6", "linux/arm/v5"}, {"linux/arm/v7", "linux/arm"}},
      {"linux/arm/v5", {"linux/arm/v5"}, {"linux/arm/v6"}},
      {"linux/ppc64le", {"linux/ppc64le"}, {"linux/ppc64", "linux/amd64"}},
      {"linux/s390x", {"linux/s390x"}, {"linux/amd64"}},
      {"linux/riscv64", {"linux/riscv64"}, {"linux/arm64"}},
  };
  for (const Case& each : cases) {
    Platform host = parse_platform(each.host).value();
    int before = -1;
    for (const std::string& offered : each.runs) {
      auto rank = match(host, parse_platform(offered).value());
      ASSERT_TRUE(rank) << each.host << " " << offered;
      EXPECT_GT(*rank, before) << each.host << " " << offered;
      before = *rank;
    }
    for (const std::string& offered : each.does_not_run) {
      EXPECT_FALSE(match(host, parse_platform(offered).value())) << each.host << " " << offered;
    }
  }
}

// Names that others write; containerd's platforms.Normalize.
TEST(Platform, HasOneNameOfSeveral) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"Linux/x86_64", "linux/amd64"},   {"linux/x86-64", "linux/amd64"},
      {"linux/amd64/v1", "linux/amd64"}, {"linux/i386", "linux/386"},
      {"linux/armhf", "linux/arm/v7"},   {"linux/armel", "linux/arm/v6"},
      {"linux/arm/7", "linux/arm/v7"},   {"linux/arm64/8", "linux/arm64"},
      {"linux/aarch64", "linux/arm64"},  {"linux/arm64/v9", "linux/arm64/v9"},
  };
  for (const auto& [text, name] : cases) EXPECT_EQ(parse_platform(text)->to_string(), name) << text;
}

TEST(Index, WithoutPlatformsIsTheLastResort) {
  const std::string plain = descriptor("application/vnd.oci.image.manifest.v1+json", kA);
  const std::string exact = entry(kB, R"({"os":"linux","architecture":"amd64"})");
  EXPECT_EQ(choose(index_of({plain, exact}), {"linux", "amd64", ""})->digest, kB);
  EXPECT_EQ(choose(index_of({exact, plain}), {"linux", "amd64", ""})->digest, kB);
  EXPECT_EQ(choose(index_of({plain, exact}), {"linux", "s390x", ""})->digest, kA);
  // Of equals the first.
  const std::string other = entry(kA, R"({"os":"linux","architecture":"amd64"})");
  EXPECT_EQ(choose(index_of({exact, other}), {"linux", "amd64", ""})->digest, kB);
}

TEST(Platform, IsNormalised) {
  EXPECT_EQ(parse_platform("aarch64")->to_string(), "linux/arm64");
  EXPECT_EQ(parse_platform("linux/arm64/v8")->to_string(), "linux/arm64");
  EXPECT_EQ(parse_platform("linux/arm")->to_string(), "linux/arm/v7");
  EXPECT_EQ(platform_of_machine("x86_64").to_string(), "linux/amd64");
  EXPECT_EQ(platform_of_machine("armv6l").to_string(), "linux/arm/v6");
  EXPECT_FALSE(parse_platform("linux//x"));
}

TEST(Config, IsRead) {
  std::string text = R"({"architecture":"amd64","os":"linux","config":{
    "Entrypoint":["/e"],"Cmd":null,"Env":["A=b=c"],"User":"7:8","WorkingDir":"/w",
    "StopSignal":"SIGQUIT","ExposedPorts":{"80/tcp":{}},"Volumes":{"/v":{}},"Labels":{"k":"v"}},
    "rootfs":{"type":"layers","diff_ids":[")" +
                     kA + R"("]}})";
  auto config = parse_config(text, 1);
  ASSERT_TRUE(config) << config.error().text;
  EXPECT_THAT(config->entrypoint, ElementsAre("/e"));
  EXPECT_TRUE(config->cmd.empty());
  EXPECT_EQ(config->user, "7:8");
  EXPECT_THAT(config->exposed_ports, ElementsAre("80/tcp"));
  EXPECT_THAT(config->volumes, ElementsAre("/v"));
  EXPECT_FALSE(parse_config(text, 2));
}

TEST(Config, MayBeNearlyEmpty) {
  for (const std::string more : {R"("config":null,)", R"("config":{"Cmd":[],"Env":null},)", "",
                                 R"("history":[{"created_by":"x","empty_layer":true}],)"}) {
    auto config = parse_config("{" + more + R"("rootfs":{"type":"layers","diff_ids":null}})", 0);
    ASSERT_TRUE(config) << more << config.error().text;
    EXPECT_TRUE(config->cmd.empty());
    EXPECT_EQ(config->user, "");
  }
}

TEST(Config, BadInputIsNamed) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"[]", "must be an object"},
      {"{}", "rootfs"},
      {R"({"rootfs":{"diff_ids":["sha512:1"]}})", "sha512:1"},
      {R"({"rootfs":{"diff_ids":[]}})", "0 entries but the manifest has 1 layers"},
      {R"({"config":{"Cmd":"sh"},"rootfs":{"diff_ids":[]}})", "Cmd"},
      {R"({"config":{"Env":["=x"]},"rootfs":{"diff_ids":[]}})", "NAME=VALUE"},
      {R"({"config":{"Labels":{"a":1}},"rootfs":{"diff_ids":[]}})", "Labels"},
  };
  for (const auto& [text, reason] : cases) {
    auto config = parse_config(text, 1);
    ASSERT_FALSE(config) << text;
    EXPECT_THAT(config.error().text, HasSubstr(reason)) << text;
  }
}

TEST(Config, EnvironmentNeedsNames) {
  auto config = parse_config(R"({"config":{"Env":["NOPE"]},"rootfs":{"diff_ids":[]}})", 0);
  ASSERT_FALSE(config);
  EXPECT_THAT(config.error().text, HasSubstr("NAME=VALUE"));
}

TEST(ChainIds, StackDiffIds) {
  auto chain = chain_ids({kA, kB, kA});
  EXPECT_EQ(chain[0], kA);
  EXPECT_EQ(chain[1], digest_of(kA + " " + kB));
  EXPECT_EQ(chain[2], digest_of(chain[1] + " " + kA));
}

}  // namespace
}  // namespace berth::image
