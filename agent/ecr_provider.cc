#include "agent/ecr_provider.h"

#include "agent/aws_http.h"
#include "aws/curl_http.h"
#include "aws/environment.h"
#include "image/ecr.h"
#include "sys/clock.h"
#include "sys/spawn.h"

namespace berth::agent {

std::shared_ptr<image::CredentialProvider> make_ecr_provider(const Config& config) {
  std::vector<std::string> environment = sys::own_environment();
  image::EcrConfig ecr{.chain = {aws::parse_environment(environment), config.aws.profile},
                       .endpoint = config.aws.ecr_endpoint,
                       .directory = config.root + "/ecr"};
  return std::make_shared<image::EcrCredentials>(
      std::move(ecr), std::make_unique<aws::CurlHttp>(aws_http_options(config, environment)),
      std::make_unique<sys::SystemClock>());
}

}  // namespace berth::agent
