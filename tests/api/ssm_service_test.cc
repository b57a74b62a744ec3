// The Parameter Store as SDKs ask it, over a store on the disk.
#include "api/ssm_service.h"

#include "api/ssm_operations.h"
#include "support/api_doc.h"
#include "support/json_service_fixture.h"

#include <gmock/gmock.h>

#include <filesystem>

namespace berth::api {
namespace {

class SsmServiceTest : public JsonServiceTest {
 protected:
  Service& service() override { return service_; }

  json put(const std::string& name, const std::string& value, const json& more = json::object()) {
    json body = {{"Name", name}, {"Value", value}, {"Type", "String"}};
    body.update(more);
    return good("PutParameter", body);
  }
  std::string value_of(const std::string& name) {
    return good("GetParameter", {{"Name", name}})["Parameter"]["Value"];
  }

  SsmService service_{
      secrets::SecretStore(directory_.path()), {"123456789012", "eu-west-1"}, Env{clock_, rng_}};
};

TEST(SsmOperations, AreThoseOfTheDocument) {
  expect_documented(ssm::all_operations(), "ssm-api.md");
}

TEST_F(SsmServiceTest, VersionsAreCountedAndFoundByNumberAndLabel) {
  EXPECT_EQ(put("/app/url", "one"), json::object({{"Version", 1}, {"Tier", "Standard"}}));
  EXPECT_EQ(code("PutParameter", {{"Name", "/app/url"}, {"Value", "x"}, {"Type", "String"}}),
            "ParameterAlreadyExists");
  EXPECT_EQ(good("PutParameter",
                 {{"Name", "/app/url"}, {"Value", "two"}, {"Overwrite", true}})["Version"],
            2);
  json labelled =
      good("LabelParameterVersion",
           {{"Name", "/app/url"}, {"ParameterVersion", 1}, {"Labels", {"live", "1bad", "awsx"}}});
  EXPECT_EQ(labelled, json::object({{"InvalidLabels", {"1bad", "awsx"}}, {"ParameterVersion", 1}}));
  EXPECT_EQ(value_of("/app/url"), "two");
  EXPECT_EQ(value_of("/app/url:1"), "one");
  EXPECT_EQ(value_of("/app/url:live"), "one");
  json found = good("GetParameter", {{"Name", "/app/url:live"}})["Parameter"];
  EXPECT_EQ(found["Selector"], ":live");
  EXPECT_EQ(found["ARN"], "arn:aws:ssm:eu-west-1:123456789012:parameter/app/url");
  EXPECT_EQ(value_of(found["ARN"]), "two");
  EXPECT_EQ(code("GetParameter", {{"Name", "/app/url:3"}}), "ParameterVersionNotFound");
  EXPECT_EQ(code("GetParameter", {{"Name", "/app/none"}}), "ParameterNotFound");
  EXPECT_EQ(code("GetParameter", {{"Name", "/app/url:1:live"}}), "ParameterNotFound");
  EXPECT_EQ(
      refusal("LabelParameterVersion",
              {{"Name", "/app/url"}, {"ParameterVersion", 3}, {"Labels", {"live"}}})
          .message,
      "Systems Manager could not find version 3 of /app/url. Verify the version and try again.");
  for (const std::string& label : {std::string(), std::string(101, 'a')}) {
    EXPECT_EQ(code("LabelParameterVersion", {{"Name", "/app/url"}, {"Labels", {label}}}),
              "ValidationException");
  }
  good("LabelParameterVersion", {{"Name", "/app/url"}, {"Labels", {"live"}}});
  EXPECT_EQ(value_of("/app/url:live"), "two") << "a label is of one version";
  json history = good("GetParameterHistory", {{"Name", "/app/url"}})["Parameters"];
  ASSERT_EQ(history.size(), 2U);
  EXPECT_EQ(history[0]["Value"], "one");
  EXPECT_EQ(history[1]["Labels"], json::array({"live"}));
  EXPECT_EQ(history[1]["LastModifiedUser"], "arn:aws:iam::123456789012:root");
  good("UnlabelParameterVersion",
       {{"Name", "/app/url"}, {"ParameterVersion", 2}, {"Labels", {"live"}}});
  EXPECT_EQ(code("GetParameter", {{"Name", "/app/url:live"}}), "ParameterVersionNotFound");
}

TEST_F(SsmServiceTest, TheOldestVersionGoesUnlessItHasALabel) {
  put("a", "1");
  auto again = [&] { return json{{"Name", "a"}, {"Value", "x"}, {"Overwrite", true}}; };
  for (size_t i = 1; i < secrets::kParameterVersionsMax; ++i) good("PutParameter", again());
  good("LabelParameterVersion", {{"Name", "a"}, {"ParameterVersion", 1}, {"Labels", {"kept"}}});
  Refusal refused = refusal("PutParameter", again());
  EXPECT_EQ(refused.code, "ParameterMaxVersionLimitExceeded");
  EXPECT_NE(refused.message.find("Version 1, the oldest version"), std::string::npos);
  good("LabelParameterVersion", {{"Name", "a"}, {"ParameterVersion", 2}, {"Labels", {"kept"}}});
  EXPECT_EQ(good("PutParameter", again())["Version"], 101);
  EXPECT_EQ(code("GetParameter", {{"Name", "a:1"}}), "ParameterVersionNotFound");
  EXPECT_EQ(value_of("a:kept"), "x");
}

TEST_F(SsmServiceTest, ASecureStringIsCiphertextUnlessItIsToBeDecrypted) {
  put("pw", "hidden", {{"Type", "SecureString"}});
  std::string sealed = value_of("pw");
  EXPECT_EQ(sealed.find("hidden"), std::string::npos);
  EXPECT_GT(sealed.size(), 30U);
  json found = good("GetParameter", {{"Name", "pw"}, {"WithDecryption", true}})["Parameter"];
  EXPECT_EQ(found["Value"], "hidden");
  EXPECT_EQ(found["Type"], "SecureString");
  EXPECT_EQ(good("GetParameter", {{"Name", "/pw"}, {"WithDecryption", true}})["Parameter"]["Value"],
            "hidden")
      << "of one level, the slash counts for nothing";
  EXPECT_EQ(code("PutParameter",
                 {{"Name", "pw"}, {"Value", "x"}, {"Type", "String"}, {"Overwrite", true}}),
            "HierarchyTypeMismatchException");
  // As `berth secrets put --parameter` makes it.
  ASSERT_TRUE(secrets::SecretStore(directory_.path())
                  .put({secrets::SecretKind::kParameter, "typed"}, Secret("v"), Env{clock_, rng_}));
  found = good("GetParameter", {{"Name", "typed"}, {"WithDecryption", true}})["Parameter"];
  EXPECT_EQ(found["Value"], "v");
  EXPECT_EQ(found["Version"], 1);
}

TEST_F(SsmServiceTest, PathsAreWalkedAndListsFiltered) {
  for (const char* name : {"/a/x", "/a/y", "/a/b/z", "/b/x", "plain"}) put(name, name);
  auto by_path = [&](const json& body) {
    std::vector<std::string> names;
    json answer = good("GetParametersByPath", body);
    for (const json& each : answer["Parameters"]) {
      names.push_back(each["Name"]);
    }
    return names;
  };
  using testing::ElementsAre;
  EXPECT_THAT(by_path({{"Path", "/a"}}), ElementsAre("/a/x", "/a/y"));
  EXPECT_THAT(by_path({{"Path", "/a/"}, {"Recursive", true}}),
              ElementsAre("/a/b/z", "/a/x", "/a/y"));
  EXPECT_THAT(by_path({{"Path", "/"}}), ElementsAre("plain"));
  EXPECT_EQ(code("GetParametersByPath", {{"Path", "a"}}), "ValidationException");
  EXPECT_EQ(code("GetParametersByPath", {{"Path", "/a"}, {"MaxResults", 11}}),
            "ValidationException");
  json page = good("GetParametersByPath", {{"Path", "/a"}, {"MaxResults", 1}});
  page = good("GetParametersByPath",
              {{"Path", "/a"}, {"MaxResults", 1}, {"NextToken", page["NextToken"]}});
  EXPECT_EQ(page["Parameters"][0]["Name"], "/a/y");
  EXPECT_FALSE(page.contains("NextToken"));
  good("AddTagsToResource", {{"ResourceType", "Parameter"},
                             {"ResourceId", "/b/x"},
                             {"Tags", {{{"Key", "team"}, {"Value", "blue"}}}}});
  auto described = [&](const json& filters) {
    return good("DescribeParameters", {{"ParameterFilters", filters}})["Parameters"].size();
  };
  EXPECT_EQ(described(json::array()), 5U);
  EXPECT_EQ(described({{{"Key", "Name"}, {"Option", "BeginsWith"}, {"Values", {"/a/"}}}}), 3U);
  EXPECT_EQ(described({{{"Key", "Name"}, {"Option", "Contains"}, {"Values", {"x"}}}}), 2U);
  EXPECT_EQ(described({{{"Key", "Path"}, {"Option", "Recursive"}, {"Values", {"/a"}}}}), 3U);
  EXPECT_EQ(described({{{"Key", "tag:team"}, {"Values", {"blue"}}}}), 1U);
  EXPECT_EQ(described({{{"Key", "Type"}, {"Values", {"SecureString"}}}}), 0U);
  EXPECT_EQ(
      code("DescribeParameters", {{"ParameterFilters", {{{"Key", "Colour"}, {"Values", {"x"}}}}}}),
      "InvalidFilterKey");
  json old = {{{"Key", "Name"}, {"Values", {"/a"}}}};
  EXPECT_EQ(code("DescribeParameters", {{"Filters", old}, {"ParameterFilters", old}}),
            "ValidationException");
  EXPECT_EQ(good("ListTagsForResource", {{"ResourceType", "Parameter"}, {"ResourceId", "/b/x"}}),
            json::object({{"TagList", {{{"Key", "team"}, {"Value", "blue"}}}}}));
  good("RemoveTagsFromResource",
       {{"ResourceType", "Parameter"}, {"ResourceId", "/b/x"}, {"TagKeys", {"team"}}});
  EXPECT_EQ(described({{{"Key", "tag:team"}}}), 0U);
}

TEST_F(SsmServiceTest, WhatIsNotThereIsToldInTheAnswerOfSeveral) {
  put("/a", "1");
  json found = good("GetParameters", {{"Names", {"/a", "/none", "/a:7"}}});
  EXPECT_EQ(found["Parameters"].size(), 1U);
  EXPECT_EQ(found["InvalidParameters"], json::array({"/none", "/a:7"}));
  json deleted = good("DeleteParameters", {{"Names", {"/a", "/none"}}});
  EXPECT_EQ(deleted,
            json::object({{"DeletedParameters", {"/a"}}, {"InvalidParameters", {"/none"}}}));
  EXPECT_EQ(code("DeleteParameter", {{"Name", "/a"}}), "ParameterNotFound");
}

// What is expected of these was recorded from AWS (docs/conformance.md).
TEST_F(SsmServiceTest, NamesAreToldAsTheyWereAskedFor) {
  put("one", "v");
  put("/two", "v");
  auto name_of = [&](const std::string& asked) {
    return good("GetParameter", {{"Name", asked}})["Parameter"]["Name"];
  };
  EXPECT_EQ(name_of("one"), "one");
  EXPECT_EQ(name_of("/one"), "/one");
  EXPECT_EQ(name_of("two"), "two");
  EXPECT_EQ(name_of("arn:aws:ssm:eu-west-1:123456789012:parameter/one"), "one");
  EXPECT_EQ(good("GetParameters", {{"Names", {"/one"}}})["Parameters"][0]["Name"], "/one");
  for (const char* name : {"/a//b", "a/b"}) {
    EXPECT_EQ(code("GetParameter", {{"Name", name}}), "ValidationException");
    EXPECT_THAT(refusal("GetParameters", {{"Names", {name}}}).message,
                testing::HasSubstr("sub-paths divided by slash symbol"));
  }
  EXPECT_EQ(refusal("DescribeParameters", {{"MaxResults", 51}}).message,
            "1 validation error detected: Value '51' at 'maxResults' failed to satisfy constraint: "
            "Member must have value less than or equal to 50");
}

TEST_F(SsmServiceTest, SecretsAreReadByReference) {
  secrets::SecretStore store(directory_.path());
  secrets::SecretName secret{secrets::SecretKind::kSecret, "team/db"};
  Env env{clock_, rng_};
  std::string first = store.put(secret, Secret("1"), env)->id;
  ASSERT_TRUE(store.put(secret, Secret("2"), env));
  const std::string name = "/aws/reference/secretsmanager/team/db";
  auto value = [&](const std::string& selector) {
    return good("GetParameter", {{"Name", name + selector}, {"WithDecryption", true}})["Parameter"];
  };
  json parameter = value("");
  EXPECT_EQ(parameter["Name"], name);
  EXPECT_EQ(parameter["Value"], "2");
  EXPECT_EQ(parameter["Type"], "SecureString");
  json source = json::parse(parameter["SourceResult"].get<std::string>());
  EXPECT_EQ(source["name"], "team/db");
  EXPECT_EQ(source["ARN"], parameter["ARN"]);
  EXPECT_EQ(value(":AWSPREVIOUS")["Value"], "1");
  EXPECT_EQ(value(":" + first)["Value"], "1");
  EXPECT_TRUE(store.find(secret, clock_.wall())->value().attributes.contains("accessed"));
  // What is noted is not written again: the file stays the one that it is.
  std::filesystem::path file;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_.path())) {
    if (entry.path().extension() == ".json") file = entry.path();
  }
  std::filesystem::create_hard_link(file, directory_.path() + "/linked");
  EXPECT_EQ(value("")["Value"], "2");
  EXPECT_TRUE(std::filesystem::equivalent(file, directory_.path() + "/linked"));
  EXPECT_EQ(refusal("GetParameter", {{"Name", name + "x"}, {"WithDecryption", true}}).message,
            "An error occurred (ParameterNotFound) when referencing Secrets Manager: Secret " +
                name + "x not found.");
  EXPECT_EQ(code("GetParameter", {{"Name", name}}), "ValidationException");
  json several =
      good("GetParameters", {{"Names", {name, name + ":none"}}, {"WithDecryption", true}});
  EXPECT_EQ(several["Parameters"].size(), 1U);
  EXPECT_EQ(several["InvalidParameters"], json::array({name + ":none"}));
}

TEST_F(SsmServiceTest, BadParametersAreRefused) {
  auto refused = [&](json more) {
    json body = {{"Name", "/n"}, {"Value", "v"}, {"Type", "String"}};
    body.update(more);
    return code("PutParameter", body);
  };
  EXPECT_EQ(refused({{"Name", "a/b"}}), "ValidationException");
  EXPECT_EQ(refused({{"Name", "/a b"}}), "ValidationException");
  EXPECT_EQ(refused({{"Name", "/AWS/x"}}), "ValidationException");
  EXPECT_EQ(refused({{"Name", "/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6"}}),
            "HierarchyLevelLimitExceededException");
  EXPECT_EQ(refused({{"Type", "Number"}}), "ValidationException");
  EXPECT_EQ(refused({{"Type", nullptr}}), "ValidationException");
  EXPECT_EQ(refused({{"Value", std::string(4097, 'x')}}), "ValidationException");
  EXPECT_EQ(refused({{"Value", std::string(8193, 'x')}, {"Tier", "Advanced"}}),
            "ValidationException");
  EXPECT_EQ(refused({{"AllowedPattern", "^[0-9]+$"}}), "ParameterPatternMismatchException");
  EXPECT_EQ(refused({{"AllowedPattern", "("}}), "InvalidAllowedPatternException");
  EXPECT_EQ(refused({{"Policies", "[]"}}), "InvalidPolicyTypeException");
  EXPECT_EQ(refused({{"Overwrite", true}, {"Tags", {{{"Key", "a"}, {"Value", "b"}}}}}),
            "ValidationException");
  EXPECT_EQ(put("/n", std::string(5000, 'x'), {{"Tier", "Intelligent-Tiering"}})["Tier"],
            "Advanced");
}

}  // namespace
}  // namespace berth::api
