#include "scheduler/secret_rules.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <string_view>

namespace berth::scheduler {
namespace {

constexpr size_t kSecretNameMax = 255;

}  // namespace

std::vector<SecretFault> secret_faults_of(const ContainerDefinition& container) {
  std::vector<SecretFault> faults;
  std::set<std::string_view> variables;
  for (const KeyValue& variable : container.environment) variables.insert(variable.name);
  std::set<std::string_view> names;
  for (size_t i = 0; i < container.secrets.size(); ++i) {
    const std::string& name = container.secrets[i].name;
    if (!names.insert(name).second) {
      faults.push_back({i, fmt::format("Duplicate secret names found: {}. Each secret name must be "
                                       "unique.",
                                       name)});
    }
    if (!variables.contains(name)) continue;
    faults.push_back(
        {i, fmt::format("The secret name must be unique and not shared with any new or "
                        "existing environment variables set on the container, such as "
                        "'{}'.",
                        name)});
  }
  return faults;
}

bool is_credentials_parameter(const std::string& text) {
  constexpr std::string_view kMore = "/_+=.@-";
  constexpr std::string_view kArn = "arn:";
  std::string_view name = text;
  if (text.starts_with(kArn)) {
    constexpr std::string_view kBeforeName = ":secret:";
    size_t at = text.find(kBeforeName);
    if (text.find(":secretsmanager:") == std::string::npos || at == std::string::npos) return false;
    name.remove_prefix(at + kBeforeName.size());
  }
  return !name.empty() && name.size() <= kSecretNameMax &&
         std::all_of(name.begin(), name.end(), [&](unsigned char c) {
           return std::isalnum(c) || kMore.find(static_cast<char>(c)) != std::string_view::npos;
         });
}

}  // namespace berth::scheduler
