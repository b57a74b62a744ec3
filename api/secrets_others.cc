// Secrets taken away and given back, tags, and passwords out of nothing.
#include "api/secrets_operations.h"
#include "api/tags.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace berth::api::sm {
namespace {

constexpr int64_t kWindowDaysMin = 7;
constexpr int64_t kWindowDaysMax = 30;
constexpr int64_t kPasswordMax = 4096;
constexpr int64_t kPasswordUsual = 32;
constexpr size_t kExcludedMax = 4096;
constexpr std::string_view kPunctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

// The kinds of characters that a password is made of.
std::vector<std::string> read_kinds(Ask& ask) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kKinds = {
      std::pair<std::string_view, std::string_view>{"ExcludeLowercase",
                                                    "abcdefghijklmnopqrstuvwxyz"},
      {"ExcludeUppercase", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
      {"ExcludeNumbers", "0123456789"},
      {"ExcludePunctuation", kPunctuation}};
  std::string excluded = ask.text("ExcludeCharacters");
  if (excluded.size() > kExcludedMax) {
    ask.invalid(fmt::format("ExcludeCharacters: has at most {} characters.", kExcludedMax));
  }
  std::vector<std::string> kinds;
  auto add = [&](std::string kind) {
    std::erase_if(kind, [&](char c) { return excluded.find(c) != std::string::npos; });
    if (!kind.empty()) kinds.push_back(std::move(kind));
  };
  for (const auto& [member, letters] : kKinds) {
    if (!ask.flag(member)) add(std::string(letters));
  }
  if (ask.flag("IncludeSpace")) add(" ");
  return kinds;
}

// Below `end`, each as likely as any.
size_t draw(Rng& rng, size_t end) {
  uint64_t most = UINT64_MAX - UINT64_MAX % end;
  uint64_t drawn = rng.next();
  while (drawn >= most) drawn = rng.next();
  return static_cast<size_t>(drawn % end);
}

// Of one that is not there, too: whoever missed the answer may try again.
Json forget_secret(Secrets& secrets, Ask& ask) {
  std::string name = name_in(secrets, ask, ask.required_text("SecretId"));
  if (ask.refused()) return {};
  secrets::SecretName whole{secrets::SecretKind::kSecret, name};
  auto secret = ask.checked(secrets.store.find(whole, secrets.now));
  if (ask.refused()) return {};
  Json json = {{"ARN", secrets.arn_prefix + name}, {"Name", name}};
  if (secret) {
    ask.checked(secrets.store.remove(whole));
    json = secret_json(secrets, *secret);
  }
  json["DeletionDate"] = seconds_of(format_rfc3339(secrets.now));
  return json;
}

}  // namespace

Json delete_secret(Secrets& secrets, Ask& ask) {
  auto days = ask.number("RecoveryWindowInDays", {kWindowDaysMin, kWindowDaysMax});
  bool is_forced = ask.flag("ForceDeleteWithoutRecovery");
  if (is_forced && days) {
    ask.invalid(
        "You can't use ForceDeleteWithoutRecovery in conjunction with "
        "RecoveryWindowInDays.");
  }
  if (is_forced) return forget_secret(secrets, ask);
  auto changed = change_secret(secrets, ask, Marked::kRefused, [&](secrets::StoredSecret& secret) {
    secret.deleted_at = format_rfc3339(secrets.now);
    secret.purged_at =
        format_rfc3339(secrets.now + std::chrono::hours(24) * days.value_or(kWindowDaysMax));
  });
  if (!changed) return {};
  Json json = secret_json(secrets, *changed);
  json["DeletionDate"] = seconds_of(changed->purged_at);
  return json;
}

Json restore_secret(Secrets& secrets, Ask& ask) {
  auto changed = change_secret(secrets, ask, Marked::kAllowed, [](secrets::StoredSecret& secret) {
    secret.deleted_at.clear();
    secret.purged_at.clear();
  });
  return changed ? secret_json(secrets, *changed) : Json();
}

Json tag_resource(Secrets& secrets, Ask& ask) {
  Tags added = read_tag_list(ask, "Tags", {});
  change_secret(secrets, ask, Marked::kRefused, [&](secrets::StoredSecret& secret) {
    for (const scheduler::KeyValue& tag : added) secret.tags[tag.name] = tag.value;
    if (secret.tags.size() > kTagsMax) {
      ask.invalid(fmt::format("A resource can have at most {} tags.", kTagsMax));
    }
  });
  return Json::object();
}

Json untag_resource(Secrets& secrets, Ask& ask) {
  std::vector<std::string> keys = ask.texts("TagKeys", kTagsMax);
  change_secret(secrets, ask, Marked::kRefused, [&](secrets::StoredSecret& secret) {
    bool had_tags = !secret.tags.empty();
    for (const std::string& key : keys) secret.tags.erase(key);
    if (had_tags) secret.attributes[kUntagged] = "1";
  });
  return Json::object();
}

Json get_random_password(Secrets& secrets, Ask& ask) {
  auto length =
      static_cast<size_t>(ask.number("PasswordLength", {1, kPasswordMax}).value_or(kPasswordUsual));
  std::vector<std::string> kinds = read_kinds(ask);
  bool is_each = ask.find_flag("RequireEachIncludedType").value_or(true);
  if (kinds.empty()) ask.invalid("The password would have no characters to be made of.");
  if (is_each && length < kinds.size()) {
    ask.invalid(
        fmt::format("PasswordLength {}: must be {} at least, to have a character of each "
                    "kind.",
                    length, kinds.size()));
  }
  if (ask.refused()) return {};
  std::string all;
  for (const std::string& kind : kinds) all += kind;
  std::string password;
  if (is_each) {
    for (const std::string& kind : kinds) password += kind[draw(secrets.env.rng, kind.size())];
  }
  while (password.size() < length) password += all[draw(secrets.env.rng, all.size())];
  for (size_t i = password.size(); i > 1; --i) {
    std::swap(password[i - 1], password[draw(secrets.env.rng, i)]);
  }
  return {{"RandomPassword", password}};
}

Json get_resource_policy(Secrets& secrets, Ask& ask) {
  auto secret = find_secret(secrets, ask, ask.required_text("SecretId"));
  return secret ? secret_json(secrets, *secret) : Json();
}

}  // namespace berth::api::sm
