// The targets, each one file of that name. A target is called once for each input: by libFuzzer in
// the preset `fuzz`, by replay.cc elsewhere. It must not crash and must keep the promises of the
// header that it is about; CHECK says so.
#pragma once

#include <string_view>

namespace berth::fuzz {

void agent_config(std::string_view text);
void alarm_rule(std::string_view text);
void aws_answer(std::string_view text);
void aws_config_file(std::string_view text);
void aws_request(std::string_view text);
void aws_signature(std::string_view text);
void cbor(std::string_view text);
void challenge(std::string_view text);
void data_channel(std::string_view text);
void dns_message(std::string_view text);
void docker_archive(std::string_view text);
void ecr(std::string_view text);
void ecs_request(std::string_view text);
void fault_request(std::string_view text);
void front_door(std::string_view text);
void http_request(std::string_view text);
void image_config(std::string_view text);
void layout_index(std::string_view text);
void manifest(std::string_view text);
void math_expression(std::string_view text);
void oci_config(std::string_view text);
void overrides(std::string_view text);
void reference(std::string_view text);
void registry_answer(std::string_view text);
void registry_header(std::string_view text);
void schedule(std::string_view text);
void shim_protocol(std::string_view text);
void state(std::string_view text);
void task_definition(std::string_view text);
void task_plan(std::string_view text);
void task_protection(std::string_view text);
void unpack(std::string_view text);

}  // namespace berth::fuzz
