#include "runtime/oci_program.h"

#include "base/json.h"
#include "base/text.h"
#include "sys/file.h"
#include "sys/spawn.h"

#include <fcntl.h>

#include <csignal>

namespace berth::runtime {
namespace {

constexpr size_t kLogMax = 256 * 1024;
constexpr size_t kPidMax = 32;
constexpr int kSupervisor = 3;
constexpr uint64_t kPidLimit = 1 << 22;  // the kernel's

// The last error of a log in the format of `--log-format json`: {"level":"error","msg":"..."}.
std::string error_in_log(const std::string& path) {
  auto text = sys::read_file(path, kLogMax);
  std::string message;
  if (!text) return message;
  for (const std::string& line : split(*text, '\n')) {
    auto document = json::Document::parse(line, {.name = "log"});
    if (!document) continue;
    auto level = document->root().find_string("level");
    auto found = document->root().find_string("msg");
    if (level && *level == "error" && found && *found) message = **found;
  }
  return message;
}

Result<pid_t> read_pid(const std::string& path) {
  std::string text = TRY(sys::read_file(path, kPidMax));
  auto pid = parse_u64(trim(text));
  if (!pid || *pid == 0 || *pid > kPidLimit) {
    return fail(Errc::kCorrupt, "{}: \"{}\" is not a pid", path, printable(text, 20));
  }
  return static_cast<pid_t>(*pid);
}

}  // namespace

OciProgram::OciProgram(std::string program, std::string root, std::chrono::milliseconds patience)
    : program_(std::move(program)), root_(std::move(root)), patience_(patience) {}

Result<pid_t> OciProgram::create(const std::string& id, const std::string& bundle,
                                 const Streams& streams) const {
  std::string pid_file = bundle + "/init.pid";
  std::vector<std::string> words = {"create", "--bundle", bundle, "--pid-file", pid_file};
  if (!streams.console_socket.empty()) {
    words.insert(words.end(), {"--console-socket", streams.console_socket});
  }
  words.push_back(id);
  TRY(run(words, bundle + "/runtime.log", streams));
  return read_pid(pid_file);
}

Result<OciProgram::Exec> OciProgram::begin_exec(const ExecRequest& request) const {
  Exec exec;
  exec.pid_file = fmt::format("{}/{}.pid", request.directory, request.name);
  exec.log = fmt::format("{}/{}.log", request.directory, request.name);
  std::vector<std::string> words = {"exec", "--detach", "--pid-file", exec.pid_file};
  if (!request.sub_cgroup.empty()) words.insert(words.end(), {"--cgroup", request.sub_cgroup});
  words.push_back(request.id);
  words.insert(words.end(), request.args.begin(), request.args.end());
  exec.process = TRY(begin(words, exec.log, request.streams));
  return exec;
}

Result<pid_t> OciProgram::end_exec(const Exec& exec) const {
  sys::ExitStatus status = TRY(sys::wait(exec.process));
  auto pid = read_pid(exec.pid_file);
  std::string message = status.shell_code() == 0 ? "" : error_in_log(exec.log);
  TRY(sys::remove_file(exec.pid_file));
  TRY(sys::remove_file(exec.log));
  if (status.shell_code() == 0) return pid;
  if (message.empty()) {
    message = fmt::format("{} exec exited with {}", program_, status.shell_code());
  }
  return fail(Errc::kSystem, "{}", message);
}

Status OciProgram::start(const std::string& id) const {
  return run({"start", id}, root_ + "/" + id + ".start.log", {});
}

Status OciProgram::remove(const std::string& id) const {
  return run({"delete", "--force", id}, root_ + "/" + id + ".delete.log", {});
}

Result<sys::Process> OciProgram::begin(const std::vector<std::string>& words,
                                       const std::string& log, const Streams& streams) const {
  sys::Fd null = TRY(sys::open("/dev/null", O_RDWR));
  auto or_null = [&](int fd) { return fd >= 0 ? fd : null.get(); };
  sys::Program program;
  program.path = program_;
  program.arguments = {program_, "--root", root_, "--log", log, "--log-format", "json"};
  program.arguments.insert(program.arguments.end(), words.begin(), words.end());
  program.descriptors = {
      {or_null(streams.in), 0}, {or_null(streams.out), 1}, {or_null(streams.err), 2}};
  if (streams.supervisor >= 0) {
    program.descriptors.emplace_back(streams.supervisor, kSupervisor);
    program.environment = sys::own_environment();
    program.environment->push_back(fmt::format("BERTH_SUPERVISOR_FD={}", kSupervisor));
  }
  // A runtime that went on after its shim would make what nobody knows of any more.
  program.dies_with_us = true;
  return sys::spawn(program);
}

Status OciProgram::run(const std::vector<std::string>& words, const std::string& log,
                       const Streams& streams) const {
  sys::Process process = TRY(begin(words, log, streams));
  bool ended = TRY(sys::ends_within(process, patience_));
  if (!ended) TRY(sys::send_signal(process, SIGKILL));
  sys::ExitStatus status = TRY(sys::wait(process));
  std::string message = status.shell_code() == 0 ? "" : error_in_log(log);
  TRY(sys::remove_file(log));
  if (!ended) {
    return fail(Errc::kSystem, "{} {} did not end within {} s and was killed", program_, words[0],
                std::chrono::duration<double>(patience_).count());
  }
  if (status.shell_code() == 0) return {};
  if (message.empty()) {
    message = fmt::format("{} {} exited with {}", program_, words[0], status.shell_code());
  }
  return fail(Errc::kSystem, "{}", message);
}

}  // namespace berth::runtime
