// Secrets made and changed: values, versions and their stages.
#include "api/secrets_operations.h"
#include "api/tags.h"
#include "aws/base64.h"
#include "base/ids.h"
#include "base/text.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace berth::api::sm {
namespace {

constexpr size_t kTokenMin = 32;
constexpr size_t kTokenMax = 64;
constexpr size_t kDescriptionMax = 2048;
constexpr size_t kStageNameMax = 256;
constexpr size_t kStagesMax = 20;

// A value of the request: a text, or bytes.
struct Given {
  Secret value;
  bool is_binary = false;
  bool is_there = false;
};

Given read_given(Ask& ask) {
  Given given;
  bool has_text = ask.has("SecretString");
  bool has_bytes = ask.has("SecretBinary");
  if (has_text && has_bytes) {
    ask.invalid("You can't specify both a binary secret value and a string secret value.");
  }
  given.is_there = has_text || has_bytes;
  if (!given.is_there) return given;
  given.is_binary = has_bytes;
  given.value = Secret(ask.required_text(has_bytes ? "SecretBinary" : "SecretString"));
  if (has_bytes && aws::decode_base64(given.value.reveal()).empty()) {
    ask.invalid("SecretBinary: must be bytes in base64.");
  }
  auto good = secrets::check_secret_value(given.value);
  if (!ask.refused() && !good) ask.invalid(good.error().text);
  return given;
}

// The id of the version that is made: the client's token, so that a call that comes twice makes
// one.
std::string read_version_id(const Secrets& secrets, Ask& ask) {
  std::string token = ask.text("ClientRequestToken");
  if (token.empty()) return make_uuid(secrets.env.rng);
  if (token.size() < kTokenMin || token.size() > kTokenMax) {
    ask.invalid(fmt::format("ClientRequestToken: has {} to {} characters, not {}.", kTokenMin,
                            kTokenMax, token.size()));
  }
  return token;
}

secrets::SecretVersion version_of(const Secrets& secrets, const std::string& id,
                                  const Given& given) {
  secrets::SecretVersion version;
  version.id = id;
  version.created_at = format_rfc3339(secrets.now);
  version.value = given.value;
  if (given.is_binary) version.attributes["binary"] = "1";
  return version;
}

// Whether the version is there with that value; refused when it is there with another.
bool is_repeated(const Secrets& secrets, Ask& ask, const secrets::StoredSecret& secret,
                 const std::string& id, const Given& given) {
  const secrets::SecretVersion* version = secret.find_version(id);
  if (version == nullptr) return false;
  Secret stored = ask.checked(secrets.store.open(secret.name, *version));
  bool is_same = stored.reveal() == given.value.reveal() &&
                 version->attributes.contains("binary") == given.is_binary;
  if (!is_same) {
    ask.refuse("ResourceExistsException",
               fmt::format("You can't use ClientRequestToken {} because that value is already in "
                           "use for a version of secret {}.",
                           id, arn_of(secrets, secret)));
  }
  return true;
}

void read_attributes(Ask& ask, std::map<std::string, std::string>& attributes) {
  if (ask.has("Description")) attributes["description"] = ask.text("Description");
  if (ask.has("KmsKeyId")) attributes["kmsKeyId"] = ask.text("KmsKeyId");
  if (attributes["description"].size() > kDescriptionMax) {
    ask.invalid(fmt::format("Description: has at most {} characters.", kDescriptionMax));
  }
  std::erase_if(attributes, [](const auto& attribute) { return attribute.second.empty(); });
}

std::vector<std::string> read_stages(Ask& ask) {
  std::vector<std::string> stages = ask.texts("VersionStages", kStagesMax);
  for (const std::string& stage : stages) {
    if (stage.empty() || stage.size() > kStageNameMax) {
      ask.invalid(fmt::format("VersionStages: a stage has 1 to {} characters.", kStageNameMax));
    }
  }
  if (stages.empty()) stages.emplace_back(secrets::kStageCurrent);
  return stages;
}

Json version_json(const Secrets& secrets, const secrets::StoredSecret& secret,
                  const std::string& version_id) {
  Json json = secret_json(secrets, secret);
  if (!version_id.empty()) json["VersionId"] = version_id;
  return json;
}

void refuse_existing(Ask& ask, const secrets::StoredSecret& secret) {
  if (secret.is_deleted()) {
    ask.refuse("InvalidRequestException",
               "You can't create this secret because a secret with this name is already scheduled "
               "for deletion.");
  }
  ask.refuse(
      "ResourceExistsException",
      fmt::format("The operation failed because the secret {} already exists.", secret.name.name));
}

}  // namespace

Json create_secret(Secrets& secrets, Ask& ask) {
  secrets::SecretName name{secrets::SecretKind::kSecret, ask.required_text("Name")};
  check_name(ask, name.name);
  auto good = secrets::check_secret_name(name);
  if (!ask.refused() && !good) ask.invalid("Invalid name: " + good.error().text);
  Given given = read_given(ask);
  std::string version_id = read_version_id(secrets, ask);
  std::map<std::string, std::string> attributes;
  read_attributes(ask, attributes);
  Tags tags = read_tag_list(ask, "Tags", {});
  if (!ask.objects("AddReplicaRegions", kStagesMax).empty()) {
    ask.invalid("AddReplicaRegions: one host is one region; leave it out.");
  }
  if (ask.refused()) return {};
  secrets::StoredSecret made = secrets::make_secret(name, secrets.env);
  auto done = secrets.store.change(
      name, secrets.env, [&](std::optional<secrets::StoredSecret>& secret) -> Status {
        bool is_again = secret && !secret->is_deleted() && given.is_there &&
                        is_repeated(secrets, ask, *secret, version_id, given);
        if (secret && !is_again) refuse_existing(ask, *secret);
        if (ask.refused()) return fail(Errc::kInvalid, "{}", ask.refusal().message);
        if (is_again) {
          made = *secret;
          return {};
        }
        made.attributes = attributes;
        for (const scheduler::KeyValue& tag : tags) made.tags[tag.name] = tag.value;
        if (given.is_there) {
          made.move_stage(secrets::kStageCurrent,
                          made.add_version(version_of(secrets, version_id, given)));
        }
        secret = made;
        return {};
      });
  if (!ask.refused()) ask.check(done);
  return version_json(secrets, made, given.is_there ? version_id : "");
}

Json put_secret_value(Secrets& secrets, Ask& ask) {
  Given given = read_given(ask);
  if (!given.is_there) {
    ask.invalid("You must provide either SecretString or SecretBinary.");
  }
  std::string version_id = read_version_id(secrets, ask);
  std::vector<std::string> stages = read_stages(ask);
  auto changed = change_secret(secrets, ask, Marked::kRefused, [&](secrets::StoredSecret& secret) {
    if (is_repeated(secrets, ask, secret, version_id, given)) return;
    secrets::SecretVersion& added = secret.add_version(version_of(secrets, version_id, given));
    // The first version is the current one, whatever else it is.
    if (secret.find_stage(secrets::kStageCurrent) == nullptr) {
      secret.move_stage(secrets::kStageCurrent, added);
    }
    for (const std::string& stage : stages) secret.move_stage(stage, added);
  });
  if (!changed) return {};
  Json json = version_json(secrets, *changed, version_id);
  json["VersionStages"] = changed->find_version(version_id)->stages;
  return json;
}

Json update_secret(Secrets& secrets, Ask& ask) {
  Given given = read_given(ask);
  std::string version_id = read_version_id(secrets, ask);
  auto changed = change_secret(secrets, ask, Marked::kRefused, [&](secrets::StoredSecret& secret) {
    read_attributes(ask, secret.attributes);
    if (!given.is_there || is_repeated(secrets, ask, secret, version_id, given)) return;
    secret.move_stage(secrets::kStageCurrent,
                      secret.add_version(version_of(secrets, version_id, given)));
  });
  if (!changed) return {};
  return version_json(secrets, *changed, given.is_there ? version_id : "");
}

Json update_secret_version_stage(Secrets& secrets, Ask& ask) {
  std::string stage = ask.required_text("VersionStage");
  std::string from = ask.text("RemoveFromVersionId");
  std::string to = ask.text("MoveToVersionId");
  if (stage.size() > kStageNameMax) {
    ask.invalid(fmt::format("VersionStage: has 1 to {} characters.", kStageNameMax));
  }
  if (stage == secrets::kStageCurrent && to.empty()) {
    ask.invalid(
        "You can only move staging label AWSCURRENT to a different secret version. It "
        "can't be completely removed.");
  }
  auto changed = change_secret(secrets, ask, Marked::kRefused, [&](secrets::StoredSecret& secret) {
    const secrets::SecretVersion* holder = secret.find_stage(stage);
    for (const std::string& id : {from, to}) {
      if (id.empty() || secret.find_version(id) != nullptr) continue;
      ask.refuse("ResourceNotFoundException",
                 "Secrets Manager can't find the specified secret value for VersionId: " + id);
    }
    if (!from.empty() && (holder == nullptr || holder->id != from)) {
      ask.invalid(fmt::format("The staging label {} isn't attached to version {}.", stage,
                              printable(from, kTokenMax)));
    }
    bool is_elsewhere = holder != nullptr && holder->id != to;
    if (!to.empty() && from.empty() && is_elsewhere) {
      ask.invalid(
          fmt::format("The parameter RemoveFromVersionId can't be empty. Staging label {} is "
                      "currently attached to version {}, so you must explicitly reference that "
                      "version in RemoveFromVersionId.",
                      stage, holder->id));
    }
    if (ask.refused()) return;
    if (!to.empty()) return secret.move_stage(stage, *secret.find_version(to));
    if (!from.empty()) std::erase(secret.find_version(from)->stages, stage);
  });
  return changed ? secret_json(secrets, *changed) : Json();
}

}  // namespace berth::api::sm
