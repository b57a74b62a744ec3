// What services of JSON have in common: a table of operations, of which each is a function from an
// Ask to JSON, and what each call begins and ends with.
//
// An operation first reads all of its request and refuses; only then it changes anything.
#pragma once

#include "api/ask.h"
#include "api/service.h"
#include "base/json.h"
#include "base/text.h"

#include <nlohmann/json_fwd.hpp>

#include <algorithm>
#include <functional>
#include <span>
#include <string_view>

namespace berth::api {

enum class Support {
  kWorks,
  kPartly,   // the note says what is not
  kRefused,  // the note says why
};

// `Context` is what operations of the service work on. The answer is whatever it is when the ask is
// refused.
template <class Context, class AskType = Ask>
struct OperationOf {
  std::string_view name;  // "RunTask"
  nlohmann::ordered_json (*function)(Context&, AskType&);
  Support support;
  std::string_view note;
};

// `all` is in the order of the names. Null when there is none of that name.
template <class Operation>
const Operation* find_operation_in(std::span<const Operation> all, std::string_view name) {
  auto found = std::lower_bound(
      all.begin(), all.end(), name,
      [](const Operation& each, std::string_view text) { return each.name < text; });
  return found != all.end() && found->name == name ? &*found : nullptr;
}

// The body as an object, or SerializationException.
tl::expected<json::Document, Refusal> parse_body(const Call& call);

// Runs one operation; what is thrown is told as our own fault.
Answer run_operation(const Call& call, const FaultNames& faults,
                     const std::function<nlohmann::ordered_json()>& operation);

template <class Context, class AskType = Ask>
Answer answer_json(const Call& call, const FaultNames& faults,
                   std::span<const OperationOf<Context, AskType>> all, Context& context) {
  const auto* operation = find_operation_in(all, call.operation);
  if (operation == nullptr)
    return tl::unexpected(unknown_operation(printable(call.operation, 100)));
  auto document = parse_body(call);
  if (!document) return tl::unexpected(document.error());
  AskType ask(call, document->root(), faults);
  Answer answer = run_operation(call, faults, [&] { return operation->function(context, ask); });
  if (ask.refused()) return tl::unexpected(ask.refusal());
  return answer;
}

}  // namespace berth::api
