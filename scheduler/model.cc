#include "scheduler/model.h"

#include <algorithm>

namespace berth::scheduler {

Container* Task::find_container(const std::string& name) {
  auto found = std::find_if(containers.begin(), containers.end(),
                            [&name](const Container& each) { return each.name == name; });
  return found == containers.end() ? nullptr : &*found;
}

const Container* Task::find_container(const std::string& name) const {
  return const_cast<Task*>(this)->find_container(name);
}

}  // namespace berth::scheduler
