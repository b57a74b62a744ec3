// Secrets Manager as SDKs ask it, over a store on the disk.
#include "api/secrets_service.h"

#include "api/secrets_operations.h"
#include "support/api_doc.h"
#include "support/json_service_fixture.h"

#include <gmock/gmock.h>

#include <set>

namespace berth::api {
namespace {

using testing::HasSubstr;

class SecretsServiceTest : public JsonServiceTest {
 protected:
  Service& service() override { return service_; }

  SecretsService service_{
      secrets::SecretStore(directory_.path()), {"123456789012", "eu-west-1"}, Env{clock_, rng_}};
};

const std::string kToken1 = "11111111-1111-1111-1111-111111111111";
const std::string kToken2 = "22222222-2222-2222-2222-222222222222";
const std::string kToken3 = "33333333-3333-3333-3333-333333333333";

TEST(SecretsOperations, AreThoseOfTheDocument) {
  expect_documented(sm::all_operations(), "secrets-api.md");
}

TEST_F(SecretsServiceTest, ASecretIsFoundByItsNameAndByItsArn) {
  auto made = good("CreateSecret", {{"Name", "team/db"},
                                    {"SecretString", "one"},
                                    {"ClientRequestToken", kToken1},
                                    {"Description", "a db"},
                                    {"Tags", {{{"Key", "team"}, {"Value", "blue"}}}}});
  std::string arn = made["ARN"];
  EXPECT_THAT(arn, testing::MatchesRegex("arn:aws:secretsmanager:eu-west-1:123456789012:secret:"
                                         "team/db-[A-Za-z0-9]{6}"));
  EXPECT_EQ(made["VersionId"], kToken1);
  for (const std::string& id : {std::string("team/db"), arn, arn.substr(0, arn.size() - 7)}) {
    auto value = good("GetSecretValue", {{"SecretId", id}});
    EXPECT_EQ(value["SecretString"], "one") << id;
    EXPECT_EQ(value["VersionStages"], json::array({"AWSCURRENT"}));
    EXPECT_EQ(value["ARN"], arn);
  }
  std::string other = arn;
  other.back() = other.back() == 'x' ? 'y' : 'x';
  EXPECT_EQ(code("GetSecretValue", {{"SecretId", other}}), "ResourceNotFoundException");
  EXPECT_EQ(code("GetSecretValue", {{"SecretId", "arn:aws:secretsmanager:r:1:secret:team/db"}}),
            "ResourceNotFoundException");
  auto described = good("DescribeSecret", {{"SecretId", "team/db"}});
  EXPECT_EQ(described["Description"], "a db");
  EXPECT_EQ(described["VersionIdsToStages"], json::object({{kToken1, {"AWSCURRENT"}}}));
  EXPECT_EQ(described["Tags"], json::array({{{"Key", "team"}, {"Value", "blue"}}}));
}

TEST_F(SecretsServiceTest, ACallThatComesTwiceMakesOneVersion) {
  json create = {{"Name", "a"}, {"SecretString", "1"}, {"ClientRequestToken", kToken1}};
  auto made = good("CreateSecret", create);
  EXPECT_EQ(good("CreateSecret", create), made);
  create["SecretString"] = "2";
  EXPECT_EQ(code("CreateSecret", create), "ResourceExistsException");
  create["ClientRequestToken"] = kToken2;
  EXPECT_EQ(code("CreateSecret", create), "ResourceExistsException");
  json put = {{"SecretId", "a"}, {"SecretString", "2"}, {"ClientRequestToken", kToken2}};
  good("PutSecretValue", put);
  good("PutSecretValue", put);
  EXPECT_EQ(good("ListSecretVersionIds", {{"SecretId", "a"}})["Versions"].size(), 2U);
  put["SecretString"] = "3";
  EXPECT_EQ(code("PutSecretValue", put), "ResourceExistsException");
  EXPECT_EQ(code("PutSecretValue",
                 {{"SecretId", "a"}, {"SecretString", "x"}, {"ClientRequestToken", "short"}}),
            "InvalidParameterException");
}

TEST_F(SecretsServiceTest, StagesMoveFromVersionToVersion) {
  good("CreateSecret", {{"Name", "a"}, {"SecretString", "1"}, {"ClientRequestToken", kToken1}});
  good("UpdateSecret", {{"SecretId", "a"}, {"SecretString", "2"}, {"ClientRequestToken", kToken2}});
  auto staged = [&](const char* stage) {
    return good("GetSecretValue", {{"SecretId", "a"}, {"VersionStage", stage}})["SecretString"];
  };
  EXPECT_EQ(staged("AWSCURRENT"), "2");
  EXPECT_EQ(staged("AWSPREVIOUS"), "1");
  auto pending = good("PutSecretValue", {{"SecretId", "a"},
                                         {"SecretString", "3"},
                                         {"ClientRequestToken", kToken3},
                                         {"VersionStages", {"AWSPENDING"}}});
  EXPECT_EQ(pending["VersionStages"], json::array({"AWSPENDING"}));
  EXPECT_EQ(staged("AWSCURRENT"), "2");
  EXPECT_EQ(code("UpdateSecretVersionStage",
                 {{"SecretId", "a"}, {"VersionStage", "AWSCURRENT"}, {"MoveToVersionId", kToken3}}),
            "InvalidParameterException")
      << "it must be said from where";
  good("UpdateSecretVersionStage", {{"SecretId", "a"},
                                    {"VersionStage", "AWSCURRENT"},
                                    {"RemoveFromVersionId", kToken2},
                                    {"MoveToVersionId", kToken3}});
  EXPECT_EQ(staged("AWSCURRENT"), "3");
  EXPECT_EQ(staged("AWSPREVIOUS"), "2");
  good("UpdateSecretVersionStage",
       {{"SecretId", "a"}, {"VersionStage", "AWSPENDING"}, {"RemoveFromVersionId", kToken3}});
  EXPECT_EQ(code("GetSecretValue", {{"SecretId", "a"}, {"VersionStage", "AWSPENDING"}}),
            "ResourceNotFoundException");
  EXPECT_EQ(
      code("UpdateSecretVersionStage",
           {{"SecretId", "a"}, {"VersionStage", "AWSCURRENT"}, {"RemoveFromVersionId", kToken3}}),
      "InvalidParameterException");
  EXPECT_EQ(good("GetSecretValue", {{"SecretId", "a"}, {"VersionId", kToken1}})["SecretString"],
            "1");
  EXPECT_EQ(good("ListSecretVersionIds", {{"SecretId", "a"}})["Versions"].size(), 2U);
  EXPECT_EQ(
      good("ListSecretVersionIds", {{"SecretId", "a"}, {"IncludeDeprecated", true}})["Versions"]
          .size(),
      3U);
}

TEST_F(SecretsServiceTest, WhatIsDeletedComesBackWithinItsWindow) {
  good("CreateSecret", {{"Name", "a"}, {"SecretString", "1"}});
  EXPECT_EQ(code("DeleteSecret", {{"SecretId", "a"}, {"RecoveryWindowInDays", 6}}),
            "InvalidParameterException");
  good("DeleteSecret", {{"SecretId", "a"}, {"RecoveryWindowInDays", 7}});
  EXPECT_EQ(code("GetSecretValue", {{"SecretId", "a"}}), "InvalidRequestException");
  EXPECT_EQ(code("PutSecretValue", {{"SecretId", "a"}, {"SecretString", "2"}}),
            "InvalidRequestException");
  EXPECT_EQ(code("CreateSecret", {{"Name", "a"}}), "InvalidRequestException");
  EXPECT_EQ(good("ListSecrets", json::object())["SecretList"].size(), 0U);
  EXPECT_EQ(good("ListSecrets", {{"IncludePlannedDeletion", true}})["SecretList"].size(), 1U);
  EXPECT_TRUE(good("DescribeSecret", {{"SecretId", "a"}}).contains("DeletedDate"));
  good("RestoreSecret", {{"SecretId", "a"}});
  EXPECT_EQ(good("GetSecretValue", {{"SecretId", "a"}})["SecretString"], "1");
  std::string arn = good("DeleteSecret", {{"SecretId", "a"}, {"RecoveryWindowInDays", 7}})["ARN"];
  clock_.advance(std::chrono::hours(7 * 24));
  EXPECT_EQ(code("RestoreSecret", {{"SecretId", "a"}}), "ResourceNotFoundException");
  EXPECT_NE(good("CreateSecret", {{"Name", "a"}})["ARN"], arn) << "another one";
  EXPECT_EQ(code("GetSecretValue", {{"SecretId", "a"}}), "ResourceNotFoundException") << "no value";
  good("DeleteSecret", {{"SecretId", "a"}, {"ForceDeleteWithoutRecovery", true}});
  EXPECT_EQ(code("DescribeSecret", {{"SecretId", "a"}}), "ResourceNotFoundException");
  // Whoever has missed the answer may ask again; a window is for a secret that is there.
  EXPECT_EQ(good("DeleteSecret", {{"SecretId", "a"}, {"ForceDeleteWithoutRecovery", true}})["Name"],
            "a");
  EXPECT_EQ(code("DeleteSecret", {{"SecretId", "a"}}), "ResourceNotFoundException");
}

TEST_F(SecretsServiceTest, DescriptionsAreLookedThroughByTheBeginningsOfTheirWords) {
  for (const char* text : {"one two", "one-and-Two", "one", "twos", "unrelated"}) {
    std::string name = std::to_string(std::string(text).size());
    clock_.advance(std::chrono::seconds(1));
    good("CreateSecret", {{"Name", name}, {"Description", text}});
  }
  good("TagResource", {{"SecretId", "9"}, {"Tags", {{{"Key", "Other"}, {"Value", "v"}}}}});
  auto listed = [&](const char* key, const char* value) {
    std::string names;
    json filters = {{{"Key", key}, {"Values", {value}}}};
    json answer = good("ListSecrets", {{"SortOrder", "asc"}, {"Filters", filters}});
    for (const json& secret : answer["SecretList"])
      names += secret["Name"].get<std::string>() + " ";
    return names;
  };
  EXPECT_EQ(listed("description", "one two"), "7 11 ");
  EXPECT_EQ(listed("description", "o T"), "7 11 ");
  EXPECT_EQ(listed("description", "related"), "");
  EXPECT_EQ(listed("description", "!o"), "4 9 ");
  EXPECT_EQ(listed("all", "oth"), "9 ");
  EXPECT_EQ(listed("tag-key", "Oth"), "9 ");
  EXPECT_EQ(listed("tag-key", "oth") + listed("tag-key", "ther"), "");
}

TEST_F(SecretsServiceTest, ListsAreFilteredAndPaged) {
  for (const char* name : {"app/one", "app/two", "other"}) {
    clock_.advance(std::chrono::seconds(1));
    good("CreateSecret", {{"Name", name}, {"SecretString", name}});
  }
  good("TagResource", {{"SecretId", "other"}, {"Tags", {{{"Key", "k"}, {"Value", "v"}}}}});
  auto listed = [&](const json& body) {
    std::vector<std::string> names;
    json answer = good("ListSecrets", body);
    for (const json& secret : answer["SecretList"]) {
      names.push_back(secret["Name"]);
    }
    return names;
  };
  using testing::ElementsAre;
  EXPECT_THAT(listed({{"SortOrder", "asc"}}), ElementsAre("app/one", "app/two", "other"));
  EXPECT_THAT(listed({{"Filters", {{{"Key", "name"}, {"Values", {"app/"}}}}}}),
              ElementsAre("app/two", "app/one"));
  EXPECT_THAT(listed({{"Filters", {{{"Key", "name"}, {"Values", {"!app/"}}}}}}),
              ElementsAre("other"));
  EXPECT_THAT(listed({{"Filters", {{{"Key", "tag-key"}, {"Values", {"k"}}}}}}),
              ElementsAre("other"));
  json page = good("ListSecrets", {{"MaxResults", 2}});
  EXPECT_EQ(page["SecretList"].size(), 2U);
  page = good("ListSecrets", {{"MaxResults", 2}, {"NextToken", page["NextToken"]}});
  EXPECT_EQ(page["SecretList"].size(), 1U);
  EXPECT_EQ(code("ListSecrets", {{"NextToken", "x"}}), "InvalidNextTokenException");
  json batch = good("BatchGetSecretValue", {{"SecretIdList", {"other", "none"}}});
  EXPECT_EQ(batch["SecretValues"][0]["SecretString"], "other");
  EXPECT_EQ(batch["Errors"][0]["ErrorCode"], "ResourceNotFoundException");
  batch = good("BatchGetSecretValue", {{"Filters", {{{"Key", "name"}, {"Values", {"app"}}}}}});
  EXPECT_EQ(batch["SecretValues"].size(), 2U);
  EXPECT_EQ(code("BatchGetSecretValue", {{"SecretIdList", {"other"}}, {"MaxResults", 1}}),
            "InvalidParameterException");
  good("UntagResource", {{"SecretId", "other"}, {"TagKeys", {"k"}}});
  EXPECT_EQ(good("DescribeSecret", {{"SecretId", "other"}})["Tags"], json::array());
}

TEST_F(SecretsServiceTest, BytesComeBackAsTheyWere) {
  good("CreateSecret", {{"Name", "b"}, {"SecretBinary", "AAECAw=="}});
  json value = good("GetSecretValue", {{"SecretId", "b"}});
  EXPECT_EQ(value["SecretBinary"], "AAECAw==");
  EXPECT_FALSE(value.contains("SecretString"));
  EXPECT_EQ(code("CreateSecret", {{"Name", "c"}, {"SecretBinary", "!"}}),
            "InvalidParameterException");
  EXPECT_EQ(code("CreateSecret", {{"Name", "c"}, {"SecretBinary", "AA=="}, {"SecretString", "x"}}),
            "InvalidParameterException");
}

TEST_F(SecretsServiceTest, PasswordsHaveACharacterOfEachKind) {
  std::set<std::string> seen;
  for (int i = 0; i < 50; ++i) {
    std::string password =
        good("GetRandomPassword",
             {{"PasswordLength", 4}, {"ExcludeCharacters", "abc"}})["RandomPassword"];
    EXPECT_EQ(password.size(), 4U);
    EXPECT_EQ(password.find_first_of("abc"), std::string::npos);
    EXPECT_NE(password.find_first_of("0123456789"), std::string::npos);
    EXPECT_NE(password.find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), std::string::npos);
    seen.insert(password);
  }
  EXPECT_GT(seen.size(), 45U);
  EXPECT_EQ(code("GetRandomPassword", {{"PasswordLength", 3}}), "InvalidParameterException");
}

// What is expected of these was recorded from AWS (docs/conformance.md).
TEST_F(SecretsServiceTest, RefusalsAreAmazons) {
  good("CreateSecret", {{"Name", "a"}, {"SecretString", "1"}, {"ClientRequestToken", kToken1}});
  const std::string name_rule =
      "Invalid name. Must be a valid name containing alphanumeric characters, or any of the "
      "following: -/_+=.@!";
  for (const char* operation :
       {"DescribeSecret", "GetSecretValue", "DeleteSecret", "ListSecretVersionIds", "UntagResource",
        "ValidateResourcePolicy"}) {
    Refusal refused = refusal(operation, {{"SecretId", "Inv*Name? "}, {"TagKeys", {"a"}}});
    EXPECT_EQ(refused.code, "ValidationException") << operation;
    EXPECT_EQ(refused.message, name_rule) << operation;
  }
  EXPECT_EQ(refusal("CreateSecret", {{"Name", "Inv Name"}, {"SecretString", "x"}}).message,
            name_rule);
  Refusal mismatch =
      refusal("GetSecretValue",
              {{"SecretId", "a"}, {"VersionId", kToken1}, {"VersionStage", "AWSPENDING"}});
  EXPECT_EQ(mismatch.code, "InvalidRequestException");
  EXPECT_EQ(mismatch.message,
            "You provided a VersionStage that is not associated to the provided VersionId.");
  Refusal rotation = refusal("RotateSecret", {{"SecretId", "a"}});
  EXPECT_EQ(rotation.code, "InvalidRequestException");
  EXPECT_EQ(rotation.message, "No Lambda rotation function ARN is associated with this secret.");
  rotation =
      refusal("RotateSecret", {{"SecretId", "a"}, {"RotationLambdaARN", "arn:aws:lambda:r:1:f"}});
  EXPECT_EQ(rotation.code, "AccessDeniedException");
  EXPECT_THAT(rotation.message, HasSubstr("berth has no functions"));
  EXPECT_EQ(code("RotateSecret", {{"SecretId", "none"}}), "ResourceNotFoundException");
  EXPECT_THAT(refusal("CancelRotateSecret", {{"SecretId", "a"}}).message, HasSubstr("rotate"));
}

TEST_F(SecretsServiceTest, WhatIsReadIsNotedByDayAndIsNoChange) {
  good("CreateSecret", {{"Name", "a"}, {"SecretString", "1"}, {"ClientRequestToken", kToken1}});
  json before = good("DescribeSecret", {{"SecretId", "a"}});
  EXPECT_FALSE(before.contains("LastAccessedDate"));
  EXPECT_FALSE(before.contains("Tags")) << "it never had any";
  clock_.advance(std::chrono::hours(30));
  good("GetSecretValue", {{"SecretId", "a"}});
  json after = good("DescribeSecret", {{"SecretId", "a"}});
  constexpr int kDaySeconds = 24 * 3600;
  EXPECT_EQ(after["LastAccessedDate"].get<int64_t>() % kDaySeconds, 0);
  EXPECT_GT(after["LastAccessedDate"].get<int64_t>(), before["CreatedDate"].get<int64_t>());
  EXPECT_EQ(after["LastChangedDate"], before["LastChangedDate"]);
  json version = good("ListSecretVersionIds", {{"SecretId", "a"}})["Versions"][0];
  EXPECT_EQ(version["LastAccessedDate"], after["LastAccessedDate"]);
  EXPECT_EQ(version["KmsKeyIds"], json::array({"DefaultEncryptionKey"}));
  good("CreateSecret", {{"Name", "b"}, {"SecretString", "1"}});
  json sorted = good("ListSecrets", {{"SortBy", "last-accessed-date"}, {"SortOrder", "desc"}});
  EXPECT_EQ(sorted["SecretList"][0]["Name"], "a");
}

TEST_F(SecretsServiceTest, WhatIsCurrentNoMoreIsNotPendingEither) {
  good("CreateSecret", {{"Name", "a"}, {"SecretString", "1"}, {"ClientRequestToken", kToken1}});
  good("PutSecretValue", {{"SecretId", "a"},
                          {"SecretString", "2"},
                          {"ClientRequestToken", kToken2},
                          {"VersionStages", {"AWSPENDING"}}});
  good("UpdateSecretVersionStage", {{"SecretId", "a"},
                                    {"VersionStage", "AWSCURRENT"},
                                    {"RemoveFromVersionId", kToken1},
                                    {"MoveToVersionId", kToken2}});
  auto stages = [&] { return good("DescribeSecret", {{"SecretId", "a"}})["VersionIdsToStages"]; };
  EXPECT_EQ(stages()[kToken2], json::array({"AWSPENDING", "AWSCURRENT"}));
  good("PutSecretValue",
       {{"SecretId", "a"}, {"SecretString", "3"}, {"ClientRequestToken", kToken3}});
  EXPECT_EQ(stages()[kToken2], json::array({"AWSPREVIOUS"}));
}

}  // namespace
}  // namespace berth::api
