// What hands out credentials: programs, endpoints and STS. Whatever is accepted has both keys.
#include "aws/credential_answer.h"
#include "aws/sts.h"
#include "aws/time.h"
#include "aws/xml.h"
#include "tests/fuzz/fuzz.h"

using namespace berth;  // the entry point is not ours to place

namespace {

void check(const Result<aws::Credentials>& found) {
  if (!fuzz::check_result(found)) return;
  CHECK(!found->key_id.empty());
  CHECK(!found->secret_key.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text = fuzz::text_of(data, size);
  check(aws::parse_process_output(text));
  check(aws::parse_endpoint_answer(text, "endpoint"));
  for (int status : {200, 403, 500}) {
    check(aws::parse_sts_answer({status, std::string(text)}, "AssumeRole"));
  }
  std::string reason = aws::json_error(text);
  if (!reason.empty()) fuzz::check_line(reason);
  (void)fuzz::check_result(aws::parse_xml(text));
  if (auto time = aws::parse_rfc3339(text)) {
    CHECK(aws::parse_rfc3339(aws::format_rfc3339_seconds(*time)) == *time);
  }
  return 0;
}
