#include "agent/ecr_provider.h"

#include "aws/curl_http.h"
#include "aws/environment.h"
#include "image/ecr.h"
#include "sys/clock.h"
#include "sys/spawn.h"

namespace berth::agent {

std::shared_ptr<image::CredentialProvider> make_ecr_provider(const Config& config) {
  aws::Environment environment = aws::parse_environment(sys::own_environment());
  std::string ca_file = aws::value_of(environment, "AWS_CA_BUNDLE");
  image::EcrConfig ecr{.chain = {std::move(environment), config.aws.profile},
                       .endpoint = config.aws.ecr_endpoint,
                       .directory = config.root + "/ecr"};
  return std::make_shared<image::EcrCredentials>(
      std::move(ecr), std::make_unique<aws::CurlHttp>(aws::CurlOptions{std::move(ca_file)}),
      std::make_unique<sys::SystemClock>());
}

}  // namespace berth::agent
