// The names of this host's tasks, as files that whoever has a name puts there and takes away:
//
//   <run>/names/<name>/<whose>   a symbolic link to "<pid>:<start time> <record>", such as
//                                "4711:98765 A 172.29.0.5"
//
// A link is made and read in one system call, so nobody sees half of one; a question costs a look
// into one directory; and there is nobody who has to be asked or told. Names are in lower case. A
// record counts while the process that it names lives, which is the task's shim: of one that was
// killed nothing is told. "<whose>.unwell" is of a task whose health checks fail: it counts where
// there is no other one, for then a wrong answer is better than none.
#pragma once

#include "base/env.h"
#include "dns/zone.h"

#include <string>
#include <string_view>

namespace berth::resolver {

constexpr size_t kEntryMax = 1024;
constexpr std::string_view kUnwell = ".unwell";

class Names {
 public:
  explicit Names(std::string directory) : directory_(std::move(directory)) {}

  struct Found {
    dns::Presence presence = dns::Presence::kNone;
    std::vector<dns::RecordValue> values;  // at random, as many as are answered
  };
  Found find(const dns::Name& name, Rng& rng) const;

 private:
  std::string directory_;
};

}  // namespace berth::resolver
