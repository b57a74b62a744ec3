// The table of every field of RegisterTaskDefinition (and of RunTask's overrides), with what berth
// does with it. A reader looks up each member that it meets, so nothing is silently ignored;
// docs/task-definition.md has the same rows, and a test compares.
#pragma once

#include <span>
#include <string_view>

namespace berth::scheduler {

enum class Treatment {
  kHonoured,
  kNoEffect,      // accepted: changes nothing here, and the note says why
  kRefused,       // unless its value is the one that means "unset"
  kRefusedByAws,  // likewise; the note is what ECS says
};

struct Field {
  std::string_view object;  // "TaskDefinition", the name of the shape in the API's model
  std::string_view name;
  Treatment treatment;
  std::string_view note;  // why it is not honoured
};

std::span<const Field> all_fields();

// Null when the object has no such field.
const Field* find_field(std::string_view object, std::string_view name);

}  // namespace berth::scheduler
