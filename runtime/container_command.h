// A command that the shim runs in a container beside its program: a check of its health, or what is
// to be done before its stop signal.
//
//   enter    berth-oci exec --detach: the command becomes a process of the container, with its
//            namespaces, user, environment and limits, in a cgroup of its own below the container's
//   run      its output is read
//   end      it has ended, which is told; or who began it wants it no more. clear() then kills and
//            reaps all that is in the cgroup, so that no command leaves a process behind
#pragma once

#include "base/result.h"
#include "runtime/oci_program.h"
#include "runtime/task_plan.h"
#include "sys/cgroup.h"
#include "sys/loop.h"
#include "sys/spawn.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace berth::runtime {

class ContainerCommand {
 public:
  struct Place {
    const char* group = "";  // the cgroup's name, of which the container has one
    size_t output_max = 0;   // bytes that are kept, the first ones
  };
  // Borrows all.
  ContainerCommand(const ContainerPlan& plan, const OciProgram& oci, sys::Loop& loop, Place place);
  ContainerCommand(const ContainerCommand&) = delete;
  ContainerCommand& operator=(const ContainerCommand&) = delete;
  ~ContainerCommand();

  struct End {
    std::optional<int> exit_code;  // absent: it did not run, or is not known to have
    std::string text;              // why
  };
  // `on_end` is called on the loop, once, unless clear() comes before; it is to call clear().
  Status begin(const std::vector<std::string>& args, std::function<void(End)> on_end);
  // Nothing of it remains; its output is all there. May be called twice.
  void clear();
  // Of the last one.
  const std::string& output() const { return text_; }

 private:
  Result<sys::CgroupDir> group() const;
  Status enter(const std::vector<std::string>& args);
  void entered();
  void ended();
  void tell(End end);
  void kill_group();
  void read_output();

  const ContainerPlan& plan_;
  const OciProgram& oci_;
  sys::Loop& loop_;
  Place place_;
  std::function<void(End)> on_end_;
  std::optional<OciProgram::Exec> entry_;  // berth-oci, until the command runs
  sys::Process command_;
  sys::Fd output_;
  std::string text_;
  bool is_begun_ = false;
};

}  // namespace berth::runtime
