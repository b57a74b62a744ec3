// Filter patterns about members of messages that are JSON objects:
//
//   or      = and *( "||" and )            and = one *( "&&" one )
//   one     = "(" or ")" | selector ( comparison value
//             | "IS" ( "TRUE" | "FALSE" | "NULL" ) | "NOT" "EXISTS" )
//   selector = "$" *( "." name | "[" number "]" | "[\"" name "\"]" )     "*" is every element
#pragma once

#include "logs/filter_pattern.h"
#include "logs/pattern_value.h"

namespace berth::logs {

// `text` stands behind the "{".
Result<Matcher> parse_json_pattern(PatternText text);

}  // namespace berth::logs
