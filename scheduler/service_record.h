// Services as the texts of their records, by the catalog's rules: parsing what rendering wrote
// gives the same value.
//
//   record kind          key                       body
//   service              "cluster name"            a Service
//   service-revision     its id                    a ServiceRevision
//   service-deployment   its id                    a ServiceDeployment
//   service-event        "cluster name number"     a ServiceEvent, the number with ten digits
//   alarm                its name                  there while it is raised
#pragma once

#include "base/result.h"
#include "scheduler/record_store.h"
#include "scheduler/service.h"

namespace berth::scheduler {

constexpr const char* kServiceKind = "service";
constexpr const char* kServiceRevisionKind = "service-revision";
constexpr const char* kServiceDeploymentKind = "service-deployment";
constexpr const char* kServiceEventKind = "service-event";
constexpr const char* kAlarmKind = "alarm";

std::string service_record_key(const ServiceKey& service);
std::string event_record_key(const ServiceKey& service, int64_t number);

Record service_record_of(const Service& service);
Record service_record_of(const ServiceRevision& revision);
Record service_record_of(const ServiceDeployment& deployment);
Record service_record_of(const ServiceKey& service, const ServiceEvent& event);

struct KeptServiceEvent {
  ServiceKey service{};
  ServiceEvent event{};
};

// kInvalid or kCorrupt with the record's name and the member that is wrong.
Result<Service> parse_service_record(const Record& record);
Result<ServiceRevision> parse_service_revision_record(const Record& record, CpuArchitecture host);
Result<ServiceDeployment> parse_service_deployment_record(const Record& record);
Result<KeptServiceEvent> parse_service_event_record(const Record& record);

}  // namespace berth::scheduler
