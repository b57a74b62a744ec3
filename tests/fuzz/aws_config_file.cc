// AWS's shared files, as both kinds; a profile of either can be merged.
#include "aws/endpoint.h"
#include "aws/shared_config.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/targets.h"

namespace berth::fuzz {

void aws_config_file(std::string_view text) {
  auto config = aws::parse_config_file(text, "config", aws::FileKind::kConfig);
  auto credentials = aws::parse_config_file(text, "credentials", aws::FileKind::kCredentials);
  bool are_both = check_result(config);
  are_both = check_result(credentials) && are_both;
  if (!are_both) return;
  aws::SharedConfig merged = aws::merge_config(*config, *credentials);
  for (const auto& [name, profile] : merged.profiles) {
    CHECK(profile.name == name);
    (void)check_result(aws::configured_endpoint("ecr", {}, &profile));
  }
}

}  // namespace berth::fuzz
