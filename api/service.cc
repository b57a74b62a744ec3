#include "api/service.h"

namespace berth::api {

Refusal unknown_operation(const std::string& operation) {
  return {.code = "UnknownOperationException",
          .message = operation.empty() ? "" : "The operation " + operation + " is not known."};
}

}  // namespace berth::api
