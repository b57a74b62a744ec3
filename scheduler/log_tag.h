// The `tag` option of log drivers: text with Docker's markup for what is known of the container.
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>

namespace berth::scheduler {

struct LogTagFields {
  std::string full_id{};  // {{.FullID}}; {{.ID}} is its beginning
  std::string name{};
  std::string image_full_id{};  // {{.ImageFullID}}, "sha256:..."; {{.ImageID}} is a piece of it
  std::string image_name{};
};

// kInvalid for markup that is none of these, or unfinished.
Result<std::string> render_log_tag(std::string_view text, const LogTagFields& fields);

}  // namespace berth::scheduler
