// What registries say in headers, and what administrators say of registries: one value each.
#include "image/endpoint.h"
#include "image/headers.h"
#include "image/proxy.h"
#include "image/token.h"
#include "image/transport.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/targets.h"

namespace berth::fuzz {

void registry_header(std::string_view text) {
  if (auto range = image::parse_content_range(text)) {
    CHECK(range->first <= range->last);
    CHECK(!range->length || *range->length > range->last);
  }
  auto now = WallTime(std::chrono::seconds(1'700'000'000));
  if (auto wait = image::parse_retry_after(text, now)) CHECK(*wait >= Duration(0));
  (void)image::parse_rfc3339(text);  // any result, no crash
  if (auto next = image::parse_next_link(text)) {
    auto url = image::resolve_url("https://registry.example/v2/app/referrers/x", *next);
    if (check_result(url)) CHECK(url->find("://") != std::string::npos);
  }
  for (const image::Challenge& challenge : image::parse_challenges(text)) {
    CHECK(image::token_query(challenge, {"repository:a:pull"}).starts_with("service="));
  }
  auto mirror = image::parse_mirror(text, {});
  if (check_result(mirror)) CHECK(!mirror->host.empty());
  std::string proxy(text);
  if (check_result(image::check_proxy(proxy))) {
    check_line(image::shown_proxy(Secret(proxy)));
    CHECK(image::check_proxy(image::shown_proxy(Secret(proxy))));
  }
  image::ProxySettings settings =
      image::proxies_of_environment({"NO_PROXY=" + proxy, "HTTPS_PROXY=p"});
  (void)image::proxy_for("https://a.example:5000/", settings);  // any result, no crash
}

}  // namespace berth::fuzz
