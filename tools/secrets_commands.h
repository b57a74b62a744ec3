// The commands of `berth secrets`: one function each. They return the exit code. No value is ever
// on a command line or printed.
#pragma once

#include "agent/config.h"
#include "secrets/secret_store.h"

#include <string>
#include <vector>

namespace berth::tools {

struct PutSecretOptions {
  secrets::SecretName name;
  std::string file;    // "" and "-" are standard input
  bool exact = false;  // the line feed at the end belongs to the value
};
int put_secret_command(const agent::Config& config, const PutSecretOptions& options);

struct ListSecretsOptions {
  bool json = false;
};
int list_secrets_command(const agent::Config& config, const ListSecretsOptions& options);

int remove_secrets_command(const agent::Config& config, secrets::SecretKind kind,
                           const std::vector<std::string>& names);

}  // namespace berth::tools
