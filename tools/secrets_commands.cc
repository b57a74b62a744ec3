#include "tools/secrets_commands.h"

#include "base/text.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "tools/commands.h"
#include "tools/table.h"

#include <nlohmann/json.hpp>

#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace berth::tools {
namespace {

constexpr size_t kTimeShown = 19;  // "2026-11-26T06:00:00"

Result<Secret> read_value(const PutSecretOptions& options) {
  // One more, so that a value that is too long is told from one that is not.
  size_t max = secrets::kSecretValueMax + 1;
  bool from_input = options.file.empty() || options.file == "-";
  if (from_input && ::isatty(STDIN_FILENO) == 1) {
    const char* typed = ::getpass("Value: ");
    return typed != nullptr ? Secret(typed) : Secret();
  }
  std::string text =
      TRY(from_input ? sys::read_all(STDIN_FILENO, max) : sys::read_file(options.file, max));
  if (!options.exact && text.ends_with('\n')) text.pop_back();
  return Secret(std::move(text));
}

Status put_secret(const agent::Config& config, const PutSecretOptions& options) {
  Secret value = TRY(read_value(options));
  sys::SystemClock clock;
  sys::SystemRng rng;
  auto version = secrets::SecretStore(config.root).put(options.name, value, Env{clock, rng});
  if (!version) return wrap(std::move(version).error(), "secrets put");
  std::printf("%s\n", version->id.c_str());
  return {};
}

std::string render_secrets(const std::vector<secrets::StoredSecret>& secrets) {
  Table table({"NAME", "KIND", "VERSIONS", "CHANGED"});
  for (const secrets::StoredSecret& secret : secrets) {
    std::string changed = secret.versions.empty() ? "" : secret.versions.front().created_at;
    changed.resize(std::min(changed.size(), kTimeShown));
    if (secret.is_deleted()) changed += " (goes " + secret.purged_at.substr(0, kTimeShown) + ")";
    table.add({secret.name.name, secrets::name_of(secret.name.kind),
               std::to_string(secret.versions.size()), changed});
  }
  return table.render();
}

std::string render_secrets_json(const std::vector<secrets::StoredSecret>& secrets) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const secrets::StoredSecret& secret : secrets) {
    nlohmann::ordered_json versions = nlohmann::ordered_json::array();
    for (const secrets::SecretVersion& version : secret.versions) {
      nlohmann::ordered_json entry = {{"versionId", version.id}, {"createdAt", version.created_at}};
      if (!version.stages.empty()) entry["versionStages"] = version.stages;
      versions.push_back(entry);
    }
    list.push_back({{"name", secret.name.name},
                    {"kind", secrets::name_of(secret.name.kind)},
                    {"versions", versions}});
  }
  return list.dump(2) + "\n";
}

Status list_secrets(const agent::Config& config, const ListSecretsOptions& options) {
  auto secrets = TRY(secrets::SecretStore(config.root).list(sys::SystemClock().wall()));
  std::fputs((options.json ? render_secrets_json(secrets) : render_secrets(secrets)).c_str(),
             stdout);
  return {};
}

Status remove_secrets(const agent::Config& config, secrets::SecretKind kind,
                      const std::vector<std::string>& names) {
  secrets::SecretStore store(config.root);
  for (const std::string& name : names) {
    if (TRY(store.remove({kind, name}))) continue;
    return fail(Errc::kNotFound,
                "secrets rm: no {} \"{}\": `berth secrets list` shows what there is",
                secrets::name_of(kind), printable(name, 200));
  }
  return {};
}

}  // namespace

int put_secret_command(const agent::Config& config, const PutSecretOptions& options) {
  return exit_code(put_secret(config, options));
}

int list_secrets_command(const agent::Config& config, const ListSecretsOptions& options) {
  return exit_code(list_secrets(config, options));
}

int remove_secrets_command(const agent::Config& config, secrets::SecretKind kind,
                           const std::vector<std::string>& names) {
  return exit_code(remove_secrets(config, kind, names));
}

}  // namespace berth::tools
