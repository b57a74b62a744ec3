#include "tools/exec_sessions.h"

#include "base/ids.h"
#include "base/json.h"
#include "base/log.h"
#include "http/websocket.h"
#include "sys/file.h"
#include "sys/spawn.h"

#include <fcntl.h>
#include <nlohmann/json.hpp>

#include <memory>
#include <utility>

namespace berth::tools {
namespace {

constexpr const char* kIdPrefix = "ecs-execute-command-";
constexpr const char* kPathPrefix = "/v1/data-channel/";
constexpr size_t kWaitingMax = 100;
constexpr Duration kWait = std::chrono::minutes(1);
constexpr int kHexOfWord = 16;
constexpr int kTokenWords = 4;  // of 64 bits

http::Response no_such_session() {
  return {.status = 404,
          .content_type = "text/plain",
          .body = "no such session: it was taken, or is over; call ExecuteCommand again\n"};
}

}  // namespace

std::string render_session_record(const SessionRecord& record) {
  nlohmann::ordered_json json = {
      {"id", record.id}, {"token", record.token}, {"command", record.command}};
  if (record.log) {
    json["log"] = {
        {"root", record.log->root}, {"region", record.log->region}, {"group", record.log->group}};
  }
  if (record.archive) {
    json["archive"] = {{"bucket", record.archive->bucket},
                       {"key", record.archive->key},
                       {"mustBeEncrypted", record.archive->must_be_encrypted}};
  }
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

Result<SessionRecord> parse_session_record(std::string_view text) {
  auto document = TRY(json::Document::parse(text, {.name = "session"}));
  json::Node root = document.root();
  SessionRecord record;
  record.id = TRY(root.string_at("id"));
  record.token = TRY(root.string_at("token"));
  record.command = TRY(root.find_strings("command"));
  if (record.command.empty()) return fail(Errc::kInvalid, "session.command: is empty");
  if (auto log = root.find("log")) {
    SessionLog wanted;
    wanted.root = TRY(log->string_at("root"));
    wanted.region = TRY(log->string_at("region"));
    wanted.group = TRY(log->string_at("group"));
    record.log = std::move(wanted);
  }
  if (auto archive = root.find("archive")) {
    ArchivePlace wanted;
    wanted.bucket = TRY(archive->string_at("bucket"));
    wanted.key = TRY(archive->string_at("key"));
    wanted.must_be_encrypted = TRY(TRY(archive->at("mustBeEncrypted")).as_bool());
    record.archive = std::move(wanted);
  }
  return record;
}

ExecSessions::ExecSessions(Programs programs, const agent::Config& config, Env env)
    : programs_(std::move(programs)), config_(config), env_(env) {}

Result<api::ExecSession> ExecSessions::open(const api::ExecRequest& request) {
  forget_late();
  if (waiting_.size() >= kWaitingMax) {
    return fail(Errc::kExhausted, "{} sessions wait for their clients; try again in a minute",
                waiting_.size());
  }
  SessionRecord record;
  record.id = kIdPrefix + make_hex(env_.rng, kHexOfWord) + make_hex(env_.rng, 1);
  if (request.log) TRY(keep(*request.log, record));
  for (int i = 0; i < kTokenWords; ++i) record.token += make_hex(env_.rng, kHexOfWord);
  record.command = programs_.exec;
  // As root: AWS's agent is root's, whoever the container runs as.
  record.command.insert(record.command.end(), {"--tty", "--user", "0:0", "--container",
                                               request.container, request.task_id});
  record.command.insert(record.command.end(), request.words.begin(), request.words.end());
  api::ExecSession session{record.id, record.token, kPathPrefix + record.id};
  waiting_[session.id] = {std::move(record), env_.clock.now() + kWait};
  return session;
}

Status ExecSessions::keep(const api::ExecLog& log, SessionRecord& record) const {
  if (!log.group.empty()) {
    TRY(logs::LogStore(config_.root, log.region).find_group(log.group));
    record.log = SessionLog{config_.root, log.region, log.group};
  }
  if (log.bucket.empty()) return {};
  auto reachable = agent::ObjectStore::check(config_);
  if (!reachable) return wrap(std::move(reachable).error(), "s3BucketName {}", log.bucket);
  std::string prefix = log.key_prefix;
  if (!prefix.empty() && !prefix.ends_with('/')) prefix += '/';
  record.archive = ArchivePlace{log.bucket, prefix + record.id + ".log", log.must_be_encrypted};
  return {};
}

void ExecSessions::forget_late() {
  Instant now = env_.clock.now();
  std::erase_if(waiting_, [now](const auto& each) { return each.second.until < now; });
}

tl::expected<http::Server::Switch, http::Response> ExecSessions::accept(
    const http::Request& request) {
  forget_late();
  bool is_ours = request.path.starts_with(kPathPrefix);
  std::string id = is_ours ? request.path.substr(std::string_view(kPathPrefix).size()) : "";
  auto found = waiting_.find(id);
  if (found == waiting_.end()) return tl::unexpected(no_such_session());
  auto head = http::accept_websocket(request);
  if (!head) return tl::unexpected(head.error());
  // Taken with the first that comes, whatever its token is: nobody tries several.
  auto record = std::make_shared<SessionRecord>(std::move(found->second.record));
  waiting_.erase(found);
  return http::Server::Switch{*head,
                              [this, record](const sys::Fd& connection, const std::string& early) {
                                // A client that speaks before it is answered (RFC 6455, 4.1) has
                                // broken the rules.
                                if (early.empty()) start(*record, connection);
                              }};
}

void ExecSessions::start(const SessionRecord& record, const sys::Fd& connection) {
  auto started = [&]() -> Status {
    sys::Fd null = TRY(sys::open("/dev/null", O_RDWR));
    sys::Fd told = TRY(sys::make_memfd("session"));
    TRY(sys::write_all(told.get(), render_session_record(record)));
    sys::Program program;
    program.path = programs_.session.front();
    program.arguments = programs_.session;
    program.descriptors = {{null.get(), 0},
                           {null.get(), 1},
                           {2, 2},
                           {connection.get(), kSessionConnectionFd},
                           {told.get(), kSessionRecordFd}};
    program.new_session = true;
    program.working_directory = "/";
    return sys::spawn_orphan(program);
  }();
  if (!started) LOG(kError, "no session", {{"id", record.id}, {"why", started.error().text}});
}

}  // namespace berth::tools
