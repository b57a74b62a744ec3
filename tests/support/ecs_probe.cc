// ecs_probe: ECS over a scheduler in memory, for tests that speak to it as SDKs do.
//
// One JSON object per line on standard input, one on standard output:
//   {operation, body: "text"}   -> {status, code, body: "text", resourceIds}
//   {agent: true}               -> {}   the agent does what it was told: tasks start, or end
//   {exit: task id, code: N}    -> {}   the first container of a task ends
//   {pass: SECONDS}             -> {}   time passes, and what was due happens
#include "support/ecs_host.h"

#include <nlohmann/json.hpp>

#include <iostream>
#include <memory>
#include <string>

namespace berth::api {
namespace {

using nlohmann::json;

class Probe : EcsHost {
 public:
  Probe()
      : EcsHost({.region = "eu-central-1",
                 .account = "123456789012",
                 .cpu_units = 4096,
                 .memory_mib = 8192}) {}

  json answer(const json& in) {
    if (in.contains("agent")) {
      act();
      return json::object();
    }
    if (in.contains("exit")) {
      end_container(in.at("exit"), in.at("code"));
      return json::object();
    }
    if (in.contains("pass")) {
      clock_.advance(std::chrono::seconds(in.at("pass").get<int>()));
      (void)step();  // in memory: cannot fail
      return json::object();
    }
    clock_.advance(std::chrono::milliseconds(1));
    Answer answer = ask(in.at("operation"), in.at("body"));
    if (answer) return {{"status", 200}, {"body", *answer}};
    const Refusal& refusal = answer.error();
    json body = {{"__type", refusal.code}, {"message", refusal.message}};
    if (!refusal.resource_ids.empty()) body["resourceIds"] = refusal.resource_ids;
    return {{"status", refusal.status}, {"body", body.dump()}};
  }
};

}  // namespace
}  // namespace berth::api

int main() {
  berth::api::Probe probe;
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << probe.answer(nlohmann::json::parse(line)).dump() << std::endl;
  }
}
