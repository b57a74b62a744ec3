// berth.json: what is read is written back the same.
#include "agent/config.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/targets.h"

namespace berth::fuzz {

void agent_config(std::string_view text) {
  auto config = agent::parse_config(text, "berth.json");
  if (!check_result(config)) return;
  std::string rendered = agent::render_config(*config);
  auto again = agent::parse_config(rendered, "berth.json");
  CHECK(again.has_value());
  CHECK(agent::render_config(*again) == rendered);
}

}  // namespace berth::fuzz
