// As much XML as the query protocol of AWS speaks: elements and text. Attributes, comments and
// processing instructions are skipped; a document type is refused, and with it every entity but the
// five of XML and character references.
#pragma once

#include "base/result.h"

#include <map>
#include <string>
#include <string_view>

namespace berth::aws {

constexpr size_t kXmlTextMax = 1024 * 1024;
constexpr size_t kXmlDepthMax = 32;
constexpr size_t kXmlElementsMax = 10'000;

// Text by path, "Response/Result/Name"; elements without text have "". Of several elements of one
// path the first counts. White space around a text is dropped. Errors: kInvalid with the offset.
Result<std::map<std::string, std::string>> parse_xml(std::string_view text);

}  // namespace berth::aws
