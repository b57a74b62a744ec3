// Dispatch: which service and which operation a request is for. One address serves all of Amazon's
// services, and each says it in its own way. Pure.
//
//   X-Amz-Target: PREFIX.OPERATION          a JSON service, known by its prefix
//   Action=OPERATION&Version=DATE           a query service, in the body or the query; which one
//                                           says the signature's scope, else the version
//   smithy-protocol: rpc-v2-cbor            the path says both:
//                                           /service/SERVICE/operation/OPERATION
//   neither                                 nobody's: told in the protocol of the scope's service
#pragma once

#include "aws/canonical.h"
#include "http/message.h"

#include <array>
#include <string>
#include <string_view>

namespace berth::api {

enum class Protocol {
  kJson,   // application/x-amz-json-1.1 both ways
  kQuery,  // a form in, XML out
  kEc2,    // likewise; lists and errors look otherwise
  kCbor,   // Smithy's RPC v2: application/cbor both ways
};
// Whether requests are forms.
constexpr bool is_form(Protocol protocol) {
  return protocol == Protocol::kQuery || protocol == Protocol::kEc2;
}

struct ServiceModel {
  std::string_view name;  // in the scope of signatures
  Protocol protocol = Protocol::kJson;
  std::string_view target;      // kJson: in front of X-Amz-Target's dot; kCbor: SERVICE of the path
  std::string_view version;     // of forms
  std::string_view name_space;  // of XML; kCbor: in front of the '#' of an exception's name
  std::string_view times = "";  // kCbor: the members that are times (api/cbor.h)
  std::string_view message = "message";                  // kJson: where a refusal says why
  std::string_view json = "application/x-amz-json-1.1";  // kJson: the type of answers
};

inline constexpr std::string_view kMetricsTimes =
    " Timestamp Timestamps AlarmConfigurationUpdatedTimestamp StateUpdatedTimestamp "
    "StateTransitionedTimestamp ";

// The services that berth speaks; one that has several protocols stands there
// as often.
inline constexpr std::array kServiceModels = {
    ServiceModel{"application-autoscaling", Protocol::kJson, "AnyScaleFrontendService", "", "", "",
                 "Message"},
    ServiceModel{"ec2", Protocol::kEc2, "", "2016-11-15",
                 "http://ec2.amazonaws.com/doc/2016-11-15/"},
    ServiceModel{"ecs", Protocol::kJson, "AmazonEC2ContainerServiceV20141113", "", ""},
    ServiceModel{"events", Protocol::kJson, "AWSEvents", "", ""},
    ServiceModel{"logs", Protocol::kJson, "Logs_20140328", "", ""},
    ServiceModel{"monitoring", Protocol::kJson, "GraniteServiceVersion20100801", "", "", "",
                 "message", "application/x-amz-json-1.0"},
    ServiceModel{"monitoring", Protocol::kQuery, "", "2010-08-01",
                 "http://monitoring.amazonaws.com/doc/2010-08-01/"},
    ServiceModel{"monitoring", Protocol::kCbor, "GraniteServiceVersion20100801", "",
                 "com.amazonaws.cloudwatch", kMetricsTimes},
    ServiceModel{"secretsmanager", Protocol::kJson, "secretsmanager", "", "", "", "Message"},
    ServiceModel{"ssm", Protocol::kJson, "AmazonSSM", "", ""},
    ServiceModel{"sts", Protocol::kQuery, "", "2011-06-15",
                 "https://sts.amazonaws.com/doc/2011-06-15/"},
};

struct Address {
  Protocol protocol = Protocol::kJson;    // of the answer, whoever gives it
  const ServiceModel* service = nullptr;  // null: none of ours
  std::string operation;                  // "" when the request names none
  std::string body;                       // what the service is to read; kCbor: not yet JSON
};

// Names and values of application/x-www-form-urlencoded, in which a '+' is a space.
aws::Query parse_form(std::string_view text);

// `scope`: the service that the request is signed for, "" when it is not signed.
Address address_of(const http::Request& request, std::string_view scope);

}  // namespace berth::api
