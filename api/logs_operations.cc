#include "api/logs_operations.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <array>

namespace berth::api::cwl {
namespace {

using enum Support;

constexpr std::string_view kNoKeys = "groups are not encrypted with keys of KMS, so it takes none";
constexpr std::string_view kNoQueries = "there is no Logs Insights; use FilterLogEvents";
constexpr std::string_view kNoExport = "it exports nothing to S3; use FilterLogEvents";
constexpr std::string_view kNoFilters = "events go nowhere else and are not counted";

// In the order of their names.
constexpr auto kLogsOperations = std::to_array<Operation>({
    {"AssociateKmsKey", refuse_operation, kRefused, kNoKeys},
    {"CreateExportTask", refuse_operation, kRefused, kNoExport},
    {"CreateLogGroup", create_log_group, kPartly,
     "kmsKeyId and other classes than STANDARD are refused"},
    {"CreateLogStream", create_log_stream, kWorks, ""},
    {"DeleteLogGroup", delete_log_group, kWorks, ""},
    {"DeleteLogStream", delete_log_stream, kWorks, ""},
    {"DeleteMetricFilter", delete_no_filter, kPartly, "there are none"},
    {"DeleteRetentionPolicy", delete_retention_policy, kWorks, ""},
    {"DeleteSubscriptionFilter", delete_no_filter, kPartly, "there are none"},
    {"DescribeLogGroups", describe_log_groups, kWorks, ""},
    {"DescribeLogStreams", describe_log_streams, kWorks, ""},
    {"DescribeMetricFilters", describe_no_filters, kPartly, "there are none"},
    {"DescribeSubscriptionFilters", describe_no_filters, kPartly, "there are none"},
    {"FilterLogEvents", filter_log_events, kWorks, ""},
    {"GetLogEvents", get_log_events, kWorks, ""},
    {"GetQueryResults", refuse_operation, kRefused, kNoQueries},
    {"ListLogGroups", list_log_groups, kPartly, "of other accounts there are none"},
    {"ListTagsForResource", list_tags_for_resource, kWorks, ""},
    {"ListTagsLogGroup", list_tags_log_group, kWorks, ""},
    {"PutLogEvents", put_log_events, kWorks, ""},
    {"PutMetricFilter", refuse_operation, kRefused, kNoFilters},
    {"PutRetentionPolicy", put_retention_policy, kWorks, ""},
    {"PutSubscriptionFilter", refuse_operation, kRefused, kNoFilters},
    {"StartLiveTail", start_live_tail, kWorks, ""},
    {"StartQuery", refuse_operation, kRefused, kNoQueries},
    {"TagLogGroup", tag_log_group, kWorks, ""},
    {"TagResource", tag_resource, kWorks, ""},
    {"TestMetricFilter", test_metric_filter, kPartly, "extractedValues is empty"},
    {"UntagLogGroup", untag_log_group, kWorks, ""},
    {"UntagResource", untag_resource, kWorks, ""},
});

constexpr size_t kFilterNameMax = 512;
constexpr size_t kMetricNameMax = 255;

void need_group(const Logs& logs, Ask& ask) {
  std::string name = group_name_of(logs, ask);
  if (ask.refused()) return;
  auto group = logs.store().find_group(name);
  if (!group) refuse_error(ask, group.error());
}

std::string refusal_text(Ask& ask) {
  const Operation* operation = find_operation_in(all_operations(), ask.call().operation);
  return fmt::format("berth does not do {}: {}.", operation->name, operation->note);
}

}  // namespace

std::span<const Operation> all_operations() {
  return kLogsOperations;
}

void refuse_error(Ask& ask, const Error& error) {
  switch (error.code) {
    case Errc::kNotFound:
      return ask.refuse("ResourceNotFoundException", error.text);
    case Errc::kExists:
      return ask.refuse("ResourceAlreadyExistsException", error.text);
    case Errc::kInvalid:
    case Errc::kUnsupported:
      return ask.invalid(error.text);
    default:
      return ask.check(tl::unexpected<Error>(error));
  }
}

void check(Ask& ask, const Status& status) {
  if (!status) refuse_error(ask, status.error());
}

Json describe_no_filters(Logs& logs, Ask& ask) {
  bool is_metric = ask.call().operation == "DescribeMetricFilters";
  static_cast<void>(ask.short_text("filterNamePrefix", kFilterNameMax));
  static_cast<void>(ask.short_text("metricName", kMetricNameMax));
  if (!is_metric || ask.has("logGroupName")) need_group(logs, ask);
  return {{is_metric ? "metricFilters" : "subscriptionFilters", Json::array()}};
}

Json delete_no_filter(Logs& logs, Ask& ask) {
  bool is_metric = ask.call().operation == "DeleteMetricFilter";
  static_cast<void>(ask.short_text("filterName", kFilterNameMax));
  need_group(logs, ask);
  ask.refuse("ResourceNotFoundException", fmt::format("The specified {} filter does not exist.",
                                                      is_metric ? "metric" : "subscription"));
  return {};
}

Json refuse_operation(Logs&, Ask& ask) {
  ask.invalid(refusal_text(ask));
  return {};
}

}  // namespace berth::api::cwl
