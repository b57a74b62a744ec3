#include "api/json_service.h"

#include "base/log.h"

#include <nlohmann/json.hpp>

#include <exception>

namespace berth::api {

tl::expected<json::Document, Refusal> parse_body(const Call& call) {
  Refusal malformed;
  malformed.code = "SerializationException";
  auto document = json::Document::parse(call.body.empty() ? "{}" : call.body,
                                        {.name = "request", .depth_max = kBodyDepthMax});
  if (!document) {
    malformed.message = document.error().text;
    return tl::unexpected(std::move(malformed));
  }
  if (!document->root().is_object()) {
    malformed.message = "request: must be an object";
    return tl::unexpected(std::move(malformed));
  }
  return std::move(*document);
}

Answer run_operation(const Call& call, const FaultNames& faults,
                     const std::function<nlohmann::ordered_json()>& operation) {
  try {
    // What is quoted of clients and of tasks need not be UTF-8.
    return operation().dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  } catch (const std::exception& error) {  // of the JSON library: a mistake of ours
    LOG(kError, "an operation failed", {{"operation", call.operation}, {"why", error.what()}});
    Refusal refusal;
    refusal.code = faults.server;
    refusal.message = "The operation failed; berth's log says why.";
    refusal.status = 500;
    return tl::unexpected(std::move(refusal));
  }
}

}  // namespace berth::api
