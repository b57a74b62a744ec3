// The values of the catalog as the texts of its records. Parsing what rendering wrote gives the
// same value.
#pragma once

#include "scheduler/catalog.h"

namespace berth::scheduler {

std::string render_record(const Cluster& cluster);
std::string render_record(const Revision& revision);
std::string render_record(const AccountSetting& setting);

// kInvalid or kCorrupt with the record's name and the member that is wrong.
Result<Cluster> parse_cluster_record(const Record& record);
Result<Revision> parse_revision_record(const Record& record);
Result<AccountSetting> parse_setting_record(const Record& record);

}  // namespace berth::scheduler
