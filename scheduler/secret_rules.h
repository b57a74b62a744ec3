// The rules of a container's secrets, with AWS's texts. Pure; the time grows with the definition's
// length, however many names are in it.
#pragma once

#include "scheduler/task_definition.h"

#include <string>
#include <vector>

namespace berth::scheduler {

struct SecretFault {
  size_t place = 0;  // in ContainerDefinition::secrets
  std::string message{};
};

// Names that stand twice, or in the environment too. In the order of the secrets.
std::vector<SecretFault> secret_faults_of(const ContainerDefinition& container);

// Whether repositoryCredentials.credentialsParameter is well made: the name of a secret, or its ARN
// without what `valueFrom` may have behind it.
bool is_credentials_parameter(const std::string& text);

}  // namespace berth::scheduler
