// A signed request as a server gets it: path, query and Authorization, one per line. None of them
// is signed with our key.
#include "aws/sigv4.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/targets.h"

namespace berth::fuzz {

void aws_signature(std::string_view text) {
  auto lines = split(text, '\n');
  lines.resize(3);
  aws::Request request{
      "GET", lines[0], lines[1], {{"Host", "h"}, {"X-Amz-Date", "20150830T123600Z"}}};
  if (!lines[2].empty()) request.headers.emplace_back("Authorization", lines[2]);
  aws::Query query = aws::parse_query(lines[1]);
  std::string rendered = aws::render_query(query);
  CHECK(aws::render_query(aws::parse_query(rendered)) == rendered);
  CHECK(aws::percent_decode(aws::percent_encode(lines[0])) == lines[0]);
  auto presented = aws::parse_presented(request);
  if (!check_result(presented)) return;
  for (auto style : {aws::PathStyle::kService, aws::PathStyle::kS3}) {
    auto verified = aws::verify(request, *presented, Secret("never used to sign"),
                                {.now = presented->time, .payload_hash = "", .style = style});
    CHECK(!verified);
    check_error(verified.error());
  }
}

}  // namespace berth::fuzz
