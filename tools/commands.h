// The commands of `berth`: one function each. They return the exit code.
//
//   0    done
//   125  berth itself failed: bad arguments, bad input, no image, no permission
//   else `berth run`: the exit code of the essential container that ended the task
#pragma once

#include "agent/config.h"
#include "image/save.h"
#include "scheduler/task_definition_parse.h"

#include <string>
#include <utility>
#include <vector>

namespace berth::tools {

constexpr int kExitFailure = 125;
// Where the keeper of a detached task finds the socket of whoever started it.
constexpr int kKeeperReportFd = 3;

struct RunOptions {
  std::string file;                          // the task definition; "-" is standard input
  std::string overrides;                     // a file with RunTask's `overrides`, or ""
  std::string volumes;                       // likewise, `volumeConfigurations`
  std::vector<std::string> env;              // "K=V", for every container
  std::string container;                     // show only this one's log, unprefixed; "" shows all
  std::vector<std::string> security_groups;  // names, for networkMode awsvpc
  bool userns_host = false;
  bool timing = false;
  bool detach = false;                // return when the task runs; a keeper looks after it
  std::vector<std::string> keeper;    // the same command, to be that keeper
  int report_fd = -1;                 // this is the keeper: whoever started it hears there
  std::vector<std::string> sweeper;   // `berth system sweep` of the same instance
  std::vector<std::string> cleaner;   // `berth system prune --automatic`
  std::vector<std::string> endpoint;  // `berth system endpoint`, without the task's id
};

int run_command(const agent::Config& config, const RunOptions& options);

struct ValidateOptions {
  std::string file;  // as RunOptions::file
  scheduler::LaunchType launch_type = scheduler::LaunchType::kAsWritten;
  bool json = false;
};
// 0, or 1 when there is a finding.
int validate_command(const ValidateOptions& options);

// How a command tells what it moves.
struct TransferOptions {
  bool quiet = false;  // the digest only
  bool json = false;   // events on standard output
};
int pull_command(const agent::Config& config, const std::string& reference,
                 const TransferOptions& options);

struct PushOptions {
  std::string image;        // a name or digest
  std::string destination;  // "" is the name
  TransferOptions transfer;
};
int push_command(const agent::Config& config, const PushOptions& options);

struct LoginOptions {
  std::string registry;
  std::string user;             // "" asks for it
  bool password_stdin = false;  // else it is asked for
};
int login_command(const agent::Config& config, const LoginOptions& options);
int logout_command(const std::string& registry);

int import_command(const agent::Config& config, const std::string& tar,
                   const std::string& reference);

struct ImagesOptions {
  bool digests = false;  // whole digests in the table
  bool json = false;
};
// What a registry has that refers to an image.
struct ReferrersOptions {
  std::string reference;
  std::string artifact_type;  // "" is any
  bool json = false;
};
int referrers_command(const agent::Config& config, const ReferrersOptions& options);

int images_command(const agent::Config& config, const ImagesOptions& options);
int tag_command(const agent::Config& config, const std::string& source, const std::string& target);
// By names or digests.
int rmi_command(const agent::Config& config, const std::vector<std::string>& images);

struct SaveOptions {
  std::vector<std::string> images;  // names or digests
  std::string output;               // "" is standard output
  image::ArchiveFormat format = image::ArchiveFormat::kOciArchive;
};
int save_command(const agent::Config& config, const SaveOptions& options);

struct LoadOptions {
  std::string input;  // an archive or the directory of a layout; "" and "-" are standard input
  std::string name;   // for images that the archive gives none
};
int load_command(const agent::Config& config, const LoadOptions& options);

// `export NAME=VALUE` lines for `eval "$(berth env)"`.
int env_command(const agent::Config& config);

struct EventsOptions {
  bool follow = false;
  bool json = false;
  std::string task;     // the beginning of an id; "" is any
  std::string service;  // a name, with the events of its tasks; "" is any
  std::string rule;     // a name; "" is any
};
int events_command(const agent::Config& config, const EventsOptions& options);

// "berth: <text>" on standard error; returns kExitFailure.
int report(const Error& error);
// 0, or what report() returns.
int exit_code(const Status& status);

}  // namespace berth::tools
