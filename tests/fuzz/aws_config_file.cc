// AWS's shared files, as both kinds; a profile of either can be merged.
#include "aws/endpoint.h"
#include "aws/shared_config.h"
#include "tests/fuzz/fuzz.h"

using namespace berth;  // the entry point is not ours to place

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text = fuzz::text_of(data, size);
  auto config = aws::parse_config_file(text, "config", aws::FileKind::kConfig);
  auto credentials = aws::parse_config_file(text, "credentials", aws::FileKind::kCredentials);
  bool are_both = fuzz::check_result(config);
  are_both = fuzz::check_result(credentials) && are_both;
  if (!are_both) return 0;
  aws::SharedConfig merged = aws::merge_config(*config, *credentials);
  for (const auto& [name, profile] : merged.profiles) {
    CHECK(profile.name == name);
    (void)fuzz::check_result(aws::configured_endpoint("ecr", {}, &profile));
  }
  return 0;
}
