#include "base/text.h"
#include "oci/commands.h"
#include "runtime/container.h"
#include "sys/spawn.h"

#include <algorithm>
#include <cstdio>
#include <sstream>
#include <string>
#include <vector>

namespace berth::oci {
namespace {

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream stream(line);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

Result<std::vector<std::string>> run_ps(std::vector<std::string> options) {
  if (options.empty()) options = {"-ef"};
  options.insert(options.begin(), "ps");
  sys::Output output = TRY(sys::run_program(
      {.path = "ps", .arguments = std::move(options), .environment = std::nullopt}, ""));
  if (output.status.shell_code() == 0) return split(output.out, '\n');
  return fail(Errc::kSystem, "ps exited with {}: {}", output.status.shell_code(),
              printable(trim(output.err), 256));
}

// The head line and those whose PID is among the container's.
Status print_table(const std::vector<std::string>& lines, const std::vector<pid_t>& pids) {
  std::vector<std::string> titles = words_of(lines[0]);
  auto title = std::find(titles.begin(), titles.end(), "PID");
  if (title == titles.end())
    return fail(Errc::kInvalid, "ps: couldn't find PID field in its output");
  auto column = static_cast<size_t>(title - titles.begin());
  std::printf("%s\n", lines[0].c_str());
  for (size_t i = 1; i < lines.size(); ++i) {
    std::vector<std::string> words = words_of(lines[i]);
    if (column >= words.size()) continue;
    auto pid = parse_u64(words[column]);
    bool ours = pid && std::find(pids.begin(), pids.end(), static_cast<pid_t>(*pid)) != pids.end();
    if (ours) std::printf("%s\n", lines[i].c_str());
  }
  return {};
}

}  // namespace

Result<int> ps(const Invocation& invocation) {
  std::string format = invocation.options.text("format", "table");
  if (format != "table" && format != "json") {
    return fail(Errc::kInvalid, "--format: must be table or json, not {}", printable(format, 32));
  }
  std::vector<pid_t> pids = TRY(runtime::processes(invocation.root(), invocation.names[0]));
  if (format == "json") {
    std::vector<std::string> numbers;
    numbers.reserve(pids.size());
    for (pid_t pid : pids) numbers.push_back(std::to_string(pid));
    std::printf("[%s]\n", join(numbers, ",").c_str());
    return 0;
  }
  std::vector<std::string> options(invocation.names.begin() + 1, invocation.names.end());
  std::vector<std::string> lines = TRY(run_ps(std::move(options)));
  TRY(print_table(lines, pids));
  return 0;
}

}  // namespace berth::oci
