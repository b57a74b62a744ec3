#include "scaling/model.h"

namespace berth::scaling {

const char* name_of(AdjustmentType type) {
  switch (type) {
    case AdjustmentType::kChangeInCapacity:
      return "ChangeInCapacity";
    case AdjustmentType::kPercentChangeInCapacity:
      return "PercentChangeInCapacity";
    case AdjustmentType::kExactCapacity:
      return "ExactCapacity";
  }
  return "";
}

const char* name_of(ActivityStatus status) {
  switch (status) {
    case ActivityStatus::kInProgress:
      return "InProgress";
    case ActivityStatus::kSuccessful:
      return "Successful";
    case ActivityStatus::kOverridden:
      return "Overridden";
    case ActivityStatus::kFailed:
      return "Failed";
  }
  return "";
}

}  // namespace berth::scaling
