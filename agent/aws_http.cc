#include "agent/aws_http.h"

#include "agent/registry_config.h"
#include "aws/environment.h"
#include "image/proxy.h"

namespace berth::agent {

aws::CurlOptions aws_http_options(const Config& config,
                                  const std::vector<std::string>& environment) {
  aws::CurlOptions options;
  options.ca_file = aws::value_of(aws::parse_environment(environment), "AWS_CA_BUNDLE");
  options.proxy_for = [proxies = registry_config_of(config, environment).proxies](
                          const std::string& url) { return image::proxy_for(url, proxies); };
  return options;
}

}  // namespace berth::agent
