// Account settings: names and values that are kept, for the account or for one principal.
// containerInsights is what new clusters begin with.
#include "api/ecs_page.h"
#include "api/ecs_shapes.h"
#include "base/text.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace berth::api::ecs {
namespace {

using scheduler::AccountSetting;

constexpr size_t kSettingBatchMax = 10;

struct SettingRule {
  std::string_view name;
  std::string_view initial;
  std::vector<std::string_view> values;
};

const std::vector<SettingRule>& all_settings() {
  static const std::vector<SettingRule> kSettings = {
      {"awsvpcTrunking", "disabled", {"enabled", "disabled"}},
      {"containerInsights", "disabled", {"enabled", "enhanced", "disabled"}},
      {"containerInstanceLongArnFormat", "enabled", {"enabled", "disabled"}},
      {"defaultLogDriverMode", "non-blocking", {"blocking", "non-blocking"}},
      {"dualStackIPv6", "disabled", {"enabled", "disabled"}},
      {"fargateFIPSMode", "disabled", {"enabled", "disabled"}},
      {"fargateTaskRetirementWaitPeriod", "7", {"0", "7", "14"}},
      {"guardDutyActivate", "off", {"on", "off"}},
      {"serviceLongArnFormat", "enabled", {"enabled", "disabled"}},
      {"tagResourceAuthorization", "off", {"on", "off"}},
      {"taskLongArnFormat", "enabled", {"enabled", "disabled"}}};
  return kSettings;
}

// Null: refused.
const SettingRule* read_rule(Ask& ask) {
  std::string name = ask.required_text("name");
  for (const SettingRule& rule : all_settings()) {
    if (rule.name == name) return &rule;
  }
  if (!ask.refused()) {
    std::vector<std::string> names;
    for (const SettingRule& rule : all_settings()) names.emplace_back(rule.name);
    ask.invalid(
        fmt::format("{} should be one of [{}]", printable(name, kNameShown), join(names, ",")));
  }
  return nullptr;
}

std::string account_arn(const Ecs& ecs) {
  return fmt::format("arn:aws:iam::{}:root", ecs.settings.account);
}

// "" for the account.
std::string read_principal(const Ecs& ecs, Ask& ask) {
  std::string principal = ask.text("principalArn");
  if (principal.empty()) principal = ask.call().caller.arn;
  return principal == account_arn(ecs) ? "" : principal;
}

Json setting_json(const Ecs& ecs, const AccountSetting& setting) {
  return {{"name", setting.name},
          {"value", setting.value},
          {"principalArn", setting.principal.empty() ? account_arn(ecs) : setting.principal},
          {"type", setting.name == "guardDutyActivate" ? "aws_managed" : "user"}};
}

Json put(Ecs& ecs, Ask& ask, const std::string& principal) {
  const SettingRule* rule = read_rule(ask);
  std::string value = ask.required_text("value");
  if (ask.refused()) return {};
  if (std::find(rule->values.begin(), rule->values.end(), value) == rule->values.end()) {
    ask.invalid("Invalid setting 'value'");
    return {};
  }
  AccountSetting setting{principal, std::string(rule->name), value};
  ask.check(ecs.catalog.put(setting));
  return {{"setting", setting_json(ecs, setting)}};
}

const AccountSetting* find_setting(const Ecs& ecs, const std::string& principal,
                                   std::string_view name) {
  for (const AccountSetting& each : ecs.catalog.settings()) {
    if (each.principal == principal && each.name == name) return &each;
  }
  return nullptr;
}

}  // namespace

Json put_account_setting(Ecs& ecs, Ask& ask) {
  return put(ecs, ask, read_principal(ecs, ask));
}

Json put_account_setting_default(Ecs& ecs, Ask& ask) {
  return put(ecs, ask, "");
}

Json delete_account_setting(Ecs& ecs, Ask& ask) {
  const SettingRule* rule = read_rule(ask);
  std::string principal = read_principal(ecs, ask);
  if (ask.refused()) return {};
  AccountSetting gone{principal, std::string(rule->name), std::string(rule->initial)};
  if (const AccountSetting* found = find_setting(ecs, principal, rule->name)) gone = *found;
  ask.check(ecs.catalog.remove(gone));
  return {{"setting", setting_json(ecs, gone)}};
}

// effectiveSettings: those that nobody put, too.
Json list_account_settings(Ecs& ecs, Ask& ask) {
  std::string name = ask.has("name") ? std::string(read_rule(ask) ? ask.text("name") : "") : "";
  std::string value = ask.text("value");
  std::string principal = read_principal(ecs, ask);
  bool effective = ask.flag("effectiveSettings");
  if (ask.refused()) return {};
  std::vector<std::string> names;
  std::vector<AccountSetting> found;
  for (const SettingRule& rule : all_settings()) {
    if (!name.empty() && name != rule.name) continue;
    const AccountSetting* own = find_setting(ecs, principal, rule.name);
    if (own == nullptr && effective) own = find_setting(ecs, "", rule.name);
    if (own == nullptr && !effective) continue;
    AccountSetting setting{principal, std::string(rule.name), std::string(rule.initial)};
    if (own != nullptr) setting.value = own->value;
    if (!value.empty() && setting.value != value) continue;
    names.push_back(setting.name);
    found.push_back(std::move(setting));
  }
  Page page = page_of(ask, names, kSettingBatchMax);
  Json list = Json::array();
  for (const AccountSetting& each : found) {
    bool is_on_page =
        std::find(page.items.begin(), page.items.end(), each.name) != page.items.end();
    if (is_on_page) list.push_back(setting_json(ecs, each));
  }
  Json answer = {{"settings", std::move(list)}};
  if (!page.next_token.empty()) answer["nextToken"] = page.next_token;
  return answer;
}

}  // namespace berth::api::ecs
