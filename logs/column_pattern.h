// Filter patterns about messages in columns, which spaces part; what stands in quotes or brackets
// is one column:
//
//   [ip, user, ..., request=*.html*, status=4* || status=5*, bytes > 1000]
//
// A column is a name, a name with comparisons of it, or nothing; "..." is any number of columns. A
// message with another number of columns does not match.
#pragma once

#include "logs/filter_pattern.h"
#include "logs/pattern_value.h"

namespace berth::logs {

// `text` stands behind the "[".
Result<Matcher> parse_column_pattern(PatternText text);

}  // namespace berth::logs
